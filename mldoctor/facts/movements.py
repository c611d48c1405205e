"""Movements: which tensors a step with gradients leaves at their value."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from mldoctor.trainee.tape import Tape


@dataclass(frozen=True, slots=True)
class Moved:
    """One tensor of an optimizer over its first steps at a rate above zero.

    Attributes:
        name: qualified by the user's own name of the model, "" for a tensor of no model.
        steps: such steps with a gradient.
        fed: elements looked at, over these steps, that had a gradient; `still` of them kept their
            value.
        gradient, weight: medians of their root mean squares.
        size: elements of the tensor.
    """

    name: str
    dtype: str
    steps: int
    fed: int
    still: int
    rate: float
    gradient: float
    weight: float
    size: int


@dataclass(frozen=True, slots=True)
class OptimizerMoves:
    """What the steps of one optimizer moved."""

    kind: str
    rows: tuple[Moved, ...]
    site: Location | None
    built: Location | None


@dataclass(frozen=True, slots=True)
class Movements:
    """Every optimizer that took steps with gradients."""

    optimizers: tuple[OptimizerMoves, ...]


@fact(Cost.TAPE)
def movements(trainee: Trainee) -> Movements:
    """Add up what was looked at around each step."""
    tape = trainee.tape
    names = {
        id(p): f"{tape.names.get(id(root), type(root).__name__)}.{path}"
        for root in tape.roots
        for path, p in root.named_parameters()
    }
    found = []
    for index, optimizer in enumerate(tape.optimizers):
        steps = [e for e in tape.of("step") if e.who == index and "moved" in e.details]
        rows = _rows(tape, index, names)
        if rows:
            site, built = steps[0].site, tape.optimizer_sites[index]
            found.append(
                OptimizerMoves(
                    type(optimizer).__name__,
                    rows,
                    site.location() if site else None,
                    built.location() if built else None,
                )
            )
    if not found:
        raise AbsentFact("no step with gradients was seen")
    return Movements(tuple(found))


def _rows(tape: Tape, index: int, names: dict[int, str]) -> tuple[Moved, ...]:
    tensors = [p for g in tape.optimizers[index].param_groups for p in g["params"]]
    seen = defaultdict(list)
    for event in tape.of("step"):
        if event.who == index:
            for row in event.details.get("moved", ()):
                if row.rate > 0 and row.tensor < len(tensors):
                    seen[row.tensor].append(row)
    return tuple(
        Moved(
            name=names.get(id(tensors[i]), ""),
            dtype=rows[0].dtype,
            steps=len(rows),
            fed=sum(row.fed for row in rows),
            still=sum(row.still for row in rows),
            rate=median(row.rate for row in rows),
            gradient=median(row.gradient for row in rows),
            weight=median(row.weight for row in rows),
            size=tensors[i].numel(),
        )
        for i, rows in sorted(seen.items())
    )
