"""Exchange the later half of an input that is predicted from its past: do early outputs move?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mldoctor.facts import recorded_calls
from mldoctor.facts.recorded_calls import Outcome, repeat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from mldoctor.trainee.tape import RootCall
    from mldoctor.trainee.trainee import Trainee

    Path = tuple[Any, ...]

SHORTEST = 4
"""Steps from which on "the next step of the input" is no coincidence."""

MOST_FEATURES = 64
"""More of them are not tried one at a time."""


def future(trainee: Trainee, call: RootCall, base: Outcome) -> tuple[float | None, int, int]:
    """Exchange the later half of an input that the loss shows to be predicted from its past."""
    causal = [
        (path, tensor, axis)
        for path, tensor in recorded_calls.given(call).items()
        for axis in range(1, min(tensor.dim(), 3))
        if tensor.shape[axis] >= SHORTEST
        and _next_step_is_target(trainee, tensor.detach().movedim(axis, 1))
    ]
    if len(causal) != 1:
        return None, 0, 0
    place, tensor, axis = causal[0]
    steps, half = tensor.shape[axis], tensor.shape[axis] // 2

    def exchange(path: Path, value: Tensor) -> Tensor:
        if path == place:
            later = value.movedim(axis, 1)[:, half:]
            later.copy_(later.flip(0) if len(value) > 1 else later.flip(1))
        return value

    other = repeat(call, exchange)
    if other is None or not base.same_shapes(other):
        return None, steps, 0
    found: tuple[float | None, int, int] = (None, steps, 0)
    for path, output in base.tensors.items():
        along = _time_axis(output, tensor.shape[0], steps, axis)
        if along is None:
            continue
        change = (other.tensors[path] - output).abs().movedim(along, 0).flatten(1).amax(1)
        behind = float(change[half:].max())
        if behind > 0:
            before = change[:half]
            leaked = int((before > 1e-3 * behind).sum())
            found = (float(before.max()) / behind, steps, leaked)
    return found


def _time_axis(output: Tensor, batch: int, steps: int, of_input: int) -> int | None:
    """The axis of time in `[batch, time]`, and before or behind the features of a third one."""
    if output.dim() not in (2, 3) or output.shape[0] != batch:
        return None
    axes = [axis for axis in range(1, output.dim()) if output.shape[axis] == steps]
    if len(axes) > 1:
        axes = [axis for axis in axes if axis == of_input]
    return axes[0] if axes else None


def _next_step_is_target(trainee: Trainee, tensor: Tensor) -> bool:
    """Whether a loss compares with this very tensor `[batch, time, ...]`, one step on."""
    for loss in trainee.tape.losses[-8:]:
        target = loss.target
        if target is None or target.is_floating_point() != tensor.is_floating_point():
            continue
        if any(_one_step_on(v, target, loss.options) for v in _whole_and_parts(tensor, target)):
            return True
    return False


def _whole_and_parts(tensor: Tensor, target: Tensor) -> Iterator[Tensor]:
    """The tensor, and each of a few features that may be predicted alone from all of them."""
    yield tensor
    if tensor.dim() == 3 and 1 < tensor.shape[2] <= MOST_FEATURES and target.dim() < 3:  # noqa: PLR2004 - [batch, time, features]
        yield from tensor.unbind(2)


def _one_step_on(tensor: Tensor, target: Tensor, options: dict[str, Any]) -> bool:
    batch, steps = tensor.shape[:2]
    rest = tensor[0, 0].numel()
    for length in (steps, steps - 1):
        if target.numel() != batch * length * rest:
            continue
        if target.dim() == 3 and target.shape[:2] != (batch, length):  # noqa: PLR2004 - [batch, features, time]
            target = target.movedim(2, 1)
        wanted = target.reshape(batch, length, rest)[:, : steps - 1]
        shifted = tensor.reshape(batch, steps, rest)[:, 1:]
        same = wanted == shifted
        if not tensor.is_floating_point():
            same |= wanted == options.get("ignore_index", -100)
        if bool(same.all()) and bool((wanted == shifted).float().mean() > 1 / 4):
            return bool((shifted != tensor.reshape(batch, steps, rest)[:, :-1]).any())
    return False
