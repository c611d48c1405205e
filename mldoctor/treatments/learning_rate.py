"""Multiply the learning rate of every optimizer."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    import torch

    from mldoctor.trainee.trainee import Trainee


def learning_rate(factor: float) -> Callable[[Trainee], AbstractContextManager[None]]:
    """The treatment that takes every step at `factor` times the rate the loop plans to use."""

    @contextmanager
    def treat(trainee: Trainee) -> Iterator[None]:
        def scale(optimizer: torch.optim.Optimizer) -> None:
            for group in optimizer.param_groups:
                if "lr" in group:
                    group["lr"] = group["lr"] * factor

        with trainee.before_each_step(scale):
            yield

    return treat
