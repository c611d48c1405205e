"""LossInputs: whether the loss functions were given what they are defined for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from torch import Tensor

    from mldoctor.trainee.tape import LossCall

FUNCTIONS = (
    "nll_loss", "kl_div", "cross_entropy", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "poisson_nll_loss",
)  # fmt: skip
"""Losses that are defined for one kind of prediction, or whose arguments are not alike."""

ROUNDING = 1e-3
"""A logarithm of a probability above this is none: half precision rounds to some 1e-3."""


@dataclass(frozen=True, slots=True)
class LossInput:
    """One line that computes such a loss with gradients.

    Attributes:
        origin: the operation that made the prediction: "layer", "softmax", "sigmoid", ...
        above_zero: smallest share, over the calls, of entries of the prediction above 0.
        distribution: the prediction is non-negative and sums to one along an axis, in every call.
        target_below_zero: smallest share, over the calls, of entries of the target below 0.
        target_distribution: the same as `distribution` of the target.
        log_target: `kl_div` was told that its target holds logarithms.
        swapped: the target has a gradient and the prediction has none.
        hard: the prediction holds only zeros and ones.
        value: of the first call.
        error: what a call raised.
        reshaped: in every call the classes came to their axis by a reshape.
    """

    function: str
    location: Location | None
    calls: int
    origin: str
    above_zero: float
    distribution: bool
    target_below_zero: float
    target_distribution: bool
    log_target: bool
    swapped: bool
    hard: bool
    value: float | None
    error: str
    reshaped: bool = False


@dataclass(frozen=True, slots=True)
class LossInputs:
    """Every line that computes one of these losses."""

    rows: tuple[LossInput, ...]


@fact(Cost.TAPE)
def loss_inputs(trainee: Trainee) -> LossInputs:
    """Look at the values and the origin of what the first calls were given."""
    groups: dict[tuple[str, Any], list[LossCall]] = {}
    for call in trainee.tape.openings:
        if call.function in FUNCTIONS and call.prediction.numel():
            groups.setdefault((call.function, call.site), []).append(call)
    rows = [_row(g) for g in groups.values() if any(_matters(c) for c in g)]
    if not rows:
        raise AbsentFact("no loss that needs probabilities or scores was called")
    return LossInputs(tuple(rows))


def _matters(call: LossCall) -> bool:
    """Whether the call belongs to training: something in it has a gradient, or it failed."""
    return call.grad or bool(call.error) or (call.training and call.target_grad)


def _row(calls: list[LossCall]) -> LossInput:
    error = next((c.error for c in calls if c.error), "")
    calls = [c for c in calls if _matters(c)]
    calls = [c for c in calls if _finite(c)] or calls[:1]  # after a NaN nothing can be told
    first = calls[0]
    targets = [c.target for c in calls if c.target is not None and c.target.is_floating_point()]
    return LossInput(
        function=first.function,
        location=first.site.location() if first.site else None,
        calls=len(calls),
        origin=first.origin,
        above_zero=min(float((c.prediction > ROUNDING).float().mean()) for c in calls),
        distribution=all(_distribution(c.prediction) for c in calls),
        target_below_zero=min((float((t < -ROUNDING).float().mean()) for t in targets), default=0),
        target_distribution=bool(targets) and all(_distribution(t) for t in targets),
        log_target=bool(first.options.get("log_target")),
        swapped=all(c.target_grad and not c.grad for c in calls),
        hard=all(bool(((c.prediction == 0) | (c.prediction == 1)).all()) for c in calls),
        value=first.value,
        error=error,
        reshaped=all(c.reshaped for c in calls),
    )


def _finite(call: LossCall) -> bool:
    given = [call.prediction, *([call.target] if call.target is not None else [])]
    return all(bool(t.isfinite().all()) for t in given if t.is_floating_point())


def _distribution(values: Tensor) -> bool:
    import torch

    values = values.float()
    if values.dim() == 0 or float(values.min()) < -ROUNDING:
        return False
    axes = [axis for axis in range(values.dim()) if values.shape[axis] > 1]
    sums = [values.sum(axis) for axis in (*axes[1:], *axes[:1])]
    return any(torch.allclose(total, torch.ones_like(total), atol=1e-2) for total in sums)
