"""RandomUse: which generators were seeded, and whether their numbers repeat in every update."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from mldoctor.trainee.tape import Tape


@dataclass(frozen=True, slots=True)
class Generator:
    """One global generator.

    Attributes:
        name: "torch", "numpy", "random", "torch on the GPU".
        seeded: calls that seeded it before the first update; `reseeded` those after it.
        updates: updates with marks; `repeated` of them begin their first forward in the state of
            the update before; `drawn` of those draw numbers between two of their marks.
        site: the line that reseeds it.
    """

    name: str
    seeded: int
    reseeded: int
    updates: int
    repeated: int
    drawn: int
    site: Location | None


@dataclass(frozen=True, slots=True)
class RandomUse:
    """Every generator; `training` is the line of the first backward."""

    generators: tuple[Generator, ...]
    training: Location | None


@fact(Cost.TAPE)
def random_use(trainee: Trainee) -> RandomUse:
    """Compare the marks around the forwards of successive updates."""
    tape = trainee.tape
    if not tape.random:
        raise AbsentFact("no forward of a module was seen in training")
    names = [name for name, _ in tape.random[0].states]
    backwards = tape.of("backward")
    site = backwards[0].site if backwards else None
    return RandomUse(
        tuple(_generator(tape, name) for name in names), site.location() if site else None
    )


def _generator(tape: Tape, name: str) -> Generator:
    seeds = [e for e in tape.of("seed") if e.details["what"] == name.split(maxsplit=1)[0]]
    late = [e for e in seeds if e.update]
    marks: dict[int, list[int]] = {}
    for mark in tape.random:
        marks.setdefault(mark.update, []).append(dict(mark.states).get(name, 0))
    rows = [marks[update] for update in sorted(marks)]
    same = [(a, b) for a, b in pairwise(rows) if a[0] == b[0]]
    return Generator(
        name=name,
        seeded=len(seeds) - len(late),
        reseeded=len(late),
        updates=len(rows),
        repeated=len(same),
        drawn=sum(len(set(b)) > 1 for _, b in same),
        site=late[0].site.location() if late and late[0].site else None,
    )
