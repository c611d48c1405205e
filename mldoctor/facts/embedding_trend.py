"""EmbeddingTrend: where a spread that shrank in the natural steps is after many more of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mldoctor.facts.embedding_spread import (
    Embedding,
    EmbeddingSpread,
    again,
    representation,
)
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

SHRINKING = 0.7
"""A spread above this share of what it was at the start needs no further steps: after the natural
steps of sound scripts it was 0.98 times (two views), 2.1 times (captions) and 8.5 times (triplets)."""

UPDATES = 150
"""Updates after which a collapse is complete: Chen and He (2021), figure 2, show it within the first
epochs."""


@dataclass(frozen=True, slots=True)
class EmbeddingTrend:
    """Every model that learns from comparisons, as late as it was followed."""

    models: tuple[Embedding, ...]


@fact(Cost.STEPS)
def embedding_trend(trainee: Trainee, spread: EmbeddingSpread) -> EmbeddingTrend:
    """Go on with natural batches where the samples move together."""
    shrinking = [m for m in spread.models if m.now.relative < SHRINKING * m.initial.relative]
    if not shrinking or trainee.failure() is not None or len(trainee.optimizers) > 1:
        return EmbeddingTrend(spread.models)
    trainee.allow(UPDATES)
    updates = sum(1 for _ in trainee.drive((), UPDATES))
    rows = []
    for model in spread.models:
        call = trainee.tape.root_calls.get(model.index)
        live = trainee.models[model.index] if model.index < len(trainee.models) else None
        later = representation(replace(call, module=live)) if call and live is not None else None
        followed = later is not None and updates > model.updates
        rows.append(again(model, later, updates) if followed and later is not None else model)
    return EmbeddingTrend(tuple(rows))
