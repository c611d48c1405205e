"""BlankedCurve: does the loop learn more from its inputs than from one input for all samples?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts.overfit_curve import OverfitCurve, memorise
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from mldoctor.trainee.trainee import FixedSet

UPDATES = 60


@dataclass(frozen=True, slots=True)
class BlankedCurve:
    """The loss on the fixed set, and on the same set with the first sample's input in every row.

    Attributes:
        needed: False when the natural curve alone shows that the inputs are used.
        real: losses with the real inputs; blanked: with one input for all.
    """

    needed: bool
    real: tuple[float, ...]
    blanked: tuple[float, ...]
    uninformed: float | None


@fact(Cost.STEPS)
def blanked_curve(trainee: Trainee, control: OverfitCurve) -> BlankedCurve:
    """Blank the inputs and drive the same number of updates."""
    if control.outcome in ("learned", "diverged"):
        # One input for all cannot be mapped to different labels: a learned set proves its use.
        return BlankedCurve(needed=False, real=control.losses, blanked=(), uninformed=None)
    if control.label_path is None:
        raise AbsentFact("the labels could not be told from the inputs in a batch")
    if control.samples is None:
        raise AbsentFact("the samples of a batch could not be told apart")
    fixed = trainee.fixed_set()
    curve = memorise(trainee, fixed, UPDATES, feed=blank(fixed, control.label_path))
    if not curve.losses:
        raise AbsentFact("the budget ended before the blanked run")
    return BlankedCurve(
        needed=True, real=control.losses, blanked=curve.losses, uninformed=control.uninformed
    )


def blank(fixed: FixedSet, labels: tuple[str, ...]) -> tuple[Any, ...]:
    """The batches with every row of every input replaced by the first row."""
    from torch import Tensor

    from mldoctor.trainee import batches

    blanked = []
    for batch in fixed.batches:
        count = batches.rows(batch)

        def first_row(path: batches.Path, leaf: Any, count: int | None = count) -> Any:
            axis = batches.row_axis(leaf, count) if count else None
            if axis is None or tuple(map(str, path)) == labels or not isinstance(leaf, Tensor):
                return leaf
            return leaf.narrow(axis, 0, 1).expand_as(leaf).clone()

        blanked.append(batches.replace_leaves(batch, first_row))
    return tuple(blanked)
