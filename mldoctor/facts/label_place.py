"""LabelPlace: which part of a batch the loss uses as its target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mldoctor.trainee.tape import LossCall


CLASSES = (
    "cross_entropy",
    "nll_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
)
REGRESSION = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")

FEWEST = 32
"""Entries whose target must be the whole part of a stored value: by chance never."""


@dataclass(frozen=True, slots=True)
class LabelPlace:
    """Where the labels stand.

    Attributes:
        path: steps that lead to them in a batch, as text; None when no part is the target.
        regression: only regression losses use a target: whole numbers are no classes then.
        truncated: the loss gets the whole parts of a part of the batch that holds fractions.
    """

    path: tuple[str, ...] | None
    truncated: bool
    regression: bool = False


@fact(Cost.TAPE)
def label_place(trainee: Trainee) -> LabelPlace:
    """Compare the latest targets with every part of the latest batches."""
    calls = [call for call in trainee.tape.losses if call.target is not None][-8:]
    path, truncated = None, False
    # Beside a loss of classes, the target of a regression (a box, a reconstruction) is no label.
    own = [call for call in calls if call.function in CLASSES] or calls
    for batch in trainee.latest_batches():
        path = path or find(batch, own)
        truncated = truncated or _truncated(batch, calls)
    truncated = (truncated and path is None) or _truncated_inside(trainee, calls)
    regression = bool(calls) and all(c.function in REGRESSION for c in calls)
    return LabelPlace(path, truncated, regression)


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


def _truncated_inside(trainee: Trainee, calls: Sequence[LossCall]) -> bool:
    """Whether the dataset keeps fractions and hands out their whole parts as regression targets."""
    import numpy as np

    from mldoctor.trainee import batches, samples

    regression = [c.target for c in calls if c.function in REGRESSION and c.target is not None]
    if not regression or not all(bool((t == t.round()).all()) for t in regression):
        return False
    loader = next(
        (i.loader for i in trainee.tape.loaders if i.trained and i.loader is not None), None
    )
    size = samples.length(loader) if loader is not None else None
    if loader is None or size is None or size < FEWEST:
        return False
    inner = samples.innermost(loader.dataset)
    fractions = [
        np.asarray(v)
        for v in samples.storage(inner)
        if not isinstance(v, list)
        and v.ndim == 1
        and len(v) >= size
        and np.asarray(v).dtype.kind == "f"
    ]
    fractions = [v for v in fractions if bool((v != np.trunc(v)).any())]
    if not fractions:
        return False
    read = list(samples.read(loader, 1.0, FEWEST))
    for held in fractions:
        wanted = [float(np.trunc(held[samples.entry(loader.dataset, s.index)[1]])) for s in read]
        given = [
            {
                float(np.asarray(leaf).reshape(-1)[0])
                for _, leaf in batches.leaves(s.value)
                if np.asarray(leaf).size == 1
            }
            for s in read
        ]
        if len(set(wanted)) > 1 and all(w in g for w, g in zip(wanted, given, strict=True)):
            return True
    return False


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
