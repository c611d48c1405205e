"""Repeat a call and watch the module boundaries for tensors that carry no time any more."""

from __future__ import annotations

from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.facts.sequence_axes import CONSTANT, SEQUENCE, inputs, main_tensor, over_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import Tensor, nn

    from mldoctor.trainee.tape import RootCall

LATEST = 8
"""Tensors before a boundary among which the one that was pooled is looked for."""


@dataclass(slots=True)
class Boundary:
    """A tensor that enters or leaves a module."""

    module: nn.Module
    path: str
    entering: bool
    tensor: Tensor
    axis: int
    pooled: bool


def forward(
    call: RootCall,
    collect: list[Boundary] | None = None,
    count: int = 0,
    change: Callable[[Any, Tensor], Tensor] | None = None,
    keep: Boundary | None = None,
) -> Any:
    """Repeat the call, with its inputs changed and one boundary held at its recorded value."""
    from torch import Tensor

    from mldoctor.trainee.quiet import takes_hooks

    def changed(key: Any, value: Any) -> Any:
        return change(key, value) if change is not None and isinstance(value, Tensor) else value

    args = [changed(i, v) for i, v in enumerate(call.args)]
    kwargs = {k: changed(k, v) for k, v in call.kwargs.items()}
    with ExitStack() as stack:
        if collect is not None:
            latest: deque[Tensor] = deque(maxlen=LATEST)
            for path, module in call.module.named_modules():
                if takes_hooks(module):
                    _watch(stack, module, path, collect=collect, latest=latest, count=count)
        if keep is not None:
            _hold(stack, keep)
        return call.module(*args, **kwargs)


def _watch(
    stack: ExitStack,
    module: nn.Module,
    path: str,
    *,
    collect: list[Boundary],
    latest: deque[Tensor],
    count: int,
) -> None:
    from torch import Tensor

    def entering(mod: nn.Module, args: Any) -> None:
        if args and isinstance(args[0], Tensor) and not args[0].is_nested:
            _note(collect, mod, path, args[0], latest=latest, count=count, entering=True)
            latest.append(args[0])

    def leaving(mod: nn.Module, _args: Any, out: Any) -> None:
        tensor = out[0] if isinstance(out, tuple) and out else out
        if isinstance(tensor, Tensor) and not tensor.is_nested:
            _note(collect, mod, path, tensor, latest=latest, count=count, entering=False)
            latest.append(tensor)

    stack.callback(module.register_forward_pre_hook(entering).remove)
    stack.callback(module.register_forward_hook(leaving).remove)


def _note(
    collect: list[Boundary],
    module: nn.Module,
    path: str,
    tensor: Tensor,
    *,
    latest: deque[Tensor],
    count: int,
    entering: bool,
) -> None:
    """Keep a [batch, ., .] tensor that is constant over an axis but not over the samples."""
    if (
        not tensor.is_floating_point()
        or tensor.dim() != 3  # noqa: PLR2004 - [batch, ., .]
        or count < 2  # noqa: PLR2004 - samples to compare
        or count not in tensor.shape[:2]
    ):
        return
    batch_axis = 0 if tensor.shape[0] == count else 1
    scale = float(tensor.abs().max())
    between = float((tensor - tensor.mean(batch_axis, keepdim=True)).abs().max())
    if scale == 0 or between <= 100 * CONSTANT * scale:
        return
    for axis in {0, 1, 2} - {batch_axis}:
        other = ({0, 1, 2} - {batch_axis, axis}).pop()
        if (
            tensor.shape[other] > 1
            and over_time(tensor, axis) <= CONSTANT
            and (tensor.shape[axis] >= SEQUENCE or _pools(module, entering=entering))
        ):
            pooled = _is_pooled(tensor.select(axis, 0), latest, batch_axis)
            collect.append(Boundary(module, path, entering, tensor.detach().clone(), axis, pooled))
            return


def _is_pooled(vectors: Tensor, latest: Iterable[Tensor], batch_axis: int) -> bool:
    """Whether these [batch, features] are the mean or maximum over an axis of a recent tensor."""
    import torch

    for tensor in latest:
        if tensor.dim() != 3:  # noqa: PLR2004 - [batch, ., .]
            continue
        for axis in {0, 1, 2} - {batch_axis}:
            if tensor.shape[axis] < 2:  # noqa: PLR2004 - nothing is pooled of one
                continue
            for value in (tensor.mean(axis), tensor.amax(axis)):
                if value.shape == vectors.shape and torch.allclose(value, vectors, atol=1e-6):
                    return True
    return False


def _pools(module: nn.Module, *, entering: bool) -> bool:
    return not entering and "Pool" in type(module).__name__


def _hold(stack: ExitStack, keep: Boundary) -> None:
    def enter(_mod: nn.Module, args: Any) -> Any:
        return (keep.tensor, *args[1:])

    def leave(_mod: nn.Module, _args: Any, out: Any) -> Any:
        return (keep.tensor, *out[1:]) if isinstance(out, tuple) else keep.tensor

    hook = (
        keep.module.register_forward_pre_hook(enter)
        if keep.entering
        else keep.module.register_forward_hook(leave)
    )
    stack.callback(hook.remove)


def passes_all(call: RootCall, dead: Boundary, output: Tensor, count: int) -> bool:
    """Swap the samples, keep the boundary: does the output stay what it was?"""
    swapped = main_tensor(forward(call, change=_swap(count)))
    kept = main_tensor(forward(call, change=_swap(count), keep=dead))
    if swapped is None or kept is None:
        return False
    moved = float((swapped - output).abs().max())
    left = float((kept - output).abs().max())
    return moved > 0 and left <= 1e-3 * moved


def shift_effect(call: RootCall, dead: Boundary, place: Any, axis: int, count: int) -> float:
    """How much a shift of the input in time moves the boundary, relative to another sample."""
    value = inputs(call)[place]
    half = value.shape[axis] // 2

    def shift(key: Any, tensor: Tensor) -> Tensor:
        same = tensor.dim() > axis and tensor.shape[axis] == value.shape[axis]
        return tensor.roll(half, axis) if key == place or same else tensor

    shifted = _boundary_value(call, dead, shift)
    other = _boundary_value(call, dead, _swap(count))
    if shifted is None or other is None:
        return 1.0
    by_sample = float((other - dead.tensor).norm())
    return float((shifted - dead.tensor).norm()) / by_sample if by_sample else 1.0


def _boundary_value(
    call: RootCall, dead: Boundary, change: Callable[[Any, Tensor], Tensor]
) -> Tensor | None:
    seen: list[Tensor] = []

    def enter(_mod: nn.Module, args: Any) -> None:
        seen.append(args[0].detach().clone())

    def leave(_mod: nn.Module, _args: Any, out: Any) -> None:
        seen.append((out[0] if isinstance(out, tuple) else out).detach().clone())

    hook = (
        dead.module.register_forward_pre_hook(enter)
        if dead.entering
        else dead.module.register_forward_hook(leave)
    )
    try:
        forward(call, change=change)
    finally:
        hook.remove()
    return seen[0] if seen and seen[0].shape == dead.tensor.shape else None


def _swap(count: int) -> Callable[[Any, Tensor], Tensor]:
    """Give every sample the inputs of its neighbour."""

    def swap(_key: Any, tensor: Tensor) -> Tensor:
        if tensor.dim() and tensor.shape[0] == count:
            return tensor.roll(1, 0)
        if tensor.dim() > 1 and tensor.shape[1] == count:
            return tensor.roll(1, 1)
        return tensor

    return swap
