"""LossCalls: what the loss functions were given in the natural steps."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from torch import Tensor

    from mldoctor.trainee.tape import LossCall as RecordedCall

CLASS_LOSSES = ("cross_entropy", "nll_loss")
BINARY_LOSSES = ("binary_cross_entropy", "binary_cross_entropy_with_logits")
REGRESSION_LOSSES = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")


@dataclass(frozen=True, slots=True)
class LossCall:
    """One line that computes a loss, over all its calls in the natural steps.

    Attributes:
        function: torch's name of it (`cross_entropy`).
        calls: how often it was called with gradients.
        prediction: shape of the latest prediction, `[batch, classes, ...]` for class losses.
        classes: number of classes the prediction offers, None for other losses.
        target: shape and dtype of the latest target.
        integer_target: the target holds integers (indices); whole_target: floats that are whole.
        lowest, highest: range of the target, ignored entries left out.
        counts: how often each class index occurs, for targets with at most 1000 values.
        ignored: share of the target entries that the loss ignores.
        probabilities: the prediction's rows are non-negative and sum to one in every call.
        weighted: class or positive weights were given.
        error: what a call raised, when it did.
    """

    function: str
    location: Location | None
    calls: int
    prediction: tuple[int, ...]
    classes: int | None
    target: tuple[int, ...]
    target_dtype: str
    integer_target: bool
    whole_target: bool
    lowest: float | None
    highest: float | None
    counts: dict[str, int]
    ignored: float
    ignore_index: int | None
    probabilities: bool
    weighted: bool
    error: str


@dataclass(frozen=True, slots=True)
class LossCalls:
    """Every line that computes a loss with gradients."""

    rows: tuple[LossCall, ...]


@fact(Cost.TAPE)
def loss_calls(trainee: Trainee) -> LossCalls:
    """Group the recorded calls by function and line."""
    groups: dict[tuple[str, Any], list[RecordedCall]] = {}
    for call in trainee.tape.losses:
        if call.training or call.error:
            groups.setdefault((call.function, call.site), []).append(call)
    if not groups:
        raise AbsentFact("no loss function of torch was called")
    return LossCalls(tuple(_row(calls) for calls in groups.values()))


def _row(calls: list[RecordedCall]) -> LossCall:
    last = next((c for c in calls if c.error), calls[-1])
    function = last.function
    class_loss = function in CLASS_LOSSES
    ignore = last.options.get("ignore_index", -100) if class_loss else None
    targets = [_kept(c.target, ignore) for c in calls if c.target is not None]
    filled = [t for t in targets if t.numel()]
    total = sum(c.target.numel() for c in calls if c.target is not None)
    soft = last.target is not None and last.target.is_floating_point() and class_loss
    integer = last.target is not None and not last.target.is_floating_point()
    return LossCall(
        function=function,
        location=last.site.location() if last.site else None,
        calls=len(calls),
        prediction=tuple(last.prediction.shape),
        classes=_classes(last) if class_loss else None,
        target=tuple(last.target.shape) if last.target is not None else (),
        target_dtype=str(last.target.dtype).removeprefix("torch.")
        if last.target is not None
        else "",
        integer_target=integer,
        whole_target=bool(filled) and all(bool((t == t.round()).all()) for t in filled),
        lowest=min((float(t.min()) for t in filled), default=None),
        highest=max((float(t.max()) for t in filled), default=None),
        counts={} if soft else _counts(filled),
        ignored=1 - sum(t.numel() for t in targets) / total if total else 0.0,
        ignore_index=ignore,
        probabilities=class_loss and all(_are_probabilities(c.prediction) for c in calls),
        weighted=any(last.options.get(k) is not None for k in ("weight", "pos_weight")),
        error=last.error,
    )


def _classes(call: RecordedCall) -> int:
    shape = call.prediction.shape
    return int(shape[1] if len(shape) > 1 else shape[0])


def _kept(target: Tensor, ignore: int | None) -> Tensor:
    flat = target.detach().reshape(-1)
    if ignore is not None and not flat.is_floating_point():
        return flat[flat != ignore]
    return flat


def _counts(targets: list[Tensor]) -> dict[str, int]:
    import torch

    counted: Counter[str] = Counter()
    for target in targets:
        if target.is_floating_point() and not bool((target == target.round()).all()):
            return {}
        values, numbers = torch.unique(target.to("cpu").to(torch.int64), return_counts=True)
        counted.update(dict(zip(map(str, values.tolist()), numbers.tolist(), strict=True)))
        if len(counted) > 1000:  # noqa: PLR2004 - beyond that these are not classes
            return {}
    return dict(counted)


def _are_probabilities(prediction: Tensor) -> bool:
    import torch

    if prediction.dim() < 2 or prediction.shape[1] < 2 or not prediction.numel():  # noqa: PLR2004 - [batch, classes]
        return False
    values = prediction.float()
    if float(values.min()) < 0:
        return False
    sums = values.sum(1)
    return bool(torch.allclose(sums, torch.ones_like(sums), atol=1e-3))
