"""LossReach: whether what is back-propagated hangs on the models, and where it was cut off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mldoctor.trainee.tape import Event, LossCall


@dataclass(frozen=True, slots=True)
class CutLoss:
    """A loss computed in training from a prediction without a gradient.

    Attributes:
        whole: the prediction holds whole numbers only, as argmax, rounding and comparisons give.
        part: the part of the batch that the prediction is, "" when it is none.
    """

    function: str
    location: Location | None
    calls: int
    whole: bool
    part: str


@dataclass(frozen=True, slots=True)
class LossReach:
    """The backward passes of the first updates.

    Attributes:
        backwards: how many; `detached` of them on a loss that reaches no weight of a model or
            optimizer; `beside` of them on a loss that reaches weights but no output of a model.
        refused: a backward raised because the loss has no gradient.
        site: the line of the first backward.
        stairs: operations of the loss whose gradient is zero everywhere.
        steps: optimizer steps in the natural run; `moving` of them found a gradient that is not zero.
        graded: calls of models with gradients enabled and something to train.
        scored: calls of torch's loss functions on something with a gradient.
        cut: the losses that were computed without a gradient, where all losses were.
    """

    backwards: int
    detached: int
    beside: int
    refused: bool
    site: Location | None
    stairs: tuple[str, ...]
    steps: int
    moving: int
    graded: int
    scored: int
    cut: tuple[CutLoss, ...]


@fact(Cost.TAPE)
def loss_reach(trainee: Trainee) -> LossReach:
    """Compare the graphs of the first losses with the weights and the outputs of the models."""
    from mldoctor.trainee.gradients import GRAPH_UPDATES

    tape = trainee.tape
    watched = [e for e in tape.of("backward") if e.update < GRAPH_UPDATES]
    if not watched:
        raise AbsentFact("no loss was back-propagated")
    known = {id(p) for root in tape.roots for p in root.parameters()}
    known |= {id(p) for o in tape.optimizers for g in o.param_groups for p in g["params"]}
    steps = tape.of("step")
    trainable = {
        i for i, root in enumerate(tape.roots) if any(p.requires_grad for p in root.parameters())
    }
    graphs = [e.details["graph"] for e in watched if "graph" in e.details]
    return LossReach(
        backwards=len(watched),
        detached=sum(_detached(e, known) for e in watched),
        beside=sum(g.uses_output is False and not known.isdisjoint(g.reached) for g in graphs),
        refused=any("does not require grad" in e.error for e in watched),
        site=watched[0].site.location() if watched[0].site else None,
        stairs=tuple(dict.fromkeys(name for g in graphs for name in g.stairs)),
        steps=len(steps),
        moving=sum(any(n for n in e.details["norms"]) for e in steps),
        graded=sum(e.details["grad"] and e.who in trainable for e in tape.of("forward")),
        scored=sum(c.grad or c.target_grad for c in tape.openings),
        cut=_cut(trainee, tape.openings),
    )


def _detached(event: Event, known: set[int]) -> bool:
    graph = event.details.get("graph")
    if not event.details.get("requires_grad", True):
        return True
    return graph is not None and (graph.leaf or known.isdisjoint(graph.reached))


def _cut(trainee: Trainee, calls: Sequence[LossCall]) -> tuple[CutLoss, ...]:
    training = [c for c in calls if c.training]
    if any(c.grad or c.target_grad for c in training):
        return ()
    groups: dict[Any, list[LossCall]] = {}
    for call in training:
        groups.setdefault((call.function, call.site), []).append(call)
    return tuple(
        CutLoss(
            function=group[0].function,
            location=group[0].site.location() if group[0].site else None,
            calls=len(group),
            whole=all(bool((c.prediction == c.prediction.round()).all()) for c in group),
            part=_part(trainee, group[0]),
        )
        for group in groups.values()
    )


def _part(trainee: Trainee, call: LossCall) -> str:
    """The part of one of the latest batches that the latest prediction of a line is."""
    from mldoctor.trainee.batches import leaves, same_values

    same = [c for c in trainee.tape.losses if (c.function, c.site) == (call.function, call.site)]
    for batch in trainee.latest_batches():
        for path, leaf in leaves(batch):
            if not hasattr(leaf, "detach"):
                continue
            if any(same_values(leaf, c.prediction) for c in same[-4:]):
                return ".".join(map(str, path)) or "itself"
    return ""
