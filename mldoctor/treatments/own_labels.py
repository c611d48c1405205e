"""Hand the losses the labels as they stand in the batch."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from mldoctor.trainee.trainee import Trainee

LOSSES = ("cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits",
          "mse_loss", "l1_loss", "smooth_l1_loss")  # fmt: skip

FEW = 4
"""Fewer labels hold the same values in another order by chance."""


@contextmanager
def own_labels(trainee: Trainee) -> Iterator[None]:
    """Put the labels of a batch back in its order where a loss gets them in another one."""
    from torch.nn import functional

    labels = _labels(trainee)

    def in_order(original: Callable[..., Any]) -> Callable[..., Any]:
        def loss(input: Tensor, target: Tensor, *args: Any, **kwargs: Any) -> Any:  # noqa: A002 - torch's name
            return original(input, _as_in_batch(target, labels), *args, **kwargs)

        return loss

    with ExitStack() as stack:
        for name in LOSSES:
            original = getattr(functional, name)
            stack.callback(setattr, functional, name, original)
            setattr(functional, name, in_order(original))
        yield


def reordered_labels(trainee: Trainee) -> bool:
    """Whether a loss was given the values of a part of its batch in another order."""
    import torch

    labels = _labels(trainee)
    targets = [call.target for call in trainee.tape.openings if call.target is not None]
    return any(not torch.equal(_as_in_batch(t, labels).reshape(-1), t.reshape(-1)) for t in targets)


def _labels(trainee: Trainee) -> list[Tensor]:
    """Every tensor in the batches that the loop trained on, and in the fixed set."""
    import torch
    from torch.utils._pytree import tree_leaves

    batches = [*trainee.first_batches(), *trainee.fixed_set().batches]
    return [v for batch in batches for v in tree_leaves(batch) if isinstance(v, torch.Tensor)]


def _as_in_batch(target: Any, labels: list[Tensor]) -> Any:
    """The part of a batch that holds the values of `target`, if one does and in another order."""
    import torch

    if (
        not isinstance(target, torch.Tensor)
        or target.numel() < FEW
        or bool((target == target.reshape(-1)[0]).all())
    ):
        return target
    flat = target.detach().reshape(-1)
    ordered = flat.sort().values
    alike = [v for v in labels if v.numel() == flat.numel()]
    candidates = [v.reshape(-1).to(flat) for v in alike]
    if any(torch.equal(v, flat) for v in candidates):
        return target
    for value in candidates:
        if torch.equal(value.sort().values, ordered):
            return value.reshape(target.shape)
    return target
