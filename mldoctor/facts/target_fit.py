"""TargetFit: shape and range of predictions against their targets, call by call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts.loss_calls import CLASS_LOSSES, REGRESSION_LOSSES
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from torch import Tensor

    from mldoctor.trainee.tape import LossCall

MARGIN = 0.02
"""A target at the very bound of an activation is reached in the limit."""


@dataclass(frozen=True, slots=True)
class Fit:
    """One line that computes a loss.

    Attributes:
        prediction, target: shapes, of the call whose shapes differ where one does.
        entries: values in the latest prediction.
        broadcast: shape that the loss is computed over, where it is larger than the prediction.
        target_lowest, target_highest, target_mean, target_spread: over all recorded calls.
        first_spread, first_mean: of the first recorded prediction.
        first_loss, last_loss: mean value of the first and last third of the calls.
        below_minus_one, below_zero, above_one: shares of the targets there, with a margin of 2 %.
        many_hot: share of the targets' rows with more than one 1; classes: their width; part: "the
            target", or the part of the batch of which the target is the argmax.
        by_hand: the script writes the loss out, and `function` is what it amounts to.
    """

    function: str
    location: Location | None
    calls: int
    prediction: tuple[int, ...]
    target: tuple[int, ...]
    entries: int
    broadcast: tuple[int, ...]
    target_lowest: float
    target_highest: float
    target_mean: float
    target_spread: float
    first_mean: float
    first_spread: float
    first_loss: float | None
    last_loss: float | None
    below_minus_one: float
    below_zero: float
    above_one: float
    many_hot: float
    classes: int
    part: str
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class TargetFit:
    """Every line that computes a loss with gradients from a prediction and a target."""

    rows: tuple[Fit, ...]


@fact(Cost.TAPE)
def target_fit(trainee: Trainee) -> TargetFit:
    """Group the recorded calls by function and line."""
    groups: dict[tuple[str, Any], list[LossCall]] = {}
    for call in trainee.tape.losses:
        if call.target is not None and (call.grad or call.error) and call.prediction.numel():
            groups.setdefault((call.function, call.site), []).append(call)
    rows = [_fit(trainee, calls) for calls in groups.values()]
    if not rows:
        raise AbsentFact("no loss with a prediction and a target was computed")
    return TargetFit(tuple(rows))


def _fit(trainee: Trainee, calls: list[LossCall]) -> Fit:
    import torch

    first = calls[0]
    odd = next((c for c in calls if _broadcast(c)), first)
    targets = torch.cat([_flat(c.target) for c in calls])
    third = max(1, len(calls) // 3)
    many, classes, part = _many_hot(trainee, calls)
    predicted = _flat(first.prediction)
    return Fit(
        function=first.function,
        location=first.site.location() if first.site else None,
        calls=len(calls),
        prediction=tuple(odd.prediction.shape),
        target=tuple(odd.target.shape) if odd.target is not None else (),
        entries=calls[-1].prediction.numel(),
        broadcast=_broadcast(odd),
        target_lowest=float(targets.min()),
        target_highest=float(targets.max()),
        target_mean=float(targets.mean()),
        target_spread=float(targets.std()) if targets.numel() > 1 else 0.0,
        first_mean=float(predicted.mean()),
        first_spread=float(predicted.std()) if predicted.numel() > 1 else 0.0,
        first_loss=_mean(calls[:third]),
        last_loss=_mean(calls[-third:]),
        below_minus_one=float((targets < -1 - MARGIN).double().mean()),
        below_zero=float((targets < -MARGIN).double().mean()),
        above_one=float((targets > 1 + MARGIN).double().mean()),
        many_hot=many,
        classes=classes,
        part=part,
        by_hand="written" in first.options,
    )


def _flat(tensor: Tensor | None) -> Tensor:
    import torch

    if tensor is None or not tensor.numel():
        return torch.zeros(1)
    return tensor.detach().reshape(-1).to("cpu", torch.float64)


def _mean(calls: list[LossCall]) -> float | None:
    values = [c.value for c in calls if c.value is not None]
    return sum(values) / len(values) if values else None


def _broadcast(call: LossCall) -> tuple[int, ...]:
    """The common shape of prediction and target, where it is larger than both need."""
    import torch

    alike = (*REGRESSION_LOSSES, "binary_cross_entropy")
    if call.target is None or call.function not in alike:
        return ()
    mine, theirs = tuple(call.prediction.shape), tuple(call.target.shape)
    if mine == theirs or call.prediction.numel() != call.target.numel():
        return ()
    try:
        common = torch.broadcast_shapes(mine, theirs)  # type: ignore[no-untyped-call]
    except RuntimeError:
        return ()
    return tuple(common) if common.numel() > call.prediction.numel() else ()


def _many_hot(trainee: Trainee, calls: list[LossCall]) -> tuple[float, int, str]:
    """Rows with several ones, in the target itself or in the part of the batch it was made from."""
    last = calls[-1]
    if last.function not in CLASS_LOSSES or last.target is None:
        return 0.0, 0, ""
    if last.target.is_floating_point() and last.target.shape == last.prediction.shape:
        rows = [c.target for c in calls if c.target is not None]
        return (*_share(rows), "the target")
    from mldoctor.trainee.batches import leaves, same_values

    for batch in trainee.latest_batches():
        for path, leaf in leaves(batch):
            if not hasattr(leaf, "argmax") or getattr(leaf, "ndim", 0) != 2:  # noqa: PLR2004 - [batch, classes]
                continue
            import torch

            tensor = torch.as_tensor(leaf)
            if tensor.shape[1] != last.prediction.shape[1 if last.prediction.dim() > 1 else 0]:
                continue
            picked = tensor.float().argmax(1)
            if any(c.target is not None and same_values(picked, c.target) for c in calls):
                share, width = _share([tensor])
                if share:
                    return (
                        share,
                        width,
                        f"the argmax of part {'.'.join(map(str, path))} of the batch",
                    )
    return 0.0, 0, ""


def _share(rows: list[Tensor]) -> tuple[float, int]:
    several = total = width = 0
    for row in rows:
        if row.dim() != 2 or not bool(((row == 0) | (row == 1)).all()):  # noqa: PLR2004 - [batch, classes]
            return 0.0, 0
        several += int((row.sum(1) > 1).sum())
        total += len(row)
        width = int(row.shape[1])
    return (several / total if total else 0.0), width
