"""PaddingEffect: does the answer change when a batch is padded by some steps more?

The recorded call is repeated in eval mode with its sequences extended by a quarter of padding, and
the mask extended accordingly; then with a mask that declares everything valid. Both changes are
compared with what another sample changes. Where padding matters although there is a mask, the same is
tried with the mask turned round.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts import recorded_calls
from mldoctor.facts.attention_masks import hides_valid
from mldoctor.facts.padded_inputs import Padded, Varies, named, padded_input
from mldoctor.facts.recorded_calls import Outcome, repeat
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from torch import Tensor

    from mldoctor.trainee.tape import RootCall

    Path = tuple[Any, ...]

FEWEST_FINITE = 2
"""Samples with finite answers: one may be exchanged for the other."""


@dataclass(frozen=True, slots=True)
class PaddedModel:
    """The experiments on one model that is given padded sequences.

    Attributes:
        steps: padded length of the batch; padded: share of it that is padding.
        mask: name of the mask argument, "" when there is none.
        mask_effect: change of the output when the mask declares everything valid, relative to
            that of another sample; None without a mask or where it could not be tried.
        inverted: the same as `extension` with the mask turned round.
        hides_valid: some attention is told to hide exactly the steps that are no padding.
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
    hides_valid: bool = False


@dataclass(frozen=True, slots=True)
class PaddingEffect:
    """Every trained model that is given padded sequences."""

    models: tuple[PaddedModel, ...]


@fact(Cost.FORWARDS)
def padding_effect(trainee: Trainee) -> PaddingEffect:
    """Pad more, then drop the mask."""
    tape = trainee.tape
    rows = []
    for call in recorded_calls.trained_calls(tape):
        name = tape.names.get(id(call.module), type(call.module).__name__)
        birth = tape.births.get(id(call.module))
        built = birth.site.location() if birth and birth.site else None
        found = _examine(call, name, built, _varying(trainee))
        if found is not None:
            rows.append(found)
    if not rows:
        raise AbsentFact("no model is given sequences with padding")
    return PaddingEffect(tuple(rows))


def _examine(
    call: RootCall, name: str, built: Location | None, varies: Varies = lambda _t, _axis: False
) -> PaddedModel | None:
    padded = padded_input(call, varies)
    if padded is None:
        return None
    base, other = repeat(call), repeat(call, lambda _path, t: t.roll(1, 0) if t.dim() else t)
    if base is None or other is None or not base.same_shapes(other):
        return None
    added = max(2, padded.steps // 4)
    extension = _extension(call, base, other, padded, added)
    mask = padded.mask
    return PaddedModel(
        name=name,
        site=call.site.location() if call.site else None,
        built=built,
        steps=padded.steps,
        padded=float((~padded.valid).float().mean()),
        mask=recorded_calls.parameter_of(call, mask)[0] if mask else "",
        mask_effect=_mask_effect(call, padded, base, other) if mask else None,
        extension=extension,
        added=added,
        inverted=_inverted(call, padded, added) if mask and extension else None,
        hides_valid=hides_valid(call, padded.valid),
    )


def _varying(trainee: Trainee) -> Varies:
    """Whether the parts of the latest batches that are like a tensor differ in length."""
    from mldoctor.trainee.batches import leaves

    shapes = {
        tuple(leaf.shape)
        for batch in trainee.latest_batches()
        for _, leaf in leaves(batch)
        if hasattr(leaf, "shape")
    }

    def varies(tensor: Tensor, axis: int) -> bool:
        mine = tuple(tensor.shape)
        like = {
            s[axis] for s in shapes if len(s) == len(mine) and _but(s, axis) == _but(mine, axis)
        }
        return len(like | {mine[axis]}) > 1

    return varies


def _but(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    """The sizes without those of the samples and of one axis."""
    return shape[1:axis] + shape[axis + 1 :]


def _mask_effect(call: RootCall, padded: Padded, base: Outcome, other: Outcome) -> float | None:
    """The effect of a mask that hides nothing; None for one that says more than what is padding."""

    def show_all(path: Path, tensor: Tensor) -> Tensor:
        return tensor[..., :1].expand_as(tensor).clone() if path == padded.mask else tensor

    mask = recorded_calls.given(call)[padded.mask] if padded.mask else None
    if mask is None or mask.numel() != padded.valid.numel():
        return None
    return _compared(base, other, repeat(call, show_all), padded.valid)


def _extension(
    call: RootCall, base: Outcome, other: Outcome, padded: Padded, added: int
) -> float | None:
    import torch

    shape = padded.valid.shape

    def extend(path: Path, tensor: Tensor) -> Tensor:
        if path == padded.place:
            more = tensor.narrow(padded.axis, 0, 1).clone().fill_(padded.value)
            return torch.cat([tensor, more.repeat_interleave(added, padded.axis)], padded.axis)
        if path == padded.mask:
            return _more_hidden(tensor, padded.valid, added)
        if tensor.dim() < 2 or tensor.shape[:2] != shape:  # noqa: PLR2004 - [batch, time, ...]
            return tensor
        more = tensor[:, -1:].clone()
        if named(call, path, "mask"):
            more.copy_(_hidden_value(tensor))
        elif named(call, path, "label", "tag", "target"):
            more.fill_(-100 if not tensor.is_floating_point() else 0)
        return torch.cat([tensor, more.repeat_interleave(added, 1)], 1)

    return _compared(base, other, repeat(call, extend), padded.valid)


def _more_hidden(mask: Tensor, valid: Tensor, added: int) -> Tensor:
    """The mask of a longer batch: more hidden keys, and more queries where it has them."""
    import torch

    row, step = (~valid).nonzero()[0].tolist()
    hidden = mask.reshape(len(mask), -1, mask.shape[-1])[row, 0, step]
    if mask.dim() > 2 and mask.shape[-2] == mask.shape[-1]:  # noqa: PLR2004 - [batch, queries, keys]
        mask = torch.cat([mask, mask[..., -1:, :].repeat_interleave(added, -2)], -2)
    more = torch.zeros_like(mask[..., :1]) + hidden
    return torch.cat([mask, more.to(mask.dtype).repeat_interleave(added, -1)], -1)


def _inverted(call: RootCall, padded: Padded, added: int) -> float | None:
    """The effect of more padding on a model that is told the opposite of what the mask says."""

    def turned(path: Path, tensor: Tensor) -> Tensor:
        if path != padded.mask:
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
    if base is None or other is None or not base.same_shapes(other):
        return None
    return _extension(told, base, other, padded, added)


def _hidden_value(mask: Tensor) -> Any:
    hidden = mask[mask != mask[0, 0]]
    return hidden[0] if len(hidden) else mask[0, 0]


def _compared(
    base: Outcome, other: Outcome, changed: Outcome | None, valid: Tensor
) -> float | None:
    """The change at valid places, relative to that of another sample, over all outputs.

    Samples without a finite answer are left out: attention that is shown nothing of one gives NaN.
    """
    if changed is None:
        return None
    batch, steps = valid.shape
    largest: float | None = None
    for path, tensor in base.tensors.items():
        new = changed.tensors.get(path)
        if new is None or tensor.dim() < 1 or tensor.shape[0] != batch or len(new) != batch:
            continue
        each = (tensor, new, other.tensors[path])
        finite = [t.reshape(batch, -1).isfinite().all(1) for t in each]
        rows = finite[0] & finite[1] & finite[2]
        if int(rows.sum()) < FEWEST_FINITE:
            continue
        was, now, another = (t[rows] for t in each)
        if tensor.dim() == 3 and tensor.shape[1] == steps:  # noqa: PLR2004 - [batch, time, features]
            shown = valid[rows]
            was, now, another = was[shown], now[:, :steps][shown], another[shown]
        elif was.shape != now.shape or steps in tensor.shape[1:]:
            continue
        scale = float((another - was).abs().mean())
        if scale > 0:
            largest = max(largest or 0.0, float((now - was).abs().mean()) / scale)
    return largest
