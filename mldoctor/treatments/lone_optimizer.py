"""Let nothing but the optimizer write the weights."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch
    from torch import Tensor

    from mldoctor.trainee.trainee import Trainee


@contextmanager
def lone_optimizer(trainee: Trainee) -> Iterator[None]:
    """Before each training forward, give the weights the values that the latest step left them.

    What the script does to them in between (bounds that it clamps them to, an average or an older
    state that it copies into them) is undone.
    """
    import torch

    from mldoctor.trainee.quiet import takes_hooks

    left: dict[Tensor, Tensor] = {}

    def keep(optimizer: torch.optim.Optimizer) -> None:
        for group in optimizer.param_groups:
            left.update((p, p.detach().clone()) for p in group["params"])

    def put_back(*_: object) -> None:
        if not torch.is_grad_enabled():
            return
        with torch.no_grad():
            for tensor, value in left.items():
                if not torch.equal(tensor, value):
                    tensor.copy_(value)

    with ExitStack() as stack:
        for model in filter(takes_hooks, trainee.models):
            stack.callback(model.register_forward_pre_hook(put_back).remove)
        stack.enter_context(trainee.after_each_step(keep))
        yield


def is_rewritten(trainee: Trainee) -> bool:
    """Whether weights were written by something else between two of the observed steps."""
    return any(event.details.get("rewritten") for event in trainee.tape.of("step"))
