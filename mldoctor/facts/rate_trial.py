"""RateTrial: does another learning rate cure what the loop cannot learn?"""

from __future__ import annotations

import math
from dataclasses import dataclass

from mldoctor.errors import AbsentFact
from mldoctor.facts.cause_trials import CauseTrials
from mldoctor.facts.overfit_curve import OverfitCurve, memorise
from mldoctor.facts.symptoms import Symptoms
from mldoctor.facts.updates import Updates
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee  # noqa: TC001 - the registry reads the annotation
from mldoctor.treatments.learning_rate import learning_rate

UPDATES = 60
"""Updates for each rate: what the control is compared with over the same number."""

HIGHER = (100.0, 10.0, 1e3, 1e4, 1e5)
LOWER = (0.1, 0.01, 1e-3, 1e-4)
"""Multiples of the planned rate, tried in the order of how common the mistake is; the trial ends
with the first that learns."""

GOOD_FALL = 0.25
"""A treated loss that falls by this share, while the control's shows no progress, counts as cured."""

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
        learned = [t for t in self.treated if learns(t.losses, t.outcome)]
        return learned[0] if learned else None


def learns(losses: tuple[float, ...], outcome: str) -> bool:
    """Whether a treated run got somewhere: it learned, or fell by a good part of its start."""
    if outcome == "learned":
        return True
    tail = losses[-max(1, len(losses) // 10) :]
    return outcome == "falling" and sum(tail) / len(tail) <= (1 - GOOD_FALL) * losses[0]


@fact(Cost.TREATMENTS)
def rate_trial(
    trainee: Trainee,
    control: OverfitCurve,
    symptoms: Symptoms,
    causes: CauseTrials,
    updates: Updates,
) -> RateTrial:
    """Try other rates where a symptom stands that no cause explains."""
    if updates.outside_changes:
        raise AbsentFact("the weights are also changed outside of the optimizer")
    if causes.cured() or not CAN_COME_FROM_THE_RATE & set(symptoms.unexplained) or control.outcome == "learned":
        return RateTrial(control, ())
    fixed = trainee.fixed_set()
    trainee.allow(UPDATES * (len(HIGHER) + len(LOWER)))
    treated: list[TreatedCurve] = []
    for factor in (*HIGHER, *LOWER) if _smooth(control) else (*LOWER, *HIGHER):
        if trainee.seconds_left() <= 0:
            break
        curve = memorise(trainee, fixed, UPDATES, learning_rate(factor))
        treated.append(TreatedCurve(factor, curve.losses, curve.outcome, curve.accuracy))
        if learns(curve.losses, curve.outcome):
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
