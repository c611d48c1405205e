"""Leave weight decay out."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from mldoctor.trainee.trainee import Trainee


@contextmanager
def no_weight_decay(trainee: Trainee) -> Iterator[None]:
    """Take every step with a weight decay of zero; the options are put back after it."""

    def leave_out(optimizer: torch.optim.Optimizer) -> None:
        for group in optimizer.param_groups:
            if "weight_decay" in group:
                group["weight_decay"] = 0.0

    with trainee.before_each_step(leave_out):
        yield


def has_decay(trainee: Trainee) -> bool:
    """Whether an optimizer has a weight decay above zero."""
    return any(g.get("weight_decay") for o in trainee.optimizers for g in o.param_groups)
