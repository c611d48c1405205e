"""Clear the gradients after every update."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from mldoctor.trainee.trainee import Trainee


@contextmanager
def zero_gradients(trainee: Trainee) -> Iterator[None]:
    """Zero every gradient of an optimizer as soon as it has stepped."""

    def clear(optimizer: torch.optim.Optimizer) -> None:
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.grad.detach_().zero_()

    with trainee.after_each_step(clear):
        yield
