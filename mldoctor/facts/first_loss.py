"""FirstLoss: the class loss before the first update, against that of an uninformed model."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mldoctor.errors import AbsentFact
from mldoctor.facts.loss_calls import CLASS_LOSSES
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee


@dataclass(frozen=True, slots=True)
class FirstLoss:
    """The first class loss of the script, as the mean over its entries.

    Attributes:
        value: that loss; uninformed: ln C, what equal scores for all classes give.
        classes: C.
        scale: standard deviation of the scores over the classes, its mean over the entries.
    """

    function: str
    value: float
    uninformed: float
    classes: int
    scale: float
    site: Location | None


@fact(Cost.TAPE)
def first_loss(trainee: Trainee) -> FirstLoss:
    """Find the first call of a class loss, before any update."""
    for call in trainee.tape.losses:
        options = call.options
        plain = (
            options.get("weight") is None
            and not options.get("label_smoothing")
            and options.get("reduction", "mean") == "mean"
        )
        if call.function not in CLASS_LOSSES or call.update or not call.grad or call.value is None:
            continue
        if not plain or call.target is None or call.target.is_floating_point():
            raise AbsentFact("the first class loss is weighted, smoothed or summed")
        axis = 1 if call.prediction.dim() > 1 else 0
        classes = int(call.prediction.shape[axis])
        if classes < 2 or not math.isfinite(call.value):  # noqa: PLR2004 - see too-few-outputs
            break
        return FirstLoss(
            function=call.function,
            value=call.value,
            uninformed=math.log(classes),
            classes=classes,
            scale=float(call.prediction.float().std(axis).mean()),
            site=call.site.location() if call.site else None,
        )
    raise AbsentFact("no class loss before the first update was recorded")
