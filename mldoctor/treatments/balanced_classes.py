"""Weigh the classes of every class loss by the inverse of their frequency."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from mldoctor.trainee.trainee import Trainee


@contextmanager
def balanced_classes(_trainee: Trainee) -> Iterator[None]:
    """Give cross-entropies that have no weights those that make every class count alike.

    Weights are n / (classes * n_c), as `class_weight="balanced"` of scikit-learn; binary losses get
    negatives / positives as weight of the positives, column by column.
    """
    from torch.nn import functional

    cross_entropy = functional.cross_entropy
    binary = functional.binary_cross_entropy_with_logits

    def weighted(input: Tensor, target: Tensor, *args: Any, **kwargs: Any) -> Tensor:  # noqa: A002 - torch's name
        if not args and kwargs.get("weight") is None and not target.is_floating_point():
            kwargs["weight"] = _balanced(target, input.shape[1 if input.dim() > 1 else 0]).to(input)
        result: Tensor = cross_entropy(input, target, *args, **kwargs)
        return result

    def positively(input: Tensor, target: Tensor, *args: Any, **kwargs: Any) -> Tensor:  # noqa: A002 - torch's name
        if not args and kwargs.get("weight") is None and kwargs.get("pos_weight") is None:
            positives = target.detach().sum(0)
            kwargs["pos_weight"] = (len(target) - positives) / positives.clamp_min(1)
        result: Tensor = binary(input, target, *args, **kwargs)
        return result

    functional.cross_entropy = weighted
    functional.binary_cross_entropy_with_logits = positively
    try:
        yield
    finally:
        functional.cross_entropy = cross_entropy
        functional.binary_cross_entropy_with_logits = binary


def _balanced(target: Tensor, classes: int) -> Tensor:
    import torch

    known = target[(target >= 0) & (target < classes)]
    counts = torch.bincount(known.reshape(-1), minlength=classes).float()
    present = counts.count_nonzero().clamp_min(1)
    return torch.where(counts > 0, counts.sum() / (present * counts.clamp_min(1)), 0.0)
