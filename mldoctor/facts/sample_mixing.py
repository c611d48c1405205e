"""Replace one sample of a recorded call by its neighbour: do the outputs of the others move?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.facts import recorded_calls
from mldoctor.facts.recorded_calls import Outcome, repeat

if TYPE_CHECKING:
    from torch import Tensor

    from mldoctor.trainee.tape import RootCall
    from mldoctor.trainee.trainee import Trainee

    Path = tuple[Any, ...]

SQUARE = 2


@dataclass(frozen=True, slots=True)
class Mixing:
    """What the samples of one batch have to do with each other.

    Attributes:
        samples: in the call, None when that could not be told.
        share: largest change of another sample's output, relative to that of the sample that was
            changed; None when it was not measured.
        others: other samples whose output changed.
        placed: change of the outputs when every sample moves on by one place in the batch, relative
            to that of the sample that was changed; None when it was not measured.
    """

    samples: int | None = None
    share: float | None = None
    others: int = 0
    placed: float | None = None


def mixing(trainee: Trainee, call: RootCall, base: Outcome) -> Mixing:
    """Replace the first sample by the second, the last by the one before it, then move them all."""
    counted = recorded_calls.sample_count(trainee, call)
    if counted is None:
        return _of_tokens(call, base)
    count, axes = counted
    if count <= SQUARE or _shares_samples(call, count):
        return Mixing(count)
    share, others, largest = _replaced(call, base, count, axes)
    if largest < _measurable(base):
        return Mixing(count)
    return Mixing(count, share, others, _placed(call, base, axes, count, largest))


def _of_tokens(call: RootCall, base: Outcome) -> Mixing:
    """Judge token ids of which it is not said whether they are [batch, time] or [time, batch].

    Where all have the same first size and different second ones, or the reverse, the shared axis is
    the batch. Where it stays open, steps mix along one of the axes, as they do in every sequence
    model; a model that mixes along both mixes its samples, too.
    """
    tensors = {p: t for p, t in recorded_calls.given(call).items() if t.dim() > 1}
    if not tensors or any(t.is_floating_point() or t.dim() != SQUARE for t in tensors.values()):
        return Mixing()
    sizes = [{t.shape[axis] for t in tensors.values()} for axis in (0, 1)]
    told = [axis for axis in (0, 1) if len(sizes[axis]) == 1]
    found = []
    for axis in told:
        count = next(iter(sizes[axis]))
        if count <= SQUARE or count in sizes[1 - axis] or _shares_samples(call, count):
            return Mixing()
        share, others, largest = _replaced(call, base, count, dict.fromkeys(tensors, axis))
        if largest < _measurable(base):
            return Mixing()
        found.append(Mixing(count, share, others))
    return min(found, key=lambda row: row.share or 0.0, default=Mixing())


def _measurable(base: Outcome) -> float:
    """The change by another sample from which on a thousandth of it is more than rounding."""
    import torch

    eps = max(torch.finfo(tensor.dtype).eps for tensor in base.tensors.values())
    return min(1000 * eps, 0.1)  # of half precision a large share is rounding


def _replaced(
    call: RootCall, base: Outcome, count: int, axes: dict[Path, int]
) -> tuple[float, int, float]:
    """Largest share of the change that reaches others, how many it reaches, and the change."""
    share, others, largest = 0.0, 0, 0.0
    for changed, source in ((0, 1), (count - 1, count - 2)):

        def replace(
            path: Path, tensor: Tensor, changed: int = changed, source: int = source
        ) -> Tensor:
            axis = axes.get(path)
            if axis is not None:
                tensor.select(axis, changed).copy_(tensor.select(axis, source).clone())
            return tensor

        other = repeat(call, replace)
        if other is None or not base.same_shapes(other):
            continue
        own, strangers, number = _by_sample(base, other, count, changed)
        if own > 0:
            largest = max(largest, own)
            if strangers / own > share:
                share, others = strangers / own, number
    return share, others, largest


def _placed(
    call: RootCall, base: Outcome, axes: dict[Path, int], count: int, own: float
) -> float | None:
    """Move every sample on by one place: the outputs must move along. Noise is no place."""

    def move(path: Path, tensor: Tensor) -> Tensor:
        axis = axes.get(path)
        return tensor if axis is None else tensor.roll(1, axis)

    again, other = repeat(call, seed=1), repeat(call, move)
    if again is None or other is None or not base.same_shapes(other):
        return None
    if not base.same_shapes(again) or recorded_calls.moved(base, again) > 0:
        return None
    largest: float | None = None
    for path, tensor in base.tensors.items():
        axis = _sample_axis(tensor, count)
        if axis is not None:
            change = (other.tensors[path].roll(-1, axis) - tensor).abs().max()
            scale = float(tensor.abs().max()) or 1.0
            largest = max(largest or 0.0, float(change) / scale / own)
    return largest


def _sample_axis(tensor: Tensor, count: int) -> int | None:
    """The axis of an output along which the samples lie."""
    shape = list(tensor.shape)
    return shape.index(count) if shape.count(count) == 1 and shape.index(count) < SQUARE else None


def _shares_samples(call: RootCall, count: int) -> bool:
    """Whether the model lets samples interact by design.

    An adjacency among its samples, or batch statistics that it keeps using in eval mode.
    """
    from torch import Tensor
    from torch.nn.modules.batchnorm import _BatchNorm

    for module in call.module.modules():
        held = [*vars(module).values(), *module.buffers(recurse=False)]
        if any(isinstance(t, Tensor) and list(t.shape).count(count) >= SQUARE for t in held):
            return True
        if isinstance(module, _BatchNorm) and module.running_mean is None:
            return True
    return False


def _by_sample(base: Outcome, other: Outcome, count: int, changed: int) -> tuple[float, float, int]:
    """Change of the changed sample's output, largest change of another's, and how many moved."""
    import torch

    own = strangers = 0.0
    number = 0
    for path, tensor in base.tensors.items():
        axis = _sample_axis(tensor, count)
        if axis is None:
            continue
        rows = (other.tensors[path] - tensor).abs().movedim(axis, 0).reshape(count, -1).amax(1)
        scale = float(tensor.abs().max()) or 1.0
        own = max(own, float(rows[changed]) / scale)
        rest = torch.cat([rows[:changed], rows[changed + 1 :]]) / scale
        strangers = max(strangers, float(rest.max()))
        number = max(number, int((rest > 1e-3 * float(rows[changed]) / scale).sum()))
    return own, strangers, number
