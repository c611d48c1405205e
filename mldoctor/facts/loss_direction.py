"""LossDirection: whether the updates of the loop lower the loss that it computes.

The sign with which each loss function enters what is back-propagated is recorded. Where it is
negative, where an optimizer maximises, or where a loss rises over the natural steps, the loop takes
small steps on a fixed set and the value of the loss function itself is watched.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import fmean, variance
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts.label_place import LabelPlace
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee
from mldoctor.treatments.learning_rate import learning_rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from mldoctor.trainee.tape import LossCall

UPDATES = 18
"""Small steps: enough for a trend in three thirds."""

FACTORS = (0.01, 0.1)
"""Shares of the planned rate: the first whose steps move the loss beyond its noise decides."""

STEADY = 0.05
"""Weights that differ by less than this share are one constant, and no reward of each batch."""


@dataclass(frozen=True, slots=True)
class Direction:
    """One line that computes a loss.

    Attributes:
        weights: derivative of the back-propagated loss by its value, smallest and largest.
        by_hand: not a function of torch, but log-probabilities of classes that were picked out.
        from_batch: its target is a part of the batch, or it has one weight in every batch that a
            loader gives.
        natural: its value in the first and the last third of the natural steps.
        factor: share of the planned rate at which the small steps moved the loss, None without one.
        before, after: its value in the first and the last third of those steps.
        total_rises: what is back-propagated rises in those steps.
    """

    function: str
    location: Location | None
    weights: tuple[float, float]
    by_hand: bool
    from_batch: bool
    natural: tuple[float, float] | None
    factor: float | None = None
    before: float | None = None
    after: float | None = None
    total_rises: bool = False


@dataclass(frozen=True, slots=True)
class LossDirection:
    """Every line whose loss reaches the weights; `maximises` when an optimizer is told to."""

    rows: tuple[Direction, ...]
    maximises: bool


@fact(Cost.STEPS)
def loss_direction(trainee: Trainee, place: LabelPlace) -> LossDirection:
    """Read the signs; where one is suspicious, take small steps."""
    tape = trainee.tape
    maximises = any(g.get("maximize") for o in tape.optimizers for g in o.param_groups)
    groups: dict[Any, list[LossCall]] = {}
    for call in tape.openings:
        if call.weights and call.target is not None:
            groups.setdefault((call.function, call.site), []).append(call)
    densities = [] if groups else _densities(trainee)
    if not groups and not densities:
        raise AbsentFact("no loss with a target reaches the weights by its mean")
    values = {key: _values(tape.losses, key) for key in groups}
    negative = all(w < 0 for calls in groups.values() for c in calls for w in c.weights)
    rising = any(_moved(v) > 0 for v in values.values())
    loaded = any(info.trained for info in tape.loaders)
    rows = densities
    for key, calls in groups.items():
        weights = [w for c in calls for w in c.weights]
        row = Direction(
            function=calls[0].function,
            location=calls[0].site.location() if calls[0].site else None,
            weights=(min(weights), max(weights)),
            by_hand="written" in calls[0].options,
            from_batch=place.path is not None
            or (loaded and max(weights) - min(weights) < STEADY * abs(max(weights))),
            natural=_thirds(values[key]),
        )
        if (negative or maximises or rising) and not row.by_hand and not trainee.undrivable():
            row = _with_steps(trainee, row, key)
        rows.append(row)
    return LossDirection(tuple(rows), maximises)


def _densities(trainee: Trainee) -> list[Direction]:
    """What the lines that ask a distribution for the density of given values do to it, together.

    The density of samples or of a second kind of data may well be lowered while another one is raised.
    """
    calls = [call for call in trainee.tape.likelihoods if call.signs]
    if not calls:
        return []
    signs = [sign for call in calls for sign in call.signs]
    site = calls[-1].site
    return [
        Direction(
            function="log_prob",
            location=site.location() if site else None,
            weights=(float(min(signs)), float(max(signs))),
            by_hand=True,
            from_batch=any(_delivered(trainee, call.value) for call in calls),
            natural=None,
        )
    ]


def _delivered(trainee: Trainee, value: Tensor) -> bool:
    """Whether these values are a part of one of the first or latest batches."""
    import torch

    from mldoctor.trainee.batches import leaves

    batches = (*trainee.first_batches(), *trainee.latest_batches())
    parts = (leaf for batch in batches for _, leaf in leaves(batch))
    return any(
        isinstance(part, torch.Tensor)
        and part.numel() == value.numel()
        and torch.equal(part.detach().flatten().to(value), value.flatten())
        for part in parts
    )


def _with_steps(trainee: Trainee, row: Direction, key: Any) -> Direction:
    trainee.allow(len(FACTORS) * UPDATES)
    fixed = trainee.fixed_set()
    feed = fixed.batches or trainee.replayed()
    for factor in FACTORS:
        values: list[float] = []
        totals: list[float] = []
        for step in trainee.drive(feed, UPDATES, learning_rate(factor)):
            values += _values(step.calls, key)[:1]
            totals.append(step.loss)
        if _moved(values):
            first, last = _thirds(values) or (0.0, 0.0)
            rises = _moved(totals) > 0
            return replace(row, factor=factor, before=first, after=last, total_rises=rises)
    return row


def _values(calls: Sequence[LossCall], key: Any) -> list[float]:
    return [
        c.value for c in calls if (c.function, c.site) == key and c.grad and c.value is not None
    ]


def _thirds(values: Sequence[float]) -> tuple[float, float] | None:
    third = len(values) // 3
    return (fmean(values[:third]), fmean(values[-third:])) if third else None


def _moved(values: Sequence[float]) -> int:
    """1 for a rise beyond noise, -1 for a fall, 0 for neither."""
    third = len(values) // 3
    if third < 3:  # noqa: PLR2004 - a spread takes a few points
        return 0
    first, last = values[:third], values[-third:]
    change = fmean(last) - fmean(first)
    noise = ((variance(first) + variance(last)) / third) ** 0.5
    if not abs(change) > 3 * noise + 1e-9 * abs(fmean(first)):
        return 0
    return 1 if change > 0 else -1
