"""ClassWeights: the weights that a loss gives its classes, beside how often each class occurs."""

from __future__ import annotations

from dataclasses import dataclass

from mldoctor.errors import AbsentFact
from mldoctor.facts.loss_calls import CLASS_LOSSES
from mldoctor.facts.training_labels import TrainingLabels
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

MOST = 1000
"""More classes than this are words."""


@dataclass(frozen=True, slots=True)
class Weights:
    """One line that computes a weighted loss.

    Attributes:
        kind: the argument: "weight" of each class, or "pos_weight" of the positive one.
        weights: by class index, or the single positive weight.
        counts: how often each class occurs in the training data, by class index.
        error: what the call raised.
    """

    function: str
    location: Location | None
    kind: str
    weights: tuple[float, ...]
    counts: tuple[int, ...]
    source: str
    error: str


@dataclass(frozen=True, slots=True)
class ClassWeights:
    """Every line that computes a weighted class loss."""

    rows: tuple[Weights, ...]


@fact(Cost.SCAN)
def class_weights(trainee: Trainee, labels: TrainingLabels) -> ClassWeights:
    """Read the weights of the first calls."""
    rows: dict[object, Weights] = {}
    for call in trainee.tape.openings:
        if call.site in rows or not (call.grad or call.error):
            continue
        if call.function in CLASS_LOSSES:
            kind, size = "weight", call.prediction.shape[1 if call.prediction.dim() > 1 else 0]
        elif call.function == "binary_cross_entropy_with_logits":
            kind, size = "pos_weight", 2
        else:
            continue
        given = call.options.get(kind)
        if given is None or given.numel() > MOST or (kind == "pos_weight" and given.numel() != 1):
            continue
        rows[call.site] = Weights(
            function=call.function,
            location=call.site.location() if call.site else None,
            kind=kind,
            weights=tuple(float(w) for w in given.reshape(-1).tolist()),
            counts=tuple(labels.counts.get(str(i), 0) for i in range(size)),
            source=labels.source,
            error=call.error,
        )
    if not rows:
        raise AbsentFact("no loss is given class weights")
    return ClassWeights(tuple(rows.values()))
