"""DecayTrial: does the loop learn without weight decay what it cannot learn with it?"""

from __future__ import annotations

from dataclasses import dataclass

from mldoctor.errors import AbsentFact
from mldoctor.facts.hyperparameters import Group, Hyperparameters
from mldoctor.facts.overfit_curve import LEARNING, OverfitCurve, memorise
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

UPDATES = 80

WORTH_A_TRIAL = 0.5
"""Decay that is weaker than half of the gradient cannot be what keeps a loss from falling."""


@dataclass(frozen=True, slots=True)
class DecayTrial:
    """The strongest weight decay and, where the loop cannot learn, the run without it.

    Attributes:
        decay: the weight decay of the group in which it is strongest, `kind` its optimizer.
        pull: how strong it is there: the median over the weight matrices of the norm of what decay
            adds to the gradient over the norm of the gradient; for decay that is decoupled, over
            the unit length of Adam's steps.
        control, treated: outcomes of memorising with and without it; treated is "" without a trial.
        losses: the curve with it; `treated_losses` the one without it.
    """

    kind: str
    decay: float
    pull: float
    control: str
    treated: str
    losses: tuple[float, ...]
    treated_losses: tuple[float, ...]
    built: Location | None

    @property
    def cured(self) -> bool:
        """Whether the loop learns without decay, and not with it."""
        return self.treated in LEARNING and self.control not in LEARNING


@fact(Cost.TREATMENTS)
def decay_trial(trainee: Trainee, control: OverfitCurve, options: Hyperparameters) -> DecayTrial:
    """Memorise the fixed set without weight decay, where decay is strong and learning fails."""
    from mldoctor.treatments.no_weight_decay import no_weight_decay

    groups = [(_pull(g), g, o) for o in options.optimizers for g in o.groups if g.decay]
    if not groups:
        raise AbsentFact("no optimizer has a weight decay")
    pull, group, row = max(groups, key=lambda found: found[0])
    treated = ""
    curve: tuple[float, ...] = ()
    if control.outcome not in LEARNING and pull >= WORTH_A_TRIAL:
        trainee.allow(UPDATES)
        tried = memorise(trainee, trainee.fixed_set(), UPDATES, no_weight_decay)
        treated, curve = tried.outcome, tried.losses
    return DecayTrial(
        row.kind, group.decay, pull, control.outcome, treated, control.losses, curve, row.built
    )


def _pull(group: Group) -> float:
    if group.decoupled:
        return group.decay * (group.spread or 0.0)
    return group.matrices or 0.0
