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
    from mldoctor.trainee.tape import Event, LossCall, Tape

SCALE_FREE = (
    "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Adagrad", "Adadelta", "Adafactor",
    "Rprop", "Lion", "LAMB", "Lamb", "Muon",
)  # fmt: skip
"""Optimizers whose step does not depend on the length of the gradient, but for epsilon."""

EQUAL = 0.01
"""Weights that differ by less than this share are the same."""


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
        dropped: for each time that gradients were cleared before a step had used them, the batches
            behind them; share of all backwards of the observed steps.
        labels: for each of the first steps, how many labels count in each of its mean losses, where
            these weigh the same.
    """

    kind: str
    backwards: int
    weight: float | None
    scale_free: bool
    library: bool
    norms: tuple[float, ...]
    bound: float | None
    site: Location | None
    dropped: tuple[int, ...] = ()
    share: float = 0.0
    labels: tuple[tuple[int, ...], ...] = ()


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
        parted = [_parted(window, index) for window in windows[1:]]
        counts = [
            _repeated(tape, used) if _one_line(window) else 0
            for window, (_, used) in zip(windows[1:], parted, strict=True)
        ]
        usual = round(median(counts))
        if usual < 2:  # noqa: PLR2004 - one batch is no accumulation
            continue
        backward = next(e for window in windows for e in window if e.kind == "backward")
        clips = [e for w in windows for e in w if e.kind == "clip" and e.value is not None]
        dropped = tuple(n for left, _ in parted if (n := _same_line(left, backward)))
        backwards = sum(_same_line(window, backward) for window in windows[1:])
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
                dropped=dropped,
                share=sum(dropped) / backwards,
                labels=_labels(tape, usual),
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


def _parted(window: list[Event], index: int) -> tuple[list[Event], list[Event]]:
    """The events before the last clearing of the gradients, and those whose gradients are used."""
    cuts = [
        place
        for place, e in enumerate(window)
        if e.kind == "zero_grad" and (e.who == index or index in e.details.get("optimizers", ()))
    ]
    cut = cuts[-1] + 1 if cuts else 0
    if not any(e.kind == "backward" for e in window[cut:]):
        return [], window
    # The batch that the first backward used may have been fetched before the gradients were cleared.
    return window[:cut], window if cut and not _backwards(window[:cut]) else window[cut:]


def _one_line(window: list[Event]) -> bool:
    """Whether all backwards are those of one line, and no other optimizer steps among them."""
    lines = Counter(e.site for e in window if e.kind == "backward")
    return len(lines) == 1 and not any(e.kind == "step" for e in window)


def _backwards(events: list[Event]) -> int:
    return sum(e.kind == "backward" for e in events)


def _same_line(events: list[Event], backward: Event) -> int:
    return sum(e.kind == "backward" and e.site == backward.site for e in events)


def _repeated(tape: Tape, window: list[Event]) -> int:
    """Backwards, each with a batch of its own where the loop has a loader."""
    count = _backwards(window)
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


def _labels(tape: Tape, usual: int) -> tuple[tuple[int, ...], ...]:
    """The labels behind the mean class losses of each step, where all of these weigh the same."""
    steps: dict[int, list[LossCall]] = {}
    for call in tape.openings:
        classes = call.function in ("cross_entropy", "nll_loss") and call.grad and call.weights
        if classes and call.options.get("reduction", "mean") == "mean":
            steps.setdefault(call.update, []).append(call)
    found = []
    for calls in steps.values():
        weights = [call.weights[0] for call in calls]
        alike = max(weights) - min(weights) < EQUAL * abs(max(weights))
        if len(calls) == usual and alike and len({call.site for call in calls}) == 1:
            found.append(tuple(_counted(call) for call in calls))
    return tuple(found)


def _counted(call: LossCall) -> int:
    target = call.target
    if target is None or target.is_floating_point():
        return 0
    return int((target != call.options.get("ignore_index", -100)).sum())
