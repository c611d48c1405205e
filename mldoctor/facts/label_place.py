"""LabelPlace: which part of a batch the loss uses as its target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee  # noqa: TC001 - the registry reads the annotation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mldoctor.trainee.tape import LossCall


@dataclass(frozen=True, slots=True)
class LabelPlace:
    """Where the labels stand.

    Attributes:
        path: steps that lead to them in a batch, as text; None when no part is the target.
        truncated: the loss gets the whole parts of a part of the batch that holds fractions.
    """

    path: tuple[str, ...] | None
    truncated: bool


@fact(Cost.TAPE)
def label_place(trainee: Trainee) -> LabelPlace:
    """Compare the latest targets with every part of the latest batches."""
    calls = [call for call in trainee.tape.losses if call.target is not None][-8:]
    path, truncated = None, False
    for batch in trainee.latest_batches():
        path = path or find(batch, calls)
        truncated = truncated or _truncated(batch, calls)
    return LabelPlace(path, truncated and path is None)


def find(batch: Any, calls: Sequence[LossCall]) -> tuple[str, ...] | None:
    """The path to the part of `batch` that one of these calls used as its target."""
    import torch

    from mldoctor.trainee.batches import leaves, same_values

    for call in calls:
        for path, leaf in leaves(batch):
            if call.target is None or isinstance(leaf, list):
                continue
            if same_values(torch.as_tensor(leaf), call.target):
                return tuple(map(str, path))
    return None


def _truncated(batch: Any, calls: Sequence[LossCall]) -> bool:
    import torch

    from mldoctor.trainee.batches import leaves, same_values

    for _, leaf in leaves(batch):
        if not isinstance(leaf, torch.Tensor) or not leaf.is_floating_point():
            continue
        whole = leaf.trunc()
        if bool((whole == leaf).all()):
            continue
        if any(c.target is not None and same_values(whole, c.target) for c in calls):
            return True
    return False
