"""What a forward keeps for its backward, for any number of samples in the batch."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from mldoctor.facts import recorded_calls

if TYPE_CHECKING:
    from torch import Tensor

    from mldoctor.trainee.tape import RootCall, Tape
    from mldoctor.trainee.trainee import Trainee

    Path = tuple[Any, ...]

FEW = (2, 4, 8)
"""Samples of the calls that are measured. What a forward keeps is a polynomial in the size of the
batch: linear, or quadratic where samples are compared with each other."""


def activations(trainee: Trainee, call: RootCall, *, failed: bool) -> tuple[tuple[float, ...], int]:
    """Coefficients of what is kept for n samples, and the number of samples in the batch."""
    counted = recorded_calls.sample_count(trainee, call) or _first_sizes(call)
    few = [n for n in FEW if counted is not None and n <= counted[0]]
    if counted is None or len(few) < len(FEW) - 1 or (failed and counted[0] < 2 * max(FEW)):
        whole = None if failed else _kept(trainee.tape, call, None, {})
        return ((), 0) if whole is None else ((float(whole),), 0)
    count, axes = counted
    kept = [_kept(trainee.tape, call, n, axes) for n in few]
    known = [size for size in kept if size is not None]
    if len(known) < len(kept):
        return (), count
    curve = _through(few, known)
    curve[1] += _loss(trainee.tape, count) / count
    return tuple(curve), count


def _through(at: list[int], values: list[int]) -> list[float]:
    """The coefficients of the polynomial through two or three points, none below zero."""
    import numpy as np

    found = np.polynomial.polynomial.polyfit(at, values, len(at) - 1)
    return [max(0.0, float(round(value, 3))) for value in found]


def _first_sizes(call: RootCall) -> tuple[int, dict[Path, int]] | None:
    """The size that every tensor of the call has in its first axis."""
    tensors = {p: t for p, t in recorded_calls.given(call).items() if t.dim()}
    sizes = {t.shape[0] for t in tensors.values()}
    return (sizes.pop(), dict.fromkeys(tensors, 0)) if len(sizes) == 1 else None


def _kept(tape: Tape, call: RootCall, samples: int | None, axes: dict[Path, int]) -> int | None:
    """Bytes that the graph of a forward on the first `samples` keeps, weights left out."""
    import torch

    from mldoctor.trainee.batches import replace_leaves
    from mldoctor.trainee.quiet import quiet

    own = {
        t.untyped_storage().data_ptr() for t in (*call.module.parameters(), *call.module.buffers())
    }
    seen: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            seen[storage.data_ptr()] = storage.nbytes()
        return tensor

    def cut(path: Path, leaf: Any) -> Any:
        if not isinstance(leaf, torch.Tensor):
            return leaf
        axis = axes.get(path)
        part = leaf if axis is None or samples is None else leaf.narrow(axis, 0, samples)
        return part.detach().clone()

    with ExitStack() as stack:
        stack.enter_context(quiet(call.module))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t))
        _cast(stack, tape, call)
        call.module.train(call.training)
        args, kwargs = replace_leaves((call.args, call.kwargs), cut)
        try:
            output = call.module(*args, **kwargs)
        except Exception:  # noqa: BLE001 - the user's code, on fewer samples than it was written for
            return None
        del output
    return sum(seen.values())


def _cast(stack: ExitStack, tape: Tape, call: RootCall) -> None:
    """Repeat the call under the autocast that the script made it under."""
    import torch

    root = next(i for i, known in enumerate(tape.roots) if known is call.module)
    casts = [
        e.details["autocast"] for e in tape.of("forward") if e.who == root and e.details["grad"]
    ]
    if casts and casts[-1]:
        kind = next(iter(call.module.parameters())).device.type
        stack.enter_context(torch.autocast(kind, dtype=getattr(torch, casts[-1])))


def _loss(tape: Tape, samples: int) -> float:
    """Bytes that a loss outside of the model keeps: as many values again as it was given."""
    found = [
        c
        for c in tape.losses
        if c.grad and c.prediction.dim() and c.prediction.shape[0] % samples == 0
    ]
    return float(found[-1].prediction.nbytes) if found else 0.0
