"""Repeat a recorded model call with other inputs: what the forward experiments share."""

from __future__ import annotations

import inspect
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from mldoctor.trainee.tape import RootCall, Tape
    from mldoctor.trainee.trainee import Trainee

    Path = tuple[Any, ...]
    Change = Callable[[Path, Tensor], Tensor]

LATEST = 2
"""Models that are experimented on: the cost of all experiments together stays bounded."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one repeated call returned: its floating tensors, by their place in the output."""

    tensors: dict[Path, Tensor]

    def same_shapes(self, other: Outcome) -> bool:
        """Whether both calls returned tensors of the same sizes at the same places."""
        return {p: t.shape for p, t in self.tensors.items()} == {
            p: t.shape for p, t in other.tensors.items()
        }

    def finite(self) -> bool:
        """Whether no value is NaN or Inf."""
        return all(bool(t.isfinite().all()) for t in self.tensors.values())


def trained_calls(tape: Tape) -> list[RootCall]:
    """The latest call of each model that an optimizer that stepped trains."""
    stepped = {e.who for e in tape.of("step") if e.who is not None}
    trained = {
        id(p) for i in stepped for group in tape.optimizers[i].param_groups for p in group["params"]
    }
    found = [
        call
        for call in tape.root_calls.values()
        if any(id(p) in trained and p.requires_grad for p in call.module.parameters())
    ]
    return found[-LATEST:]


def given(call: RootCall) -> dict[Path, Tensor]:
    """Every tensor the call was given, by its path; a packed sequence makes the result empty."""
    from torch import Tensor
    from torch.nn.utils.rnn import PackedSequence

    from mldoctor.trainee.batches import leaves

    everything = [*call.args, *call.kwargs.values()]
    if any(
        isinstance(value, PackedSequence) or getattr(value, "is_sparse", False)
        for value in everything
    ):
        return {}
    return {
        path: leaf
        for path, leaf in leaves((call.args, call.kwargs))
        if isinstance(leaf, Tensor) and not leaf.is_sparse
    }


def parameter_of(call: RootCall, path: Path) -> tuple[str, bool]:
    """The name of the forward's parameter that a path leads to, and whether it has no default."""
    try:
        parameters = list(inspect.signature(call.module.forward).parameters.values())
    except (TypeError, ValueError):
        return "", False
    if path[0] == 1:
        found = next((p for p in parameters if p.name == path[1]), None)
    else:
        found = parameters[path[1]] if path[1] < len(parameters) else None
    if found is None or found.kind in (found.VAR_POSITIONAL, found.VAR_KEYWORD):
        return str(path[1]), False
    names = [found.name, *(str(step) for step in path[2:])]
    return ".".join(names), found.default is found.empty


def repeat(
    call: RootCall, change: Change | None = None, *, seed: int = 0, train: bool = False
) -> Outcome | None:
    """Call the model again, without gradients, under a fixed random state.

    The result is None when the model refuses the changed inputs. Modes, buffers and random state
    are put back; the recorded tensors are never handed out, only copies.
    """
    import torch
    from torch import Tensor

    from mldoctor.trainee.batches import leaves, replace_leaves
    from mldoctor.trainee.quiet import quiet

    def copied(path: Path, leaf: Any) -> Any:
        if not isinstance(leaf, Tensor):
            return leaf
        fresh = leaf.detach().clone()
        return change(path, fresh) if change is not None else fresh

    with quiet(call.module), torch.no_grad():
        if train:
            call.module.train(call.training)
        torch.manual_seed(seed)
        args, kwargs = replace_leaves((call.args, call.kwargs), copied)
        try:
            output = call.module(*args, **kwargs)
        except Exception:  # noqa: BLE001 - the user's code, given inputs that it was not written for
            return None
    return Outcome(
        {
            path: leaf.detach().clone()
            for path, leaf in leaves((output,))
            if isinstance(leaf, Tensor) and leaf.is_floating_point() and leaf.numel()
        }
    )


def sample_count(trainee: Trainee, call: RootCall) -> tuple[int, dict[Path, int]] | None:
    """How many samples the call was given, and along which axis of each tensor they lie.

    None unless it is certain: the loader or the labels must say the number, and every tensor must
    have it in one of its first two axes, and only there.
    """
    tensors = {p: t for p, t in given(call).items() if t.numel() > 1}
    if not tensors:
        return None
    read, labels = _stated(trainee)
    for count, _ in (read + labels).most_common():
        axes = {p: _axis(tuple(t.shape), count) for p, t in tensors.items()}
        if count == 1 or any(axis is None for axis in axes.values()):
            continue
        if count in read or all(_certain(call, t, axes[p]) for p, t in tensors.items()):
            return count, {p: axis for p, axis in axes.items() if axis is not None}
    return None


def _stated(trainee: Trainee) -> tuple[Counter[int], Counter[int]]:
    """Numbers of samples as the loader's batches state them, and as labels with one axis do."""
    from mldoctor.trainee.batches import leaves

    tape = trainee.tape
    read = Counter(i.batch_size for i in tape.loaders if i.in_use is not None and i.batch_size)
    labels = Counter(
        call.target.shape[0]
        for call in tape.losses[-4:]
        if call.target is not None and call.target.dim() == 1 and call.prediction.dim() == 2  # noqa: PLR2004 - [samples, classes]
    )
    latest = list(trainee.latest_batches())[-1:]
    firsts = {
        leaf.shape[0] for _, leaf in leaves(tuple(latest)) if hasattr(leaf, "dim") and leaf.dim()
    }
    read.update(firsts if len(firsts) == 1 else ())
    return read, labels


def _certain(call: RootCall, tensor: Tensor, axis: int | None) -> bool:
    """Whether an input holds one sample for each label, and no sequence with a label each step."""
    from torch import nn

    if axis != 0 or tensor.dim() == 1 or tensor.shape[1] == 1:
        return False
    if tensor.dim() > 2 or not tensor.is_floating_point():  # noqa: PLR2004 - [batch, features]
        return True
    over_steps = (nn.RNNBase, nn.MultiheadAttention, nn.Conv1d, nn.TransformerEncoderLayer)
    return not any(isinstance(m, over_steps) for m in call.module.modules())


def _axis(shape: tuple[int, ...], count: int) -> int | None:
    """The one axis among the first two that has `count` entries."""
    if shape.count(count) != 1:
        return None
    axis = shape.index(count)
    return axis if axis < 2 else None  # noqa: PLR2004 - see above


def moved(left: Outcome, right: Outcome) -> float:
    """The largest change of an output value, relative to the scale of its tensor."""
    largest = 0.0
    for path, tensor in left.tensors.items():
        scale = float(tensor.abs().max())
        change = float((right.tensors[path] - tensor).abs().max())
        largest = max(largest, change / scale if scale else change)
    return largest
