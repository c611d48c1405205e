"""RegularisationTrial: does the loop learn without dropout and weight decay what it cannot with them?"""

from __future__ import annotations

from dataclasses import dataclass

from mldoctor.errors import AbsentFact
from mldoctor.facts.overfit_curve import OverfitCurve, memorise
from mldoctor.facts.rate_trial import TreatedCurve, beats
from mldoctor.facts.symptoms import Symptoms
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

UPDATES = 80


@dataclass(frozen=True, slots=True)
class RegularisationTrial:
    """The regularisation in use, and the run without it.

    Attributes:
        dropout: the strongest dropout of the models; layers: how many layers have one.
        decay: the strongest weight decay.
        treated: the run without both; None where no trial was called for.
        built: where the model with that dropout was built.
    """

    control: OverfitCurve
    dropout: float
    layers: int
    decay: float
    treated: TreatedCurve | None
    built: Location | None

    @property
    def cured(self) -> bool:
        """Whether the run without regularisation learned what the control did not."""
        return self.treated is not None and beats(self.treated, self.control)


@fact(Cost.TREATMENTS)
def regularisation_trial(
    trainee: Trainee, control: OverfitCurve, symptoms: Symptoms
) -> RegularisationTrial:
    """Memorise the fixed set without dropout and weight decay, where a symptom stands alone."""
    from mldoctor.treatments.no_regularisation import no_regularisation

    found = _dropouts(trainee)
    decays = [g.get("weight_decay", 0.0) for o in trainee.optimizers for g in o.param_groups]
    if not found:
        raise AbsentFact("no model in training has a dropout above zero")
    treated = None
    if symptoms.unexplained and control.outcome != "learned":
        trainee.allow(UPDATES)
        curve = memorise(trainee, trainee.fixed_set(), UPDATES, no_regularisation)
        if curve.losses:
            treated = TreatedCurve(1.0, curve.losses, curve.outcome, curve.accuracy)
    strongest, place = max(found, key=lambda row: row[0])
    return RegularisationTrial(
        control, strongest, len(found), float(max(decays, default=0.0)), treated, place
    )


def _dropouts(trainee: Trainee) -> list[tuple[float, Location | None]]:
    """Each dropout above zero, and where its layer was built."""
    from torch import nn

    found: list[tuple[float, Location | None]] = []
    for model in trainee.tape.roots:
        for module in model.modules():
            rate = 0.0
            if isinstance(module, nn.modules.dropout._DropoutNd):  # noqa: SLF001 - the base of every dropout
                rate = module.p
            elif isinstance(module, nn.RNNBase) and module.num_layers > 1:
                rate = module.dropout
            birth = trainee.tape.births.get(id(module))
            if rate:
                found.append((rate, birth.site.location() if birth and birth.site else None))
    return found
