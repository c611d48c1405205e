"""LoadedWeights: how much of each loaded checkpoint found its place in the model."""

from __future__ import annotations

from dataclasses import dataclass

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee


@dataclass(frozen=True, slots=True)
class LoadedState:
    """One call of `load_state_dict`.

    Attributes:
        model: the class of the module.
        own, given, matched: tensors of the module, of the checkpoint, and under the same name.
        renamed: tensors of the module that the checkpoint has under a name that only adds or lacks
            a prefix, with the same shape; two examples as "own name <- name in the checkpoint".
        built: where the module was built.
    """

    model: str
    site: Location | None
    built: Location | None
    own: int
    given: int
    matched: int
    renamed: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LoadedWeights:
    """Every load into a model that is trained, or a part of it."""

    rows: tuple[LoadedState, ...]


@fact(Cost.TAPE)
def loaded_weights(trainee: Trainee) -> LoadedWeights:
    """Compare the names and shapes of each load."""
    tape = trainee.tape
    used = {id(m) for root in tape.roots for m in root.modules()}
    rows = []
    for load in tape.loads:
        if id(load.module) not in used:
            continue
        matched = load.own.keys() & load.given.keys()
        pairs = _renamed(
            {k: v for k, v in load.own.items() if k not in matched},
            {k: v for k, v in load.given.items() if k not in matched},
        )
        birth = tape.births.get(id(load.module))
        rows.append(
            LoadedState(
                model=tape.names.get(id(load.module), type(load.module).__name__),
                site=load.site.location() if load.site else None,
                built=birth.site.location() if birth and birth.site else None,
                own=len(load.own),
                given=len(load.given),
                matched=len(matched),
                renamed=len(pairs),
                examples=tuple(f"{a} <- {b}" for a, b in list(pairs.items())[:2]),
            )
        )
    if not rows:
        raise AbsentFact("no state dictionary was loaded into a model in use")
    return LoadedWeights(tuple(rows))


def _renamed(
    missing: dict[str, tuple[int, ...]], unexpected: dict[str, tuple[int, ...]]
) -> dict[str, str]:
    """For each missing tensor the unexpected one of its shape whose name only has another prefix."""
    found: dict[str, str] = {}
    for name, shape in missing.items():
        for other, its in unexpected.items():
            if its == shape and (other.endswith(f".{name}") or name.endswith(f".{other}")):
                found[name] = other
                break
    return found
