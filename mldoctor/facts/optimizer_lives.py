"""OptimizerLives: whether optimizers and weights begin anew while training goes on."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from mldoctor.trainee.tape import Event, Tape


@dataclass(frozen=True, slots=True)
class Reset:
    """One thing that begins anew.

    Attributes:
        what: "optimizer" (built again over the same tensors, with the same options), "state" (its
            moments were emptied), or "weights" (new values unrelated to the trained ones).
        times: how often; `between` updates lie between two of them, as a rule.
        boundaries: how often training went over its loader again.
        memory: the optimizer keeps moments that are lost.
        planned: rounds of the loops that it is built in, around the loop over updates; None where
            they cannot be read, or where it is built in no such loop.
        site: where it was built, else the line of the step that came first after it.
    """

    what: str
    kind: str
    times: int
    between: int
    boundaries: int
    memory: bool
    site: Location | None
    planned: int | None = None


@dataclass(frozen=True, slots=True)
class Shared:
    """Tensors that one backward moves twice.

    Attributes:
        kinds: the classes of the two optimizers; one when a tensor stands twice in the same.
        tensors: how many they share; `times` that both stepped after the same backward.
    """

    kinds: tuple[str, ...]
    tensors: int
    times: int
    site: Location | None
    built: Location | None


@dataclass(frozen=True, slots=True)
class OptimizerLives:
    """What begins anew, and what is moved twice, during `updates` updates."""

    resets: tuple[Reset, ...]
    shared: tuple[Shared, ...]
    updates: int


@fact(Cost.TAPE)
def optimizer_lives(trainee: Trainee) -> OptimizerLives:
    """Follow each optimizer from its first step to its last."""
    tape = trainee.tape
    if not tape.of("step"):
        raise AbsentFact("no optimizer stepped")
    resets = [*_rebuilt(tape), *_emptied(tape), *_initialised(tape)]
    return OptimizerLives(tuple(resets), (*_doubled(tape), *_repeated(tape)), tape.updates)


def _boundaries(tape: Tape) -> int:
    """How often a loader that trains was begun again; -1 when several loaders train."""
    trained = [info for info in tape.loaders if info.trained]
    if len(trained) != 1:
        return -1
    return trained[0].iterators - 1


def _rebuilt(tape: Tape) -> list[Reset]:
    by_place: dict[Any, list[int]] = {}
    for index, site in enumerate(tape.optimizer_sites):
        if tape.optimizer_steps[index]:
            by_place.setdefault((site, type(tape.optimizers[index])), []).append(index)
    found = []
    for (site, kind), numbers in by_place.items():
        firsts = {i: _steps(tape, i)[0] for i in numbers}
        again = [
            i
            for before, i in pairwise(numbers)
            if firsts[i].details.get("follows") == before
            and _options(tape.optimizers[before]) == _options(tape.optimizers[i])
        ]
        if again:
            taken = [tape.optimizer_steps[i] for i in numbers[:-1]]
            found.append(
                Reset(
                    what="optimizer",
                    kind=kind.__name__,
                    times=len(again),
                    between=sorted(taken)[len(taken) // 2],
                    boundaries=_boundaries(tape),
                    memory=any(_remembers(tape.optimizers[i]) for i in numbers),
                    site=site.location() if site else None,
                    planned=_planned(tape, again[-1]),
                )
            )
    return found


def _planned(tape: Tape, index: int) -> int | None:
    """How often the loops come round that a later optimizer was built in.

    Stages and folds build one as well, further out: the loop must be the last but one around the step.
    """
    plan = tape.plans.get(index)
    if plan is None:
        return None
    chain = tuple((file, line) for file, line, _ in tape.optimizer_paths[index])
    inside = [i for i, loop in enumerate(plan.loops) if loop.holds(chain)]
    if not inside or inside[-1] != len(plan.loops) - 2:
        return None
    lengths = [plan.loops[i].length for i in inside]
    known = [length for length in lengths if length is not None]
    return prod(known) if len(known) == len(lengths) else None


def _steps(tape: Tape, index: int) -> list[Event]:
    return [e for e in tape.of("step") if e.who == index]


def _options(optimizer: Any) -> list[dict[str, Any]]:
    return [
        {k: v for k, v in group.items() if k not in ("params", "lr", "initial_lr")}
        | {"lr": group.get("initial_lr", group.get("lr"))}
        for group in optimizer.param_groups
    ]


def _remembers(optimizer: Any) -> bool:
    """Whether its state holds tensors of the shape of the weights: moments, not counters."""
    return any(
        getattr(value, "shape", None) == getattr(tensor, "shape", ())
        for tensor, state in optimizer.state.items()
        if isinstance(state, dict)
        for name, value in state.items()
        if name != "step" and value is not None
    )


def _emptied(tape: Tape) -> list[Reset]:
    found = []
    for index, optimizer in enumerate(tape.optimizers):
        steps = _steps(tape, index)
        places = [
            i
            for i in range(1, len(steps))
            if (steps[i - 1].details["age"] or 0) > (steps[i].details["age"] or 0)
            and not steps[i].details["rewritten"]
        ]
        if places:
            found.append(_reset(tape, "state", optimizer, steps, places))
    return found


def _initialised(tape: Tape) -> list[Reset]:
    found = []
    for index, optimizer in enumerate(tape.optimizers):
        steps = _steps(tape, index)
        places = [
            i
            for i, step in enumerate(steps)
            if (kept := step.details.get("kept")) is not None and abs(kept) < UNRELATED
        ]
        if places:
            found.append(_reset(tape, "weights", optimizer, steps, places))
    return found


UNRELATED = 0.3
"""Cosine between the old and the new values of the largest matrix: two random draws of thousands
of values are within 0.05 of 0, a restored or averaged copy is near 1."""


def _reset(tape: Tape, what: str, optimizer: Any, steps: list[Event], places: list[int]) -> Reset:
    site = steps[places[0]].site
    gaps = [b - a for a, b in zip([0, *places], places, strict=False)]
    return Reset(
        what=what,
        kind=type(optimizer).__name__,
        times=len(places),
        between=sorted(gaps)[len(gaps) // 2],
        boundaries=_boundaries(tape),
        memory=True,
        site=site.location() if site else None,
    )


def _doubled(tape: Tape) -> list[Shared]:
    """Pairs of optimizers that both step after one backward and share tensors."""
    times: dict[tuple[int, int], int] = {}
    since: list[int] = []
    for event in tape.events:
        if event.kind in ("backward", "zero_grad"):
            since = []
        elif event.kind == "step" and event.who is not None:
            for other in since:
                if other != event.who:
                    pair = (min(other, event.who), max(other, event.who))
                    times[pair] = times.get(pair, 0) + 1
            since.append(event.who)
    found = []
    for (first, second), count in times.items():
        left, right = tape.optimizers[first], tape.optimizers[second]
        both = {id(p) for p in _held(left)} & {id(p) for p in _held(right)}
        if both:
            steps, site = _steps(tape, second), tape.optimizer_sites[second]
            found.append(
                Shared(
                    (type(left).__name__, type(right).__name__),
                    len(both),
                    count,
                    steps[0].site.location() if steps[0].site else None,
                    site.location() if site else None,
                )
            )
    return found


def _repeated(tape: Tape) -> list[Shared]:
    """Optimizers in which a tensor stands twice."""
    found = []
    for index, optimizer in enumerate(tape.optimizers):
        held = [id(p) for p in _held(optimizer)]
        twice = len(held) - len(set(held))
        steps = _steps(tape, index)
        if twice and steps:
            site = tape.optimizer_sites[index]
            found.append(
                Shared(
                    (type(optimizer).__name__,),
                    twice,
                    len(steps),
                    steps[0].site.location() if steps[0].site else None,
                    site.location() if site else None,
                )
            )
    return found


def _held(optimizer: Any) -> list[Any]:
    return [p for group in optimizer.param_groups for p in group["params"]]
