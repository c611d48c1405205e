"""Schedules: how often each learning-rate schedule is stepped, and where that leads.

The rates of the rest of the planned training are had by playing the schedule forward on a stand-in,
once as often as the script steps it and once the other way: per update, and per epoch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts.step_calls import unobserved_steps
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    import torch

    from mldoctor.trainee.plan import Plan
    from mldoctor.trainee.tape import Event, Tape

CALLS = 20_000
"""Steps of a schedule that are played ahead."""

SEVERAL = 1.5
"""Calls for each update above this are more than one call with most updates."""

IDLE = 1e-3
"""A rate below this share of the schedule's peak moves nothing any more: three decades is what
PyTorch's ReduceLROnPlateau takes at its default factor in three cuts."""


@dataclass(frozen=True, slots=True)
class Course:
    """The rate over the planned training, relative to its peak, for one way of stepping.

    Attributes:
        idle: share of the planned updates at (nearly) zero rate.
        highest, lowest: of the rate, relative to the highest that any way of stepping reaches.
        last: the rate at the end of training, likewise.
        turns: times that it begins to rise again after it has fallen.
        late: the rate at nine tenths of training, relative to the same peak.
    """

    idle: float
    highest: float
    lowest: float
    last: float
    turns: int
    late: float = 1.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """One learning-rate schedule.

    Attributes:
        kind: its class; `adaptive` when it follows a metric.
        calls: steps of the schedule during `updates` updates of its optimizer and `epochs_seen`
            ends of a training loader.
        per: "update", "epoch", "never", or "" when it cannot be told.
        per_update: calls for each update, where they come with updates.
        before: share of the updates whose call stands before the optimizer's step.
        early: calls before the first update.
        epochs, epoch_updates: planned epochs and updates in each, None when unknown.
        by_update, by_epoch: where stepping in either way leads, None when it cannot be played.
        by_single: where a single call with each update leads, where there are several.
        unheld: its optimizer takes no step, while another one steps on the same tensors.
        others: schedules of the same optimizer that are stepped.
        unseen: the script has calls of a `step` that were not reached so far.
        library: a framework owns the loop.
    """

    kind: str
    adaptive: bool
    calls: int
    updates: int
    epochs_seen: int
    per: str
    per_update: float
    before: float
    early: int
    epochs: int | None
    epoch_updates: int | None
    by_update: Course | None
    by_epoch: Course | None
    unheld: bool
    others: int
    unseen: bool
    library: bool
    built: Location | None
    called: Location | None
    by_single: Course | None = None


@dataclass(frozen=True, slots=True)
class Schedules:
    """Every schedule that the script built itself, or a framework for it."""

    rows: tuple[Schedule, ...]


@fact(Cost.TAPE)
def schedules(trainee: Trainee) -> Schedules:
    """Read the calls from the tape, and play the rest of the plan."""
    tape = trainee.tape
    inner = {e.who for e in tape.of("scheduler") if e.details["inner"]}
    numbers = [i for i in range(len(tape.schedulers)) if i not in inner]
    if not numbers or not tape.updates:
        raise AbsentFact("the script has no learning-rate schedule that torch knows")
    return Schedules(tuple(_schedule(tape, i) for i in numbers))


def _schedule(tape: Tape, index: int) -> Schedule:
    from torch.optim.lr_scheduler import ReduceLROnPlateau

    scheduler, birth = tape.schedulers[index], tape.scheduler_births[index]
    optimizer = _number(tape, scheduler.optimizer)
    calls = [e for e in tape.of("scheduler") if e.who == index and not e.details["initial"]]
    relevant = [
        e
        for e in tape.events
        if e.kind in ("batch", "forward", "backward")
        or (e.kind == "step" and e.who == optimizer)
        or any(e is call for call in calls)
    ]
    gaps = _gaps(relevant)
    steps = len(gaps)
    ends = [e for e in tape.of("batch") if e.details.get("end") and _trains(tape, e.who)]
    epochs, length = _planned(tape, optimizer, birth.chain)
    seen = len(ends) or (steps // length if length else 0)  # a framework keeps its ends to itself
    per = _per(calls, gaps, seen)
    ratio = len(calls) / max(1, steps)
    per_call = _whole(ratio) if per == "update" else 1.0
    adaptive = isinstance(scheduler, ReduceLROnPlateau)
    by_update, by_epoch = (
        (None, None) if adaptive else _courses(tape, index, (epochs, length), per_call)
    )
    several = per_call > SEVERAL and not adaptive
    by_single = _courses(tape, index, (epochs, length), 1.0)[0] if several else None
    return Schedule(
        kind=type(scheduler).__name__,
        adaptive=adaptive,
        calls=len(calls),
        updates=steps,
        epochs_seen=len(ends),
        per=per,
        per_update=ratio,
        before=_misplaced(gaps),
        early=_early(relevant),
        epochs=epochs,
        epoch_updates=length,
        by_update=by_update,
        by_epoch=by_epoch,
        unheld=_unheld(tape, scheduler.optimizer, optimizer),
        others=_others(tape, index),
        unseen=unobserved_steps(tape),
        library=any(plan.library for plan in tape.plans.values()),
        built=birth.site.location() if birth.site else None,
        called=calls[0].site.location() if calls and calls[0].site else None,
        by_single=by_single,
    )


def _whole(ratio: float) -> float:
    """Calls for each update: a whole number, unless the count is clearly off one.

    What follows the last step that was observed is missing from the count.
    """
    near = round(ratio)
    return float(near) if near and abs(ratio - near) < 0.1 * near else ratio


def _number(tape: Tape, optimizer: Any) -> int:
    """The number of an optimizer, also of one inside of a wrapper that shares its groups."""
    for index, known in enumerate(tape.optimizers):
        if known is optimizer and tape.optimizer_steps[index]:
            return index
    groups = getattr(optimizer, "param_groups", None)
    for index, known in enumerate(tape.optimizers):
        if known.param_groups is groups:
            return index
    return -1


def _trains(tape: Tape, loader: int | None) -> bool:
    return loader is not None and tape.loaders[loader].trained > 0


def _gaps(events: list[Event]) -> list[list[Event]]:
    """What lies between each step and the one before it."""
    gaps: list[list[Event]] = []
    current: list[Event] = []
    for event in events:
        if event.kind == "step":
            gaps.append(current)
            current = []
        else:
            current.append(event)
    return gaps


def _per(calls: list[Event], gaps: list[list[Event]], ends: int) -> str:
    with_call = sum(any(e.kind == "scheduler" for e in gap) for gap in gaps[1:])
    if not calls:
        return "never"
    if len(gaps) > 3 and with_call >= 0.8 * (len(gaps) - 1):  # noqa: PLR2004 - fewer tell nothing
        return "update"
    return "epoch" if with_call <= ends + 1 and with_call < 0.5 * len(gaps) else ""


def _misplaced(gaps: list[list[Event]]) -> float:
    """Share of the updates whose call stands after their own forward, and so before their step."""
    found = 0
    for gap in gaps[1:]:
        kinds = [e.kind for e in gap]
        if "scheduler" in kinds and "forward" in kinds:
            found += len(kinds) - 1 - kinds[::-1].index("scheduler") > kinds.index("forward")
    return found / max(1, len(gaps) - 1)


def _early(events: list[Event]) -> int:
    found = 0
    for event in events:
        if event.kind == "step":
            return found
        found += event.kind == "scheduler"
    return found


def _planned(
    tape: Tape, optimizer: int, chain: tuple[tuple[str, int], ...]
) -> tuple[int | None, int | None]:
    """Planned epochs since the schedule was built, and updates in each of them."""
    plan = tape.plans.get(optimizer)
    if plan is None:
        return None, None
    if plan.updates is not None:
        epochs = plan.epochs or 1
        return epochs, math.ceil(plan.updates / epochs)
    every = _micro_batches(tape, optimizer)
    outer, inner = _split(plan, chain)
    if inner is None:
        return None, None
    return outer, math.ceil(inner / every)


def planned_updates(tape: Tape, optimizer: int) -> int | None:
    """The updates of the whole planned training, None where its loops do not tell."""
    plan = tape.plans.get(optimizer)
    if plan is None or plan.updates or not plan.loops:
        return plan.updates if plan is not None else None
    *around, inner = (loop.length for loop in plan.loops)
    rounds = _product([*around, _batches(tape) if inner is None else inner])
    return None if rounds is None else math.ceil(rounds / _micro_batches(tape, optimizer))


def _batches(tape: Tape) -> int | None:
    """The batches of the one loader that is trained on: it may be built where the loop begins."""
    from mldoctor.trainee import samples

    loaders = [info.loader for info in tape.loaders if info.trained]
    known = {len(loader) for loader in loaders if samples.length(loader) is not None}
    return known.pop() if len(loaders) == len(known) == 1 else None


def _split(plan: Plan, chain: tuple[tuple[str, int], ...]) -> tuple[int | None, int | None]:
    loops = list(plan.loops)
    if not loops:
        return None, None
    first = next((i for i, loop in enumerate(loops) if loop.loader), len(loops) - 1)
    inner = _product(loop.length for loop in loops[first:])
    around = [loop for loop in loops[:first] if not loop.holds(chain)]
    return (_product(loop.length for loop in around) if around else 1), inner


def _product(lengths: Any) -> int | None:
    known = list(lengths)
    return None if None in known else math.prod(known)


def _micro_batches(tape: Tape, optimizer: int) -> int:
    """Batches, or backwards where there is no loader, that go into one update."""
    kind = "batch" if any(info.trained for info in tape.loaders) else "backward"
    counts: list[int] = []
    current = 0
    for event in tape.events:
        if event.kind == kind and not event.details.get("end"):
            current += kind == "backward" or _trains(tape, event.who)
        elif event.kind == "step" and event.who == optimizer:
            counts.append(current)
            current = 0
    return max(1, round(median(counts[1:]))) if len(counts) > 1 else 1


def _courses(
    tape: Tape, index: int, plan: tuple[int | None, int | None], per_call: float
) -> tuple[Course | None, Course | None]:
    epochs, length = plan
    if not length:
        return None, None
    updates = (epochs or 1) * length
    scheduler = tape.schedulers[index]
    past = [e.details["rates"] for e in tape.of("scheduler") if e.who == index]
    needed = max(round(updates * per_call), epochs or 0)
    rates = _rates(scheduler, scheduler.optimizer, past, min(CALLS, needed))
    if not rates:
        return None, None
    top = max(rates)
    if top <= 0:
        return None, None
    relative = [rate / top for rate in rates]
    by_update = _course([relative[min(round(u * per_call), len(relative) - 1)]
                         for u in _spread(updates)])  # fmt: skip
    by_epoch = _course([relative[min(u // length, len(relative) - 1)] for u in _spread(updates)])
    return by_update, by_epoch if epochs else None


def _rates(
    scheduler: Any, optimizer: torch.optim.Optimizer, past: list[list[float]], calls: int
) -> list[float]:
    """The largest rate of any group after each call, from construction on."""
    from mldoctor.trainee import rates

    ahead = rates.played(scheduler, optimizer, max(0, calls - len(past) + 1))
    whole = [*past, *ahead[1:]]
    peaks = [max(column) or 1.0 for column in zip(*whole, strict=True)]
    return [max(r / p for r, p in zip(row, peaks, strict=True)) for row in whole]


def _spread(updates: int) -> list[int]:
    """Up to 2,000 evenly spaced updates of the plan."""
    every = max(1, updates // 2000)
    return list(range(0, updates, every))


def _course(relative: list[float]) -> Course:
    turns, falling = 0, False
    for before, after in pairwise(relative):
        if after < before - 1e-9:
            falling = True
        elif after > before + 1e-9 and falling:
            turns, falling = turns + 1, False
    return Course(
        idle=sum(rate < IDLE for rate in relative) / len(relative),
        highest=max(relative),
        lowest=min(relative),
        last=relative[-1],
        turns=turns,
        late=relative[9 * len(relative) // 10],
    )


def _unheld(tape: Tape, optimizer: Any, number: int) -> bool:
    """Whether the schedule turns an optimizer that another one has taken the place of."""
    if number >= 0 and tape.optimizer_steps[number]:
        return False
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    return any(
        steps and held & {id(p) for group in other.param_groups for p in group["params"]}
        for other, steps in zip(tape.optimizers, tape.optimizer_steps, strict=True)
    )


def _others(tape: Tape, index: int) -> int:
    mine = tape.schedulers[index].optimizer
    called = {e.who for e in tape.of("scheduler") if not e.details["initial"]}
    return sum(
        i != index and i in called and s.optimizer is mine for i, s in enumerate(tape.schedulers)
    )
