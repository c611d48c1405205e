"""RetainedGraphs: graphs of past updates that the loop keeps alive, or runs through again."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from mldoctor.trainee.tape import Tape


@dataclass(frozen=True, slots=True)
class RetainedGraphs:
    """How graphs grow from update to update.

    Attributes:
        kept: operations of past graphs that each update adds to what is alive, relative to the
            size of one update's own graph; None when too few updates were seen.
        sizes: operations in the graph of each of the first backwards of the line at `site`.
        second_pass: a backward failed because it reached a graph that was already released, or
            weights that a step had changed since.
        recurrent: a trained model has recurrent layers.
        states: calls in training that gave a recurrent layer a state; `carried` of them the one it
            had returned before the latest step.
        shuffled: the loader that trains draws its samples at random.
    """

    kept: float | None
    sizes: tuple[int, ...]
    second_pass: bool
    recurrent: bool
    states: int
    carried: int
    shuffled: bool
    site: Location | None


@fact(Cost.TAPE)
def retained_graphs(trainee: Trainee) -> RetainedGraphs:
    """Compare the counts that were taken after the first updates."""
    from torch import nn

    tape = trainee.tape
    backwards = tape.of("backward")
    if not backwards:
        raise AbsentFact("nothing was back-propagated")
    first = backwards[0].site
    sizes = [e.details["nodes"] for e in backwards if e.site == first and "nodes" in e.details]
    return RetainedGraphs(
        kept=_kept(tape),
        sizes=tuple(sizes),
        second_pass=any(
            "second time" in e.error or (bool(tape.carried) and "inplace operation" in e.error)
            for e in backwards
        ),
        recurrent=any(
            isinstance(m, nn.RNNBase | nn.RNNCellBase)
            for root in tape.roots
            for m in root.modules()
        ),
        states=len(tape.carried),
        carried=sum(same for _, _, same in tape.carried),
        shuffled=_shuffled(tape),
        site=first.location() if first else None,
    )


def _kept(tape: Tape) -> float | None:
    from mldoctor.trainee.retention import MOMENTS

    early, late = MOMENTS
    if early not in tape.alive or late not in tape.alive:
        return None
    by_update: dict[int, int] = {}
    for event in tape.of("backward"):
        if "nodes" in event.details:
            by_update[event.update] = by_update.get(event.update, 0) + event.details["nodes"]
    own = median(by_update.values()) if by_update else 0
    return (tape.alive[late] - tape.alive[early]) / (late - early) / own if own else None


def _shuffled(tape: Tape) -> bool:
    from torch.utils.data import RandomSampler, SubsetRandomSampler, WeightedRandomSampler

    kinds = (RandomSampler, SubsetRandomSampler, WeightedRandomSampler)
    used: list[Any] = [info.loader for info in tape.loaders if info.trained]
    return bool(used) and all(isinstance(getattr(u, "sampler", None), kinds) for u in used)
