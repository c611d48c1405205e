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
from mldoctor.trainee.trainee import Trainee
from mldoctor.treatments.learning_rate import learning_rate

UPDATES = 60
"""Updates for each rate: what the control is compared with over the same number."""

HIGHER = (100.0, 10.0, 1e3, 1e4, 1e5, 1e6)
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
        return next((t for t in self.treated if beats(t, self.control)), None)


def beats(treated: TreatedCurve, control: OverfitCurve) -> bool:
    """Whether a treated run learned what the control did not.

    Learning the frequencies of the labels is not enough: the treated loss must end clearly below
    the start, the control's end, and the best constant answer.
    """
    tail = treated.losses[-max(1, len(treated.losses) // 10) :]
    if treated.outcome == "learned":
        # Half of the start is a line that the control may have missed by a hair.
        late = control.losses[-max(1, len(control.losses) // 3) :]
        level = sum(late) / max(1, len(late))
        return not math.isfinite(level) or sum(tail) / len(tail) <= (1 - GOOD_FALL) * level
    bars = [treated.losses[0], control.last, control.uninformed]
    finite = [b for b in bars if b is not None and math.isfinite(b)]
    if not finite:
        return False
    bar = min(finite)
    return treated.outcome == "falling" and sum(tail) / len(tail) <= (1 - GOOD_FALL) * bar


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
    if (
        causes.cured()
        or not CAN_COME_FROM_THE_RATE & set(symptoms.unexplained)
        or control.outcome == "learned"
    ):
        return RateTrial(control, ())
    fixed = trainee.fixed_set()
    trainee.allow(UPDATES * (len(HIGHER) + len(LOWER)))
    treated: list[TreatedCurve] = []
    for factor in (*HIGHER, *LOWER) if _smooth(control) else (*LOWER, *HIGHER):
        if trainee.seconds_left() <= 0:
            break
        curve = memorise(trainee, fixed, UPDATES, learning_rate(factor))
        if not curve.losses:
            break
        treated.append(TreatedCurve(factor, curve.losses, curve.outcome, curve.accuracy))
        if beats(treated[-1], control):
            break
    if not treated:
        raise AbsentFact("the budget ended before another rate could be tried")
    return RateTrial(control, tuple(treated))


def _smooth(control: OverfitCurve) -> bool:
    """Whether the control hardly moves: then a higher rate is the better first guess."""
    finite = [v for v in control.losses if math.isfinite(v)]
    if not finite:
        return False
    return max(finite) <= 1.5 * finite[0] + 1e-9
