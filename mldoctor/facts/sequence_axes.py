"""Where time runs in what a model is given and returns, and how much a tensor varies over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from mldoctor.trainee.tape import RootCall

SEQUENCE = 3
"""Time steps from which on an axis can be a time axis."""

CONSTANT = 1e-5
"""Largest deviation from the mean over time, relative to the tensor's scale, of a constant one:
some hundred times the rounding error of float32."""


def inputs(call: RootCall) -> dict[Any, Tensor]:
    """The tensors among the arguments of a call, by position or name."""
    from torch import Tensor

    named: dict[Any, Any] = dict(enumerate(call.args))
    named.update(call.kwargs)
    return {key: value for key, value in named.items() if isinstance(value, Tensor)}


def sequence_input(call: RootCall) -> tuple[Any, int, int, int] | None:
    """The argument that is a sequence: its key, time steps, time axis, and the number of samples."""
    for key, value in inputs(call).items():
        if "mask" in str(key) or "label" in str(key):
            continue
        if not value.is_floating_point() and value.dim() == 2:  # noqa: PLR2004 - ids [batch, time]
            return (key, value.shape[1], 1, value.shape[0]) if value.shape[1] >= SEQUENCE else None
        if value.is_floating_point() and value.dim() == 3 and min(value.shape[1:]) >= 1:  # noqa: PLR2004 - [batch, time, features]
            axis = 1 if value.shape[1] >= SEQUENCE else 2
            return (
                (key, value.shape[axis], axis, value.shape[0])
                if value.shape[axis] >= SEQUENCE
                else None
            )
    return None


def main_tensor(output: Any) -> Tensor | None:
    """The largest [., ., .] floating tensor of an output of any structure."""
    from mldoctor.trainee.batches import leaves

    found = [
        leaf
        for path, leaf in leaves(output)
        if hasattr(leaf, "is_floating_point")
        and leaf.is_floating_point()
        and leaf.dim() == 3  # noqa: PLR2004 - see above
        and not {"hidden_states", "attentions", "past_key_values"} & set(map(str, path))
    ]
    return max(found, key=lambda t: t.numel(), default=None)


def time_axis(output: Tensor, steps_in: int, count: int) -> int | None:
    """The axis of the output that runs with the input's time, or None."""
    if count not in output.shape[:2]:
        return None
    batch_axis = 0 if output.shape[0] == count else 1
    for axis in (1 - batch_axis, 2):
        size = output.shape[axis]
        if size >= SEQUENCE and (
            size == steps_in
            or (steps_in % size == 0)
            or abs(steps_in - size) <= 2  # noqa: PLR2004 - a start or end token more or less
            or size % steps_in == 0
        ):
            return axis
    return None


def over_time(tensor: Tensor, axis: int) -> float:
    """The largest deviation from the mean over an axis, relative to the scale of the tensor."""
    values = tensor.detach().float()
    scale = float(values.abs().max())
    if scale == 0:
        return 0.0
    return float((values - values.mean(axis, keepdim=True)).abs().max()) / scale
