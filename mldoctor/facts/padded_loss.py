"""PaddedLoss: how much of the gradient of a loss comes from padded positions.

The gradient that the script's own backward sent to each position of a prediction was watched. The
positions that are padding are told by what the models were called with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from mldoctor.trainee.tape import LossCall, Tape

SHORTEST = 4
"""Steps from which on a second axis is a sequence."""

LENGTHS = 3
"""Different lengths in a batch, from which on a trailing id that nobody declared is padding."""


@dataclass(frozen=True, slots=True)
class PaddedCall:
    """One line that computes a loss over a padded batch.

    Attributes:
        declared: what tells padding: "a mask", "lengths", "padding_idx", or "a trailing id".
        positions: of the first batch; padded: how many of them are padding, the first one after
            each end left out, where an end token may stand.
        share: part of the gradient that comes from those, over the watched batches.
        relative: mean gradient of a padded position over that of a valid one.
        target: the one value of the target at all padded positions.
    """

    function: str
    location: Location | None
    declared: str
    steps: int
    positions: int
    padded: int
    share: float
    relative: float
    target: float


@dataclass(frozen=True, slots=True)
class PaddedLoss:
    """Every line whose prediction has one entry for each position of padded inputs."""

    rows: tuple[PaddedCall, ...]


@fact(Cost.TAPE)
def padded_loss(trainee: Trainee) -> PaddedLoss:
    """Lay the padding over the gradients of the first losses."""
    tape = trainee.tape
    groups: dict[object, list[LossCall]] = {}
    for call in tape.openings:
        if call.pull is not None and call.target is not None:
            groups.setdefault((call.function, call.site), []).append(call)
    rows = [row for calls in groups.values() if (row := _row(tape, calls)) is not None]
    if not rows:
        raise AbsentFact("no loss over padded sequences was computed")
    return PaddedLoss(tuple(rows))


def _row(tape: Tape, calls: list[LossCall]) -> PaddedCall | None:
    found = [pair for call in calls if (pair := _laid_over(tape, call)) is not None]
    if not found:
        return None
    padded = valid = 0.0
    padded_count = valid_count = 0
    for _, pull, mask, _, _ in found:
        padded += float(pull[mask].sum())
        valid += float(pull[~mask].sum())
        padded_count += int(mask.sum())
        valid_count += int((~mask).sum())
    declared, _, mask, target, steps = found[0]
    if not padded_count or not valid_count or padded + valid == 0:
        return None
    return PaddedCall(
        function=calls[0].function,
        location=calls[0].site.location() if calls[0].site else None,
        declared=declared,
        steps=steps,
        positions=mask.numel(),
        padded=int(mask.sum()),
        share=padded / (padded + valid),
        relative=(padded / padded_count) / (valid / valid_count) if valid else float("inf"),
        target=target,
    )


def _laid_over(tape: Tape, call: LossCall) -> tuple[str, Tensor, Tensor, float, int] | None:
    """(what tells the padding, gradient sizes, padded positions, target there, steps)."""
    for declared, mask in _candidates(tape, call.given):
        for pull, target, laid in _layouts(call, mask):
            at = target[laid]
            counted = at[at != call.options.get("ignore_index", -100)]
            at = counted if counted.numel() else at
            if at.numel() and bool((at == at.reshape(-1)[0]).all()):
                return declared, pull, laid, float(at.reshape(-1)[0]), mask.shape[1]
    return None


def _layouts(call: LossCall, mask: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Gradients and targets in every shape in which they have one entry per position."""
    pull, target = call.pull, call.target
    if pull is None or target is None or target.shape != pull.shape:
        return
    mask = mask.to(pull.device)
    for laid in (mask, mask[:, :-1]):
        if pull.shape == laid.shape:
            yield pull, target, laid
        elif pull.shape == laid.T.shape:
            yield pull.T, target.T, laid
        elif pull.dim() == 1 and pull.numel() == laid.numel():
            yield pull.view(laid.shape), target.reshape(laid.shape), laid
            turned = (laid.shape[1], laid.shape[0])
            yield pull.view(turned).T, target.reshape(turned).T, laid


def _candidates(tape: Tape, given: list[Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Every way in which the inputs of the models tell padding, as positions [batch, time]."""
    import torch
    from torch import nn

    pads = {
        m.padding_idx
        for root in tape.roots
        for m in root.modules()
        if isinstance(m, nn.Embedding | nn.EmbeddingBag) and m.padding_idx is not None
    }
    sequences = [t for t in given if t.dim() == 2 and min(t.shape) > 1 and max(t.shape) >= SHORTEST]  # noqa: PLR2004 - [batch, time]
    for tensor in sequences:
        if tensor.dtype == torch.bool or (
            tensor.shape[0] != tensor.shape[1] and _two_valued(tensor)
        ):
            yield from _ended("a mask", tensor != tensor[:, :1])
    for tensor in sequences:
        for turned in (tensor, tensor.T):
            for pad in pads:
                yield from _ended("padding_idx", turned == pad)
    for lengths in (t for t in given if t.dim() == 1 and t.numel() > 1):
        steps = int(lengths.max())
        if steps >= SHORTEST and int(lengths.min()) > 0 and steps > int(lengths.min()):
            places = torch.arange(steps, device=lengths.device)
            yield from _ended("lengths", places >= lengths[:, None])
    for tensor in sequences:
        for turned in (tensor, tensor.T):
            hidden = turned == turned[:, -1].min()
            different = len(torch.unique(hidden.sum(1))) >= LENGTHS and not bool(
                hidden[:, -1].all()
            )
            if different and not _two_valued(turned):
                yield from _ended("a trailing id", hidden)


def _two_valued(tensor: Tensor) -> bool:
    return bool(((tensor == 0) | (tensor == 1)).all())


def _ended(declared: str, hidden: Tensor) -> Iterator[tuple[str, Tensor]]:
    """The padded positions without the first of each row, where all padding trails."""
    after = hidden.long().cumsum(1)
    trailing = not bool((~hidden & (after > 0)).any()) and not bool(hidden[:, 0].any())
    if trailing and int((after > 1).sum()) > 0:
        yield declared, after > 1
