"""Which input of a recorded call is padded, along which axis, and how the model is told of it.

A mask or a tensor of lengths says it, where what it hides is one value throughout. Else token ids are
padded with the `padding_idx` of an embedding, and sequences of numbers with zeros where the batches of
the run differ in length.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.facts import recorded_calls

if TYPE_CHECKING:
    from torch import Tensor

    from mldoctor.trainee.tape import RootCall

    Path = tuple[Any, ...]

SHORTEST = 4
"""Steps from which on an axis is a sequence."""

Varies = Callable[["Tensor", int], bool]
"""Whether tensors like this one differ along that axis from batch to batch."""


@dataclass(frozen=True, slots=True)
class Padded:
    """A padded input.

    Attributes:
        place: where the call has it; axis: its steps; value: what fills the padding.
        valid: `[batch, time]`, True where there is no padding.
        mask: where the call has the mask that says so, None without one.
    """

    place: Path
    axis: int
    value: float
    valid: Tensor
    mask: Path | None

    @property
    def steps(self) -> int:
        """Padded length of the batch."""
        return int(self.valid.shape[1])


def named(call: RootCall, path: Path, *parts: str) -> bool:
    """Whether the parameter that a path leads to has one of these words in its name."""
    name = recorded_calls.parameter_of(call, path)[0].lower()
    return any(part in name for part in parts)


def padded_input(call: RootCall, varies: Varies) -> Padded | None:
    """The one input of the call that is padded at its end, None where that is not certain."""
    tensors = recorded_calls.given(call)
    ids = [
        p
        for p, t in tensors.items()
        if not t.is_floating_point()
        and t.dim() == 2  # noqa: PLR2004 - [batch, time]
        and t.shape[0] > 1
        and t.shape[1] >= SHORTEST
        and int(t.max()) > 1
        and not named(call, p, "label", "tag", "target", "tgt", "position", "type")
    ]
    if len(ids) > 1:
        return None  # several sequences: which one is padded for what is not known
    if ids:
        found = _told(call, tensors, ids[0], 1) or _by_padding_index(call, tensors, ids[0])
        return found if found is not None and _some(found.valid) else None
    numbers = [
        (p, axis)
        for p, t in tensors.items()
        if t.is_floating_point() and t.dim() in (2, 3, 4) and t.shape[0] > 1
        for axis in range(1, t.dim())
        if t.shape[axis] >= SHORTEST and not named(call, p, "label", "target", "tgt")
    ]
    told = [f for p, axis in numbers if (f := _told(call, tensors, p, axis)) is not None]
    if not told:
        told = [f for p, axis in numbers if (f := _zeros(tensors[p], p, axis, varies)) is not None]
    return told[0] if len(told) == 1 and _some(told[0].valid) else None


def _some(valid: Tensor) -> bool:
    """Whether something is padded, and nothing at the front."""
    return not bool(valid.all()) and bool(valid[:, 0].all())


def _told(call: RootCall, tensors: dict[Path, Tensor], place: Path, axis: int) -> Padded | None:
    """What a mask hides, or what lies beyond the lengths that the model is given."""
    tensor = tensors[place]
    batch, steps = tensor.shape[0], tensor.shape[axis]
    hidden = [
        (p, h)
        for p, t in tensors.items()
        if p != place and (h := keys(t, batch, steps)) is not None
    ]
    hidden.sort(key=lambda found: not named(call, found[0], "mask"))
    lengths = [(None, h) for p, t in tensors.items() if (h := _beyond(t, batch, steps)) is not None]
    for path, behind in [*hidden, *lengths]:
        value = _filler(tensor.movedim(axis, 1), behind)
        if value is not None:
            return Padded(place, axis, value, ~behind, path)
    return None


def keys(mask: Tensor, batch: int, steps: int) -> Tensor | None:
    """Which steps a mask `[batch, ..., time]` hides, if it hides the ends of rows and nothing else."""
    if mask.dim() < 2 or mask.dim() > 4 or mask.shape[0] != batch or mask.shape[-1] != steps:  # noqa: PLR2004 - [batch, heads, queries, keys]
        return None
    if not bool(((mask == 0) | (mask == 1)).all()):
        return None
    marks = mask.bool().reshape(batch, -1, steps).any(1)
    hidden = marks != marks[:, :1]
    ends = bool((hidden[:, 1:] >= hidden[:, :-1]).all())
    return hidden if ends and bool((marks[:, 0] == marks[0, 0]).all()) else None


def _beyond(lengths: Tensor, batch: int, steps: int) -> Tensor | None:
    """The steps beyond the lengths of the samples."""
    import torch

    if lengths.is_floating_point() or tuple(lengths.shape) not in ((batch,), (batch, 1)):
        return None
    each = lengths.reshape(-1).long()
    if int(each.min()) < 1 or int(each.max()) > steps or int(each.min()) == int(each.max()):
        return None
    return torch.arange(steps, device=lengths.device)[None] >= each[:, None]


def _filler(rows: Tensor, hidden: Tensor) -> float | None:
    """The one value of all that is hidden; of token ids, one that is not shown as well."""
    if not bool(hidden.any()):
        return None
    values = rows[hidden]
    first = values.reshape(-1)[0]
    if not bool((values == first).all()):
        return None
    if not rows.is_floating_point() and bool((rows[~hidden] == first).any()):
        return None
    return float(first)


def _by_padding_index(call: RootCall, tensors: dict[Path, Tensor], place: Path) -> Padded | None:
    """Token ids that end with the `padding_idx` of an embedding."""
    from torch import nn

    known = {
        m.padding_idx
        for m in call.module.modules()
        if isinstance(m, nn.Embedding | nn.EmbeddingBag) and m.padding_idx is not None
    }
    if len(known) != 1:
        return None
    pad, tokens = int(known.pop()), tensors[place]
    ended = (tokens == pad).long().cumsum(1) > 0
    return (
        Padded(place, 1, pad, tokens != pad, None) if bool((tokens[ended] == pad).all()) else None
    )


def _zeros(tensor: Tensor, place: Path, axis: int, varies: Varies) -> Padded | None:
    """Sequences of features that end with zeros, in batches of different lengths."""
    if tensor.dim() != 3 or not varies(tensor, axis):  # noqa: PLR2004 - [batch, time, features]
        return None
    empty = (tensor.movedim(axis, 1) == 0).flatten(2).all(2)
    behind = empty.flip(1).long().cumprod(1).flip(1).bool()
    different = len(behind.sum(1).unique())  # type: ignore[no-untyped-call]
    return Padded(place, axis, 0.0, ~behind, None) if different > 2 else None  # noqa: PLR2004 - full rows and two lengths
