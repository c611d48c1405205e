"""Accumulation: backwards of several batches for one step, and by what their losses are divided."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from mldoctor.trainee.tape import Event, Tape

SCALE_FREE = (
    "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Adagrad", "Adadelta", "Adafactor",
    "Rprop", "Lion", "LAMB", "Lamb", "Muon",
)  # fmt: skip
"""Optimizers whose step does not depend on the length of the gradient, but for epsilon."""


@dataclass(frozen=True, slots=True)
class Accumulated:
    """One optimizer that steps after several backwards of the same line.

    Attributes:
        backwards: of one step, as a rule.
        weight: derivative of the back-propagated loss by the mean of a batch: 1 when it is not
            divided, 1/backwards when it is; None when no loss function of torch was seen.
        scale_free: the step does not depend on the length of the gradient.
        library: a framework owns the loop.
        norms, bound: of the clips before its steps, where there are any.
    """

    kind: str
    backwards: int
    weight: float | None
    scale_free: bool
    library: bool
    norms: tuple[float, ...]
    bound: float | None
    site: Location | None


@dataclass(frozen=True, slots=True)
class Accumulation:
    """Every such optimizer."""

    rows: tuple[Accumulated, ...]


@fact(Cost.TAPE)
def accumulation(trainee: Trainee) -> Accumulation:
    """Count the backwards and batches between the steps."""
    tape = trainee.tape
    rows = []
    for index, optimizer in enumerate(tape.optimizers):
        kind = type(optimizer).__name__
        windows = _windows(tape, index)
        if len(windows) < 3 or kind == "LBFGS":  # noqa: PLR2004 - a closure is called many times
            continue
        counts = [_repeated(tape, window) for window in windows[1:]]
        usual = round(median(counts))
        if usual < 2:  # noqa: PLR2004 - one batch is no accumulation
            continue
        backward = next(e for window in windows for e in window if e.kind == "backward")
        clips = [e for w in windows for e in w if e.kind == "clip" and e.value is not None]
        rows.append(
            Accumulated(
                kind=kind,
                backwards=usual,
                weight=_weight(tape),
                scale_free=kind.removesuffix("8bit").endswith(SCALE_FREE),
                library=index in tape.plans and tape.plans[index].library,
                norms=tuple(e.value for e in clips if e.value is not None),
                bound=clips[-1].details["bound"] if clips else None,
                site=backward.site.location() if backward.site else None,
            )
        )
    if not rows:
        raise AbsentFact("every step follows a single backward")
    return Accumulation(tuple(rows))


def _windows(tape: Tape, index: int) -> list[list[Event]]:
    windows: list[list[Event]] = []
    current: list[Event] = []
    for event in tape.events:
        if event.kind == "step" and event.who == index:
            windows.append(current)
            current = []
        else:
            current.append(event)
    return windows


def _repeated(tape: Tape, window: list[Event]) -> int:
    """Backwards of one line, each with a batch of its own where the loop has a loader."""
    lines = Counter(e.site for e in window if e.kind == "backward")
    if len(lines) != 1 or any(e.kind == "step" for e in window):
        return 0
    count = next(iter(lines.values()))
    if any(info.trained for info in tape.loaders):
        batches = [e for e in window if e.kind == "batch" and not e.details.get("end")]
        fetched = Counter(e.who for e in batches if e.who is not None)
        if not fetched or max(fetched.values()) < count:
            return 0
    return count


def _weight(tape: Tape) -> float | None:
    weights = [
        call.weights[0]
        for call in tape.openings
        if call.grad and call.weights and call.options.get("reduction", "mean") == "mean"
    ]
    return median(weights) if weights else None
