"""SingularOperations: where the first value or gradient that is not finite comes from.

While the script runs, each loss is searched for operations that stand where they have no finite
gradient. When a loss or gradient went bad and none was found, the natural steps are repeated while
every operation of the script's own lines is watched.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from mldoctor.trainee.tape import Event

FURTHER = 12
"""Updates repeated beyond the one that went bad: the same batches may not come again."""


@dataclass(frozen=True, slots=True)
class SingularOperations:
    """The operation that made the first value that is not finite.

    Attributes:
        operation: "logarithm", "division", "square root", ..., "" when none was found.
        entries: values of it that stand there; update: number of the update in which it was found.
        in_graph: it was read from the graph of the loss, whose line is `location`; else it was seen
            as it ran, at `location`.
        before_bad: update of the first loss or gradient that is not finite.
        bad_loss: that was the loss, and not only its gradient.
    """

    operation: str
    entries: int
    update: int
    in_graph: bool
    location: Location | None
    before_bad: int
    bad_loss: bool


@fact(Cost.STEPS)
def singular_operations(trainee: Trainee) -> SingularOperations:
    """Look at what was found before the first bad value, else look again."""
    events = trainee.tape.of("backward", "step")
    bad = next((i for i, e in enumerate(events) if _is_bad(e)), None)
    if bad is None:
        raise AbsentFact("every loss and gradient was finite")
    event = events[bad]
    for earlier in events[: bad + 1]:
        found = earlier.details.get("singular")
        # A value that harmed nothing for a whole update was masked out again.
        if found and earlier.update >= event.update - 1:
            return SingularOperations(
                operation=found[0],
                entries=found[1],
                update=earlier.update,
                in_graph=True,
                location=earlier.site.location() if earlier.site else None,
                before_bad=event.update,
                bad_loss=event.kind == "backward",
            )
    name, entries, location = _watched(trainee, event.update)
    return SingularOperations(
        name, entries, event.update, False, location, event.update, event.kind == "backward"
    )


def _is_bad(event: Event) -> bool:
    value = event.value if event.kind == "backward" else event.details.get("total")
    return value is not None and not math.isfinite(value)


def _watched(trainee: Trainee, update: int) -> tuple[str, int, Location | None]:
    """Repeat the updates up to the bad one and watch the operations."""
    from mldoctor.trainee.watching import FirstBad

    if trainee.undrivable():
        return "", 0, None
    trainee.allow(update + FURTHER)
    watch = FirstBad()
    with watch:
        for step in trainee.drive((), update + FURTHER):
            if watch.hits and not math.isfinite(step.loss):
                break
    hit: Any = next((h for h in watch.hits if h.nan), watch.hits[-1] if watch.hits else None)
    return (hit.operation, hit.entries, hit.location) if hit is not None else ("", 0, None)
