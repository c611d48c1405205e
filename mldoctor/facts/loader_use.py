"""LoaderUse: what the script does with the batches of each loader: steps, or only forwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from mldoctor.trainee.tape import Event, LoaderInfo, Tape


@dataclass(frozen=True, slots=True)
class Use:
    """One loader that was built.

    Attributes:
        name: what the script calls it, "" when it has no name there.
        requests: batches that were asked for.
        steps: updates taken on its batches alone; `in_eval` of them with a model in eval mode.
        optimizers: those that stepped on them.
        step_site: the line of the first of these steps.
        looked: batches that models were given only without gradients; `looked_before` came before
            the first step on this loader.
        turned: its dataset was read in the state in which another loader evaluates it, and in others.
        first_step, last_step: how many updates there were before those steps, -1 without steps.
    """

    index: int
    name: str
    requests: int
    steps: int
    in_eval: int
    optimizers: tuple[int, ...]
    built: Location | None
    step_site: Location | None
    looked: int = 0
    looked_before: int = 0
    first_step: int = -1
    last_step: int = -1
    turned: bool = False


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
    taken, looks = _taken(tape), _looks(tape)
    rows = []
    for index, info in enumerate(tape.loaders):
        mine = [(event, in_eval) for event, loader, in_eval in taken if loader == index]
        seen = looks.get(index, [])
        first = mine[0][0].update if mine else -1
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
                looked=len(seen),
                looked_before=sum(update <= first for update in seen),
                first_step=first,
                last_step=mine[-1][0].update if mine else -1,
                turned=bool(mine) and _turned(info, tape),
            )
        )
    return LoaderUse(tuple(rows), tape.updates)


def _turned(info: LoaderInfo, tape: Tape) -> bool:
    """Whether one dataset is two splits by an attribute, and training has read it in both."""
    if len(info.states) != 2 or not _whole(info.loader):  # noqa: PLR2004 - as it was, and as it was left
        return False
    others = [i for i in tape.loaders if i.evaluated and not i.trained and _whole(i.loader)]
    return any(len(i.states) == 1 and i.states < info.states for i in others)


def _whole(loader: Any) -> bool:
    """Whether a loader reads all of its dataset, so that no choice of rows makes a split of it."""
    from mldoctor.trainee import samples

    dataset, sampler = getattr(loader, "dataset", None), getattr(loader, "sampler", None)
    if dataset is None or samples.innermost(dataset) is not dataset:
        return False
    return samples.length(loader) is not None and len(sampler or ()) == len(dataset)


def _looks(tape: Tape) -> dict[int, list[int]]:
    """For each loader, the updates before which models had a batch of it without gradients only."""
    found: dict[int, list[int]] = {}
    loader: int | None = None
    grads: list[bool] = []
    update = 0
    for event in (*tape.events, None):
        if event is None or event.kind == "batch":
            if loader is not None and grads and not any(grads):
                found.setdefault(loader, []).append(update)
            ended = event is None or event.details.get("end")
            loader, grads = None if event is None or ended else event.who, []
        elif event.kind == "forward":
            grads.append(bool(event.details["grad"]))
            update = event.update
    return found


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
