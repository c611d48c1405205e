"""Put the models in train mode for every call that has gradients."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from mldoctor.trainee.trainee import Trainee


@contextmanager
def train_mode(trainee: Trainee) -> Iterator[None]:
    """Call `train()` on a root module that is in eval mode as it is called with gradients."""
    import torch

    from mldoctor.trainee.quiet import takes_hooks

    def enter(module: nn.Module, _args: Any) -> None:
        if torch.is_grad_enabled() and not module.training:
            module.train()

    with ExitStack() as stack:
        for model in filter(takes_hooks, trainee.models):
            stack.callback(model.register_forward_pre_hook(enter).remove)
        yield
