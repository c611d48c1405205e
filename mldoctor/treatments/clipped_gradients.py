"""Clip the norm of all gradients at 1 before every step."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from mldoctor.trainee.trainee import Trainee

BOUND = 1.0
"""The bound of most published recipes; Pascanu, Mikolov and Bengio (2013) for recurrent nets."""

LARGE = 10.0
"""Gradients that are never longer than this many times the bound hardly feel it."""


@contextmanager
def clipped_gradients(trainee: Trainee) -> Iterator[None]:
    """Scale the gradients of each optimizer down to a norm of at most 1."""
    from torch.nn.utils import clip_grad_norm_

    def clip(optimizer: torch.optim.Optimizer) -> None:
        clip_grad_norm_([p for g in optimizer.param_groups for p in g["params"]], BOUND)

    with trainee.before_each_step(clip):
        yield


def long_gradients(trainee: Trainee) -> bool:
    """Whether a step was taken on gradients that the bound would have shortened a lot."""
    norms = (n for e in trainee.tape.of("step") for n in e.details["norms"] if n is not None)
    return any(not norm <= LARGE * BOUND for norm in norms)  # NaN counts
