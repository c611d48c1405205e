"""Regularisation: dropout and weight decay of the models in training."""

from __future__ import annotations

from dataclasses import dataclass

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee


@dataclass(frozen=True, slots=True)
class Regularisation:
    """What holds the models back on purpose.

    Attributes:
        dropout: the strongest dropout of the models; layers: how many layers have one.
        decay: the strongest weight decay.
        built: where the layer with that dropout was built.
    """

    dropout: float
    layers: int
    decay: float
    built: Location | None


@fact(Cost.TAPE)
def regularisation(trainee: Trainee) -> Regularisation:
    """Read the rates of every dropout layer and the options of every optimizer."""
    tape = trainee.tape
    dropouts = _dropouts(trainee)
    decays = [float(g.get("weight_decay") or 0.0) for o in tape.optimizers for g in o.param_groups]
    strongest, place = max(dropouts, key=lambda row: row[0], default=(0.0, None))
    if not strongest:
        raise AbsentFact("no model in training has a dropout above zero")
    return Regularisation(strongest, len(dropouts), max(decays, default=0.0), place)


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
