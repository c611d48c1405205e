"""NonFiniteFed: what the loop makes of the samples that hold NaN or Inf."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.facts.input_parts import InputParts
from mldoctor.facts.updates import Updates
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from mldoctor.trainee.contents import Contents


@dataclass(frozen=True, slots=True)
class NonFiniteFed:
    """The training samples with NaN or Inf, given to the project's own loop.

    Attributes:
        loss: of one update on a batch with such samples; None when it could not be driven.
        natural: a natural step met values that were not finite in its inputs, and its loss was not.
    """

    loss: float | None
    natural: bool


@fact(Cost.STEPS)
def non_finite_fed(trainee: Trainee, parts: InputParts, updates: Updates) -> NonFiniteFed:
    """Feed one batch that holds them."""
    from mldoctor.trainee.contents import contents

    training = parts.rows[0]
    if not training.non_finite:
        return NonFiniteFed(None, natural=False)
    natural = bool(updates.non_finite_inputs)
    if natural or trainee.undrivable():
        return NonFiniteFed(None, natural=natural)
    batch = _batch(trainee, contents(trainee, training.loader.index), training.non_finite_index)
    if batch is None:
        return NonFiniteFed(None, natural=natural)
    losses = [step.loss for step in trainee.drive([batch], 1)]
    return NonFiniteFed(losses[0] if losses else math.nan, natural=natural)


def _batch(trainee: Trainee, found: Contents, broken: tuple[int, ...]) -> Any:
    """A batch of the loop's own size, with one of the broken samples in it."""
    info = trainee.tape.loaders[found.loader]
    collate = getattr(info.loader, "collate_fn", None)
    if collate is None:
        return None
    bad = [s.value for s in found.kept if s.index in broken][:1]
    good = [s.value for s in found.kept if s.index not in broken]
    size = info.batch_size or 1
    rows = (bad + good)[:size]
    return collate(rows) if len(rows) == size else None
