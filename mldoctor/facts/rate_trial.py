"""RateTrial: does another learning rate cure what the loop cannot learn?"""

from __future__ import annotations

import math
from dataclasses import dataclass

from mldoctor.errors import AbsentFact
from mldoctor.facts.overfit_curve import OverfitCurve, memorise
from mldoctor.facts.symptoms import Symptoms
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee  # noqa: TC001 - the registry reads the annotation
from mldoctor.treatments.learning_rate import learning_rate

UPDATES = 60
"""Updates for each rate: what the control is compared with over the same number."""

FACTORS = (0.1, 10.0, 0.01, 100.0, 0.001, 1000.0)
"""Tried in the order of how common the mistake is; the trial ends with the first that learns."""

CAN_COME_FROM_THE_RATE = {
    "cannot-overfit", "flat-loss", "single-class-collapse", "input-independent-learning",
    "non-finite-loss", "exploding-gradients", "oscillating-loss",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TreatedCurve:
    """The fixed set under a treated rate."""

    factor: float
    losses: tuple[float, ...]
    outcome: str
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class RateTrial:
    """The control and the curves of other rates, all from one snapshot and on the same samples."""

    control: OverfitCurve
    treated: tuple[TreatedCurve, ...]

    def cure(self) -> TreatedCurve | None:
        """The treated curve that learned while the control did not."""
        if self.control.outcome == "learned":
            return None
        learned = [t for t in self.treated if t.outcome == "learned"]
        return learned[0] if learned else None


@fact(Cost.TREATMENTS)
def rate_trial(trainee: Trainee, control: OverfitCurve, symptoms: Symptoms) -> RateTrial:
    """Try other rates where a symptom stands that no cause explains."""
    if not CAN_COME_FROM_THE_RATE & set(symptoms.unexplained) or control.outcome == "learned":
        return RateTrial(control, ())
    fixed = trainee.fixed_set()
    trainee.allow(UPDATES * len(FACTORS) + UPDATES)
    treated: list[TreatedCurve] = []
    falling = control.outcome in ("stuck", "creeping", "falling")
    rising_first = falling and _smooth(control)
    order = sorted(FACTORS, key=lambda f: (f < 1) is rising_first)
    for factor in order:
        if trainee.seconds_left() <= 0:
            break
        curve = memorise(trainee, fixed, UPDATES, learning_rate(factor))
        treated.append(TreatedCurve(factor, curve.losses, curve.outcome, curve.accuracy))
        if curve.outcome == "learned":
            break
    if not treated:
        raise AbsentFact("the budget ended before another rate could be tried")
    return RateTrial(control, tuple(treated))


def _smooth(control: OverfitCurve) -> bool:
    """Whether the control hardly moves: then a higher rate is the better first guess."""
    finite = [v for v in control.losses if math.isfinite(v)]
    if not finite:
        return False
    return max(finite) <= 1.5 * finite[0] + 1e-9  # noqa: PLR2004 - a rate too high throws it up
