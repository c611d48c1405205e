"""Updates: what each natural update of the loop consisted of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mldoctor.trainee.tape import Event, Tape


@dataclass(frozen=True, slots=True)
class Update:
    """One optimizer step and what led to it.

    Attributes:
        optimizer: index of the optimizer that stepped.
        losses: values back-propagated since this optimizer's previous step.
        gradient_norm: L2 norm of all its gradients, before clipping where it was clipped.
        clip_bound: bound of a norm clip, if there was one.
        with_gradient: tensors that had a non-zero gradient, of `tensors` held.
        carried: smallest share of its tensors that still held the gradient of the previous step
            when a backward began, None before the second step.
        zeroed: `zero_grad` calls that covered it since its previous step.
        rates: the rate of each group.
        site: the line that stepped.
    """

    optimizer: int
    losses: tuple[float, ...]
    gradient_norm: float
    clip_bound: float | None
    with_gradient: int
    tensors: int
    carried: float | None
    zeroed: int
    rates: tuple[float, ...]
    site: Location | None


@dataclass(frozen=True, slots=True)
class Updates:
    """The natural updates in order, and the backward passes around them.

    Attributes:
        backwards: backward passes in all; `detached` of them on a loss without a graph.
        backward_site: the line of the first backward.
        backward_error: what a backward raised, when it did.
        outside_changes: updates before which a held weight had another value than after the update
            before it: something other than the optimizer wrote it.
        detached_site: the line of the first backward whose loss had no graph.
        losses: value of every backward, in order.
        forwards: model calls with gradients enabled.
        forward_site: the line of the latest of those.
        non_finite_inputs, non_finite_weights: values that were not finite in the inputs and in the
            weights as the first non-finite loss was back-propagated; None when there was none.
    """

    rows: tuple[Update, ...]
    backwards: int
    detached: int
    outside_changes: int
    backward_site: Location | None
    backward_error: str
    detached_site: Location | None
    losses: tuple[float, ...]
    forwards: int
    forward_site: Location | None
    non_finite_inputs: int | None
    non_finite_weights: int | None

    def of(self, optimizer: int) -> tuple[Update, ...]:
        """The updates of one optimizer."""
        return tuple(row for row in self.rows if row.optimizer == optimizer)


@fact(Cost.TAPE)
def updates(trainee: Trainee) -> Updates:
    """Cut the tape at the optimizer steps."""
    tape = trainee.tape
    known = {id(p) for root in tape.roots for p in root.parameters()}
    known |= {id(p) for o in tape.optimizers for g in o.param_groups for p in g["params"]}
    backwards = tape.of("backward")
    graded = [e for e in tape.of("forward") if e.details["grad"]]
    if not backwards and not tape.of("step") and not graded:
        raise AbsentFact("nothing was trained")
    detached = [e for e in backwards if _detached(e, known)]
    return Updates(
        rows=tuple(_rows(tape)),
        backwards=len(backwards),
        detached=len(detached),
        outside_changes=sum(bool(e.details.get("rewritten")) for e in tape.of("step")),
        backward_site=_location(backwards[0]) if backwards else None,
        backward_error=next((e.error for e in backwards if e.error), ""),
        detached_site=_location(detached[0]) if detached else None,
        losses=tuple(e.value for e in backwards if e.value is not None),
        forwards=len(graded),
        forward_site=_location(graded[-1]) if graded else None,
        non_finite_inputs=_first(backwards, "non_finite_inputs"),
        non_finite_weights=_first(backwards, "non_finite_weights"),
    )


def _first(events: Sequence[Event], name: str) -> int | None:
    return next((e.details[name] for e in events if name in e.details), None)


def _detached(event: Event, known: set[int]) -> bool:
    """Whether the loss hangs on nothing that a model or an optimizer holds."""
    graph = event.details.get("graph")
    if not event.details.get("requires_grad", True):
        return True
    return graph is not None and (graph.leaf or known.isdisjoint(graph.reached))


def _rows(tape: Tape) -> list[Update]:
    rows = []
    since: dict[int, int] = {}
    for position, event in enumerate(tape.events):
        if event.kind != "step" or event.who is None:
            continue
        who = event.who
        window = tape.events[since.get(who, 0) : position]
        since[who] = position
        norms = event.details["norms"]
        clip = _clip(window)
        rows.append(
            Update(
                optimizer=who,
                losses=tuple(
                    e.value for e in window if e.kind == "backward" and e.value is not None
                ),
                gradient_norm=clip[0] if clip else event.details["total"],
                clip_bound=clip[1] if clip else None,
                with_gradient=sum(1 for n in norms if n),
                tensors=len(norms),
                carried=_carried(window, who),
                zeroed=sum(1 for e in window if e.kind == "zero_grad" and _covers(e, who)),
                rates=tuple(event.details["rates"]),
                site=_location(event),
            )
        )
    return rows


def _clip(window: Sequence[Event]) -> tuple[float, float | None] | None:
    for event in reversed(window):
        if event.kind == "clip" and event.value is not None and event.details["how"] == "norm":
            bound = event.details["bound"]
            return event.value, bound if bound is None or math.isfinite(bound) else None
        if event.kind == "step":
            return None
    return None


def _carried(window: Sequence[Event], who: int) -> float | None:
    shares = [
        e.details["carried"][who]
        for e in window
        if e.kind == "backward" and who in e.details.get("carried", {})
    ]
    return min(shares) if shares else None


def _covers(event: Event, who: int) -> bool:
    return event.who == who or who in event.details.get("optimizers", ())


def _location(event: Event) -> Location | None:
    return event.site.location() if event.site else None
