"""LossScale: by what each loss is multiplied or divided before it is back-propagated.

For a loss that is summed over the batch, the fixed set is learned twice: as the loop does it, and at
a rate divided by the rows of the batch or by its entries, which is what the mean would amount to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts.loss_calls import BINARY_LOSSES, REGRESSION_LOSSES
from mldoctor.facts.overfit_curve import memorise
from mldoctor.facts.treatment_trial import beats
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee
from mldoctor.treatments.learning_rate import learning_rate

if TYPE_CHECKING:
    from mldoctor.trainee.tape import LossCall

UPDATES = 40
"""Updates of the control and of the treated run."""

UNDIVIDED = 0.5
"""A sum with a smaller weight is divided by something afterwards."""

SCALE_FREE = (
    "Adam",
    "RMSprop",
    "Adagrad",
    "Adadelta",
    "Adafactor",
    "Lion",
    "Prodigy",
    "Muon",
    "Rprop",
)
"""Optimizers whose steps do not grow with the scale of the loss."""


@dataclass(frozen=True, slots=True)
class Scale:
    """One line that computes a loss which reaches the weights.

    Attributes:
        reduction: "mean", "sum", "batchmean".
        weights: derivative of what is back-propagated by its value, in each of the first calls.
        batches: rows of the prediction in each of them; batch_size: of the loader.
        epoch: batches in an epoch, None when the loader does not know.
        classes: entries in a row.
        terms: what the mean of torch would divide the largest batch by: its rows, or every entry.
    """

    function: str
    location: Location | None
    reduction: str
    weights: tuple[float, ...]
    batches: tuple[int, ...]
    batch_size: int | None
    epoch: int | None
    classes: int
    terms: int = 1


@dataclass(frozen=True, slots=True)
class LossScale:
    """Every such line.

    Attributes:
        backwards: backward passes per optimizer step, in the natural run.
        scale_free: every optimizer takes steps that do not grow with the scale of the loss.
        divisor: by what the rate was divided in the trial, the rows or the entries of the batch; None
            without a trial.
        control, treated: how the two runs ended; cured: the treated one learned what the other did
            not.
    """

    rows: tuple[Scale, ...]
    backwards: float
    scale_free: bool
    divisor: int | None
    control: str
    treated: str
    cured: bool


@fact(Cost.TREATMENTS)
def loss_scale(trainee: Trainee) -> LossScale:
    """Read the weights of the first losses, and try the mean where a sum is taken."""
    tape = trainee.tape
    groups: dict[Any, list[LossCall]] = {}
    for call in tape.openings:
        if call.weights and "written" not in call.options:
            groups.setdefault((call.function, call.site), []).append(call)
    steps = len(tape.of("step"))
    if not groups or not steps:
        raise AbsentFact("no loss of torch reaches the weights by one value")
    loader = next((i for i in tape.loaders if i.trained), None)
    rows = tuple(
        Scale(
            function=calls[0].function,
            location=calls[0].site.location() if calls[0].site else None,
            reduction=str(calls[0].options.get("reduction", "mean")),
            weights=tuple(w for c in calls for w in c.weights[:1]),
            batches=tuple(c.prediction.shape[0] if c.prediction.dim() else 1 for c in calls),
            batch_size=loader.batch_size if loader else None,
            epoch=_length(loader.loader) if loader else None,
            classes=calls[0].prediction.shape[-1] if calls[0].prediction.dim() > 1 else 1,
            terms=max(_terms(call) for call in calls),
        )
        for calls in groups.values()
    )
    free = all(any(k in type(o).__name__ for k in SCALE_FREE) for o in tape.optimizers)
    divisor, control, treated, cured = None, "", "", False
    whole = (r for r in rows if r.reduction == "sum" and min(r.weights) > UNDIVIDED)
    summed = [r for r in whole if min(r.batches) > 1]
    if summed and not free and not trainee.undrivable():
        for divisor in sorted({max(summed[0].batches), summed[0].terms}):
            control, treated, cured = _trial(trainee, divisor)
            if cured:
                break
    backwards = len(tape.of("backward")) / steps
    return LossScale(rows, backwards, free, divisor, control, treated, cured)


def _trial(trainee: Trainee, divisor: int) -> tuple[str, str, bool]:
    trainee.allow(2 * UPDATES)
    fixed = trainee.fixed_set()
    control = memorise(trainee, fixed, UPDATES)
    if control.outcome not in ("diverged", "stuck") or not control.losses:
        return control.outcome, "", False
    treated = memorise(trainee, fixed, UPDATES, learning_rate(1 / divisor))
    if not treated.losses:
        return control.outcome, "", False
    return control.outcome, treated.outcome, beats(treated, control)


def _terms(call: LossCall) -> int:
    rows = call.prediction.shape[0] if call.prediction.dim() else 1
    alike = call.target is not None and call.target.shape == call.prediction.shape
    apart = call.function in (*REGRESSION_LOSSES, *BINARY_LOSSES)
    return call.prediction.numel() if alike and apart else rows


def _length(loader: Any) -> int | None:
    try:
        return len(loader)
    except (TypeError, NotImplementedError):
        return None
