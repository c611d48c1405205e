"""Forwards: in which mode each model was when the loop trained it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from mldoctor.trainee.tape import Event


@dataclass(frozen=True, slots=True)
class ModelCalls:
    """How one model was called.

    Attributes:
        trained_in_train: calls in train mode that a backward and a step of its own parameters
            followed; trained_in_eval: the same in eval mode.
        first_eval_update: number of updates done at the first training call in eval mode.
        mode_dependent: layers that behave differently in the two modes (`dropout p=0.1`).
        back_in_train: a training call in train mode followed one in eval mode.
        evaluated: calls without gradients.
        site: the line of the first training call in eval mode, else of the last training call.
    """

    name: str
    trained_in_train: int
    trained_in_eval: int
    first_eval_update: int | None
    mode_dependent: tuple[str, ...]
    back_in_train: bool
    evaluated: int
    site: Location | None


@dataclass(frozen=True, slots=True)
class Forwards:
    """The calls of every model that an optimizer trains."""

    models: tuple[ModelCalls, ...]


@fact(Cost.TAPE)
def forwards(trainee: Trainee) -> Forwards:
    """Tie the calls with gradients to the backward and step that follow them."""
    from mldoctor.trainee.modes import dependent

    tape = trainee.tape
    stepped = {e.who for e in tape.of("step")}
    trained = {
        id(p)
        for index in stepped
        if index is not None
        for group in tape.optimizers[index].param_groups
        for p in group["params"]
    }
    rows = []
    for index, root in enumerate(tape.roots):
        if not any(id(p) in trained and p.requires_grad for p in root.parameters()):
            continue
        calls = [e for e in tape.of("forward") if e.who == index]
        graded = [e for e in calls if e.details["grad"] and _followed(tape.events, e)]
        in_eval = [e for e in graded if not e.details["training"]]
        place = (in_eval or graded or calls)[-1].site if calls else None
        rows.append(
            ModelCalls(
                name=tape.names.get(id(root), type(root).__name__),
                trained_in_train=len(graded) - len(in_eval),
                trained_in_eval=len(in_eval),
                first_eval_update=in_eval[0].update if in_eval else None,
                mode_dependent=tuple(name for name, _ in dependent(root)),
                back_in_train=_returns(graded),
                evaluated=len(calls) - len(graded),
                site=place.location() if place else None,
            )
        )
    if not rows:
        raise AbsentFact("no model was trained by an optimizer")
    return Forwards(tuple(rows))


def _followed(events: list[Event], call: Event) -> bool:
    """Whether the next thing after the forwards of this call is a backward."""
    position = next(i for i, e in enumerate(events) if e is call)
    for event in events[position + 1 :]:
        if event.kind not in ("forward", "zero_grad", "loss", "scale", "seed", "derivative"):
            return event.kind == "backward"
    return False


def _returns(graded: list[Event]) -> bool:
    modes = [e.details["training"] for e in graded]
    return False in modes and True in modes[modes.index(False) :]
