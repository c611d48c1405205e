"""InitialWeights: layers whose units are copies of one another, and still are after training."""

from __future__ import annotations

from dataclasses import dataclass

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee


@dataclass(frozen=True, slots=True)
class InitialWeight:
    """The weight of one trainable linear or convolutional layer that a loss reaches.

    Attributes:
        units: output units of the layer.
        equal_before, equal_now: all its units had the same weights before the first update, and
            have the same after the last, to the last bit up to rounding.
        value: the one value that all entries had before the first update, None when they differed.
    """

    name: str
    kind: str
    units: int
    equal_before: bool
    equal_now: bool
    value: float | None
    built: Location | None


@dataclass(frozen=True, slots=True)
class InitialWeights:
    """Every such layer of the models in use."""

    rows: tuple[InitialWeight, ...]
    updates: int


@fact(Cost.TAPE)
def initial_weights(trainee: Trainee) -> InitialWeights:
    """Compare the rows of every weight, before the first update and now."""
    from torch import Tensor, nn

    def equal(weight: Tensor) -> bool:
        units = weight.detach().flatten(1)
        return bool(((units - units[:1]).abs() <= 1e-6 * units.abs().max()).all())

    tape = trainee.tape
    reached: set[int] = set()
    for event in tape.of("backward"):
        graph = event.details.get("graph")
        reached |= graph.reached if graph is not None else set()
    rows = []
    for root in tape.roots:
        model = tape.names.get(id(root), type(root).__name__)
        for path, module in root.named_modules():
            if not isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d):
                continue
            weight = module.weight
            before = trainee.initial_value(weight)
            if before is None or weight.shape[0] < 2 or not weight.requires_grad:  # noqa: PLR2004 - one unit has no copy
                continue
            if id(weight) not in reached or before.shape != weight.shape or weight[0].numel() < 2:  # noqa: PLR2004 - as above
                continue
            constant = bool((before == before.flatten()[0]).all())
            birth = tape.births.get(id(module))
            rows.append(
                InitialWeight(
                    name=".".join(part for part in (model, path) if part),
                    kind=type(module).__name__,
                    units=int(weight.shape[0]),
                    equal_before=equal(before),
                    equal_now=equal(weight),
                    value=float(before.flatten()[0]) if constant else None,
                    built=birth.site.location() if birth and birth.site else None,
                )
            )
    if not rows:
        raise AbsentFact("no trainable linear or convolutional layer was reached by a loss")
    return InitialWeights(tuple(rows), tape.updates)
