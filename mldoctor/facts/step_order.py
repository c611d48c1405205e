"""StepOrder: what happened to the gradients between the last backward and the step."""

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
class Clip:
    """One call that clips gradients.

    Attributes:
        when: "before the step" (between the last backward and the step), "before the backward", or
            "after the step".
        covers: share of the optimizer's tensors that it was given; `orphan` when no optimizer holds
            any of what it was given.
        norm: the norm that it found, None for a clip by value.
        scaled: the gradients were still multiplied by the loss scale.
    """

    when: str
    covers: float
    orphan: bool
    norm: float | None
    bound: float | None
    scaled: bool
    site: Location | None


@dataclass(frozen=True, slots=True)
class Step:
    """One optimizer step.

    Attributes:
        given: norm of the gradients of its tensors after the last backward, None when not finite.
        used: the norm that the step found.
        cleared: a `zero_grad` stands between the two; its line is `cleared_site`.
        scale: what the loss was multiplied by, 1 without a scaler.
        unscaled: the gradients were divided by it again.
    """

    optimizer: int
    given: float | None
    used: float
    cleared: bool
    cleared_site: Location | None
    scale: float
    unscaled: bool
    clips: tuple[Clip, ...]
    site: Location | None


@dataclass(frozen=True, slots=True)
class StepOrder:
    """Every natural step that a backward preceded."""

    rows: tuple[Step, ...]

    def by_optimizer(self) -> list[tuple[Step, ...]]:
        """The steps of each optimizer."""
        numbers = sorted({row.optimizer for row in self.rows})
        return [tuple(r for r in self.rows if r.optimizer == n) for n in numbers]


@fact(Cost.TAPE)
def step_order(trainee: Trainee) -> StepOrder:
    """Cut the tape at the steps of each optimizer."""
    tape = trainee.tape
    rows = []
    since: dict[int, int] = {}
    for position, event in enumerate(tape.events):
        if event.kind == "step" and event.who is not None:
            window = tape.events[since.get(event.who, -1) + 1 : position]
            since[event.who] = position
            backwards = [i for i, e in enumerate(window) if e.kind == "backward"]
            if backwards:
                rows.append(_step(tape, event, window, backwards))
    if not rows:
        raise AbsentFact("no step after a backward was seen")
    return StepOrder(tuple(rows))


def _step(tape: Tape, step: Event, window: list[Event], backwards: list[int]) -> Step:
    who = step.who or 0
    after = window[backwards[-1] + 1 :]
    clearing = [
        e
        for e in after
        if e.kind == "zero_grad" and (e.who == who or who in e.details.get("optimizers", ()))
    ]
    scales = [e.value for e in window if e.kind == "scale" and e.value is not None]
    return Step(
        optimizer=who,
        given=window[backwards[-1]].details.get("given", {}).get(who),
        used=step.details["total"],
        cleared=bool(clearing),
        cleared_site=_place(clearing[-1]) if clearing else None,
        scale=scales[-1] if scales else 1.0,
        unscaled=any(e.kind == "unscale" and e.who == who for e in window),
        clips=tuple(_clip(tape, window, i, who) for i, e in enumerate(window) if e.kind == "clip"),
        site=_place(step),
    )


def _clip(tape: Tape, window: list[Event], index: int, who: int) -> Clip:
    event = window[index]
    backwards = [i for i, e in enumerate(window) if e.kind == "backward"]
    mine = _held(tape, who)
    held: set[int] = set().union(*(_held(tape, i) for i in range(len(tape.optimizers))))
    if index > backwards[-1]:
        when = "before the step"
    elif index > backwards[0]:
        when = "between two backwards"
    else:
        between = window[index + 1 : backwards[0]]
        fetched = any(e.kind in ("batch", "forward") for e in between)
        when = "after the step" if fetched else "before the backward"
    scale = [e for e in window[:index] if e.kind == "scale"]
    unscaled = any(e.kind == "unscale" and e.who == who for e in window[:index])
    return Clip(
        when=when,
        covers=len(mine & event.details["tensors"]) / max(1, len(mine)),
        orphan=held.isdisjoint(event.details["tensors"]),
        norm=event.value,
        bound=event.details["bound"],
        scaled=bool(scale) and not unscaled and (scale[-1].value or 1.0) > 1,
        site=_place(event),
    )


def _place(event: Event) -> Location | None:
    return event.site.location() if event.site else None


def _held(tape: Tape, optimizer: int) -> set[int]:
    return {id(p) for group in tape.optimizers[optimizer].param_groups for p in group["params"]}
