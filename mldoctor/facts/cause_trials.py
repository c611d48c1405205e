"""CauseTrials: does removing a found cause from the live run cure the symptoms?

The untreated overfit curve is the control. Each cause that has a treatment is treated alone, from
the same snapshot, on the same samples and with the same random numbers. A treated run that learns
what the control could not is the evidence on which symptoms are folded under that cause.
"""

from __future__ import annotations

from dataclasses import dataclass

from mldoctor.facts.overfit_curve import LEARNING, OverfitCurve, memorise
from mldoctor.facts.symptoms import Symptoms
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

UPDATES = 80
OVERFIT_SYMPTOMS = frozenset(
    {"cannot-overfit", "flat-loss", "single-class-collapse", "input-independent-learning"}
)


@dataclass(frozen=True, slots=True)
class CauseTrial:
    """One treated run.

    Attributes:
        cause: the finding that was treated; treatment: what was done, in words.
        losses: the treated curve; outcome: how it ended.
        cured: the symptoms that are gone with the treatment.
    """

    cause: str
    treatment: str
    losses: tuple[float, ...]
    outcome: str
    cured: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CauseTrials:
    """The treated runs of the causes found."""

    control: OverfitCurve
    rows: tuple[CauseTrial, ...]

    def cured(self) -> dict[str, tuple[str, ...]]:
        """Which symptoms each cause was shown to account for."""
        return {row.cause: row.cured for row in self.rows if row.cured}


@fact(Cost.TREATMENTS)
def cause_trials(trainee: Trainee, control: OverfitCurve, symptoms: Symptoms) -> CauseTrials:
    """Treat each found cause where a symptom stands unexplained."""
    from mldoctor.treatments.catalogue import OF_CAUSES

    open_symptoms = [name for name in symptoms.unexplained if name in OVERFIT_SYMPTOMS]
    causes = [name for name in symptoms.causes if name in OF_CAUSES]
    rows: list[CauseTrial] = []
    if not open_symptoms or not causes or control.outcome in LEARNING:
        return CauseTrials(control, ())
    fixed = trainee.fixed_set()
    trainee.allow(UPDATES * len(causes))
    tried: set[str] = set()
    for cause in causes:
        words, treatment = OF_CAUSES[cause]
        if words in tried or trainee.seconds_left() <= 0:
            continue
        tried.add(words)
        curve = memorise(trainee, fixed, UPDATES, treatment)
        cured = tuple(open_symptoms) if curve.outcome in LEARNING else ()
        rows.append(CauseTrial(cause, words, curve.losses, curve.outcome, cured))
        if cured:
            break
    return CauseTrials(control, tuple(rows))
