"""PaddingEffect: does the answer change when a batch is padded by some steps more?

The recorded call is repeated in eval mode with its token ids extended by a quarter of padding, and
the mask extended accordingly; then with a mask that declares everything valid. Both changes are
compared with what another sample changes. Where padding matters although there is a mask, the same is
tried with the mask turned round.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts import recorded_calls
from mldoctor.facts.recorded_calls import Outcome, repeat
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from torch import Tensor

    from mldoctor.trainee.tape import RootCall

    Path = tuple[Any, ...]

SHORTEST = 4
"""Steps from which on a second axis of integers is a sequence."""


@dataclass(frozen=True, slots=True)
class PaddedModel:
    """The experiments on one model that is given padded token ids.

    Attributes:
        steps: padded length of the batch; padded: share of it that is padding.
        mask: name of the mask argument, "" when there is none.
        mask_effect: change of the output when the mask declares everything valid, relative to
            that of another sample; None without a mask or where it could not be tried.
        extension: change of the output at valid steps when the batch is padded by `added` steps
            more, relative to that of another sample; None where it could not be tried.
    """

    name: str
    site: Location | None
    built: Location | None
    steps: int
    padded: float
    mask: str
    mask_effect: float | None
    extension: float | None
    added: int
    inverted: float | None = None


@dataclass(frozen=True, slots=True)
class PaddingEffect:
    """Every trained model that is given padded token ids."""

    models: tuple[PaddedModel, ...]


@fact(Cost.FORWARDS)
def padding_effect(trainee: Trainee) -> PaddingEffect:
    """Pad more, then drop the mask."""
    tape = trainee.tape
    rows = []
    for call in recorded_calls.trained_calls(tape):
        name = tape.names.get(id(call.module), type(call.module).__name__)
        birth = tape.births.get(id(call.module))
        found = _examine(call, name, birth.site.location() if birth and birth.site else None)
        if found is not None:
            rows.append(found)
    if not rows:
        raise AbsentFact("no model is given token ids with padding")
    return PaddingEffect(tuple(rows))


def _examine(call: RootCall, name: str, built: Location | None) -> PaddedModel | None:
    tensors = recorded_calls.given(call)
    ids = [
        p
        for p, t in tensors.items()
        if not t.is_floating_point()
        and t.dim() == 2  # noqa: PLR2004 - [batch, time]
        and t.shape[0] > 1
        and t.shape[1] >= SHORTEST
        and int(t.max()) > 1
        and not _named(call, p, "label", "tag", "target", "tgt", "position", "type")
    ]
    if len(ids) != 1:
        return None  # several sequences: which one is padded for what is not known
    place = ids[0]
    tokens = tensors[place]
    mask = _mask(call, tensors, tokens)
    pad = _pad_id(call, tokens, tensors[mask] if mask else None)
    if pad is None:
        return None
    valid = tokens != pad
    if bool(valid.all()) or not bool(valid[:, 0].all()):
        return None  # nothing is padded, or padding stands in front
    base, other = repeat(call), repeat(call, lambda _path, t: t.roll(1, 0) if t.dim() else t)
    if base is None or other is None or not base.finite() or not base.same_shapes(other):
        return None
    added = max(2, tokens.shape[1] // 4)
    extension = _extension(call, base, other, valid, (place, pad, added))
    return PaddedModel(
        name=name,
        site=call.site.location() if call.site else None,
        built=built,
        steps=tokens.shape[1],
        padded=float((~valid).float().mean()),
        mask=recorded_calls.parameter_of(call, mask)[0] if mask else "",
        mask_effect=_mask_effect(call, mask, base, other, valid) if mask else None,
        extension=extension,
        added=added,
        inverted=_inverted(call, mask, valid, (place, pad, added)) if mask and extension else None,
    )


def _named(call: RootCall, path: Path, *parts: str) -> bool:
    name = recorded_calls.parameter_of(call, path)[0].lower()
    return any(part in name for part in parts)


def _mask(call: RootCall, tensors: dict[Path, Tensor], tokens: Tensor) -> Path | None:
    """The argument that says which tokens are padding."""
    for path, tensor in tensors.items():
        if tensor.shape != tokens.shape or tensor is tokens or not _named(call, path, "mask"):
            continue
        if bool(((tensor == 0) | (tensor == 1)).all()) and bool((tensor != tensor[0, 0]).any()):
            return path
    return None


def _pad_id(call: RootCall, tokens: Tensor, mask: Tensor | None) -> int | None:
    """The id that fills the padding: what the mask hides, else `padding_idx` of an embedding."""
    import torch
    from torch import nn

    if mask is not None:
        hidden = torch.unique(tokens[mask != mask[0, 0]])
        return (
            int(hidden[0])
            if len(hidden) == 1 and bool((tokens[mask == mask[0, 0]] != hidden[0]).all())
            else None
        )
    known = {
        m.padding_idx
        for m in call.module.modules()
        if isinstance(m, nn.Embedding | nn.EmbeddingBag) and m.padding_idx is not None
    }
    if len(known) != 1:
        return None
    pad = int(known.pop())
    ended = (tokens == pad).long().cumsum(1) > 0
    return pad if bool((tokens[ended] == pad).all()) else None


def _mask_effect(
    call: RootCall, mask: Path, base: Outcome, other: Outcome, valid: Tensor
) -> float | None:
    def show_all(path: Path, tensor: Tensor) -> Tensor:
        return tensor[0, 0].expand_as(tensor).clone() if path == mask else tensor

    return _compared(base, other, repeat(call, show_all), valid)


def _extension(
    call: RootCall,
    base: Outcome,
    other: Outcome,
    valid: Tensor,
    padding: tuple[Path, int, int],
) -> float | None:
    import torch

    place, pad, added = padding

    def extend(path: Path, tensor: Tensor) -> Tensor:
        if tensor.dim() < 2 or tensor.shape[:2] != valid.shape:  # noqa: PLR2004 - [batch, time, ...]
            return tensor
        more = tensor[:, -1:].clone()
        if path == place:
            more.fill_(pad)
        elif _named(call, path, "mask"):
            more.copy_(_hidden_value(tensor))
        elif _named(call, path, "label", "tag", "target"):
            more.fill_(-100 if not tensor.is_floating_point() else 0)
        return torch.cat([tensor, more.repeat_interleave(added, 1)], 1)

    return _compared(base, other, repeat(call, extend), valid)


def _inverted(
    call: RootCall, mask: Path, valid: Tensor, padding: tuple[Path, int, int]
) -> float | None:
    """The effect of more padding on a model that is told the opposite of what the mask says."""

    def turned(path: Path, tensor: Tensor) -> Tensor:
        if path != mask:
            return tensor
        return ~tensor if tensor.dtype == torch.bool else 1 - tensor

    import torch

    from mldoctor.trainee.batches import replace_leaves

    args, kwargs = replace_leaves(
        (call.args, call.kwargs),
        lambda path, leaf: turned(path, leaf) if isinstance(leaf, torch.Tensor) else leaf,
    )
    told = replace(call, args=args, kwargs=kwargs)
    base, other = repeat(told), repeat(told, lambda _path, t: t.roll(1, 0) if t.dim() else t)
    if base is None or other is None or not base.finite() or not base.same_shapes(other):
        return None
    return _extension(told, base, other, valid, padding)


def _hidden_value(mask: Tensor) -> Any:
    return mask[mask != mask[0, 0]][0]


def _compared(
    base: Outcome, other: Outcome, changed: Outcome | None, valid: Tensor
) -> float | None:
    """The change at valid places, relative to that of another sample, over all outputs."""
    if changed is None:
        return None
    batch, steps = valid.shape
    largest: float | None = None
    for path, tensor in base.tensors.items():
        new = changed.tensors.get(path)
        if new is None or tensor.dim() < 1 or tensor.shape[0] != batch:
            continue
        by_step = tensor.dim() == 3 and tensor.shape[1] == steps  # noqa: PLR2004 - [batch, time, features]
        if by_step:
            was, now, another = tensor[valid], new[:, :steps][valid], other.tensors[path][valid]
        elif tensor.shape == new.shape and steps not in tensor.shape[1:]:
            was, now, another = tensor, new, other.tensors[path]
        else:
            continue
        scale = float((another - was).abs().mean())
        if scale > 0:
            largest = max(largest or 0.0, float((now - was).abs().mean()) / scale)
    return largest
