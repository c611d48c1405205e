"""Compute in float32 what the script computes in half precision."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

    from mldoctor.trainee.trainee import Trainee


@contextmanager
def full_precision(trainee: Trainee) -> Iterator[None]:
    """Hold half-precision weights in float32 and leave autocast out of every model call."""
    import torch
    from torch.utils._pytree import tree_map_only

    from mldoctor.trainee.quiet import takes_hooks

    halves = (torch.float16, torch.bfloat16)

    def widen(value: Tensor) -> Tensor:
        return value.float() if value.dtype in halves else value

    calls: list[ExitStack] = []

    def enter(_module: nn.Module, args: Any, kwargs: Any) -> tuple[Any, Any]:
        calls.append(ExitStack())
        calls[-1].enter_context(torch.autocast(_device(trainee), enabled=False))
        widened: tuple[Any, Any] = tree_map_only(torch.Tensor, widen, (args, kwargs))
        return widened

    def leave(_module: nn.Module, _args: Any, _output: Any) -> None:
        calls.pop().close()

    with ExitStack() as stack:
        for model in filter(takes_hooks, trainee.models):
            for tensor in (*model.parameters(), *model.buffers()):
                if tensor.dtype in halves:
                    stack.callback(_narrow, tensor, tensor.dtype)
                    tensor.data = tensor.data.float()
                    tensor.grad = None
            stack.callback(model.register_forward_pre_hook(enter, with_kwargs=True).remove)
            stack.callback(model.register_forward_hook(leave, always_call=True).remove)
        yield


def _narrow(tensor: Tensor, dtype: Any) -> None:
    tensor.data = tensor.data.to(dtype)
    tensor.grad = None


def _device(trainee: Trainee) -> str:
    return next((p.device.type for m in trainee.models for p in m.parameters()), "cpu")


def in_half_precision(trainee: Trainee) -> bool:
    """Whether weights are held, or a model's outputs computed, in half precision."""
    import torch

    halves = (torch.float16, torch.bfloat16)
    weights = any(p.dtype in halves for m in trainee.tape.roots for p in m.parameters())
    return weights or any(call.prediction.dtype in halves for call in trainee.tape.losses)
