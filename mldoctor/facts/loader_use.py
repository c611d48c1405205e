"""LoaderUse: what the script does with the batches of each loader: steps, or only forwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from mldoctor.trainee.tape import Event, Tape


@dataclass(frozen=True, slots=True)
class Use:
    """One loader that was built.

    Attributes:
        name: what the script calls it, "" when it has no name there.
        requests: batches that were asked for.
        steps: updates taken on its batches alone; `in_eval` of them with a model in eval mode.
        optimizers: those that stepped on them.
        step_site: the line of the first of these steps.
    """

    index: int
    name: str
    requests: int
    steps: int
    in_eval: int
    optimizers: tuple[int, ...]
    built: Location | None
    step_site: Location | None


@dataclass(frozen=True, slots=True)
class LoaderUse:
    """Every loader; `updates` is the number of natural updates."""

    rows: tuple[Use, ...]
    updates: int


def behind(events: list[Event], position: int) -> set[int]:
    """The loaders whose batches were fetched last before an event, together."""
    found: set[int] = set()
    for event in reversed(events[:position]):
        if event.kind == "batch" and event.who is not None:
            found.add(event.who)
        elif found and event.kind in ("forward", "backward", "step"):
            break
    return found


@fact(Cost.TAPE)
def loader_use(trainee: Trainee) -> LoaderUse:
    """Tie every step to the batches that were fetched before its forward."""
    tape = trainee.tape
    if not any(info.trained for info in tape.loaders):
        raise AbsentFact("the loop reads no DataLoader")
    taken = _taken(tape)
    rows = []
    for index, info in enumerate(tape.loaders):
        mine = [(event, in_eval) for event, loader, in_eval in taken if loader == index]
        rows.append(
            Use(
                index=index,
                name=info.name,
                requests=info.requests,
                steps=len(mine),
                in_eval=sum(in_eval for _, in_eval in mine),
                optimizers=tuple(sorted({e.who for e, _ in mine if e.who is not None})),
                built=info.site.location() if info.site else None,
                step_site=mine[0][0].site.location() if mine and mine[0][0].site else None,
            )
        )
    return LoaderUse(tuple(rows), tape.updates)


def _taken(tape: Tape) -> list[tuple[Event, int, bool]]:
    """Each step on the batches of one loader only, and whether its forwards ran in eval mode."""
    found = []
    last = -1
    for position, event in enumerate(tape.events):
        if event.kind != "step":
            continue
        window = tape.events[last + 1 : position]
        forwards = [e for e in window if e.kind == "forward" and e.details["grad"]]
        backwards = [i for i, e in enumerate(window) if e.kind == "backward"]
        last = position
        if not backwards or not forwards:
            continue
        first = next(i for i, e in enumerate(window) if e is forwards[-1])
        loaders = behind(tape.events, position - len(window) + first)
        if len(loaders) == 1:
            in_eval = all(not e.details["training"] for e in forwards[-1:])
            found.append((event, loaders.pop(), in_eval))
    return found
