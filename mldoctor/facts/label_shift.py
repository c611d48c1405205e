"""LabelShift: which token of the input each position of a sequence model is trained to predict.

The gradient says which positions of the output a loss uses; the targets are looked up in the token
ids that the model was given. One token of the input is then changed to see from which position on
the output notices: that tells what a position already knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts.loss_calls import CLASS_LOSSES
from mldoctor.facts.recorded_calls import repeat
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from torch import Tensor

    from mldoctor.trainee.tape import LossCall, RootCall

SHIFTS = range(-2, 4)
SHORTEST = 6
"""Steps from which on shifts can be told apart."""

NOTICED = 1e-5
"""A change of an output, relative to the largest, that rounding does not make."""

DIFFERENT = 5
"""Different labels in a batch, below which equal ids are no evidence."""


@dataclass(frozen=True, slots=True)
class Shift:
    """One line that computes a next-token loss.

    Attributes:
        shift: position t is trained to predict token t + shift of the input.
        matching: share of the labels that are that token.
        known: the output at position t depends on the input up to token t + known; None when the
            model reads the whole sequence, or where that could not be tried.
        labels: labels compared.
    """

    function: str
    location: Location | None
    shift: int
    matching: float
    known: int | None
    labels: int
    steps: int


@dataclass(frozen=True, slots=True)
class LabelShift:
    """Every line whose labels are tokens of a model's input."""

    rows: tuple[Shift, ...]


@fact(Cost.FORWARDS)
def label_shift(trainee: Trainee) -> LabelShift:
    """Align labels with the input, then change one token of it."""
    from mldoctor.trainee.inputs import integer_inputs

    latest = integer_inputs(trainee.tape)
    rows = []
    seen: set[Any] = set()
    for call in trainee.tape.openings:
        key = (call.function, call.site)
        if call.function not in CLASS_LOSSES or call.pull is None or key in seen:
            continue
        for number, ids in enumerate(call.given):
            found = _aligned(call, ids)
            if found is None:
                continue
            seen.add(key)
            shift, matching, labels, axis = found
            known = _known(*latest[number], axis) if number < len(latest) else None
            rows.append(
                Shift(
                    function=call.function,
                    location=call.site.location() if call.site else None,
                    shift=shift,
                    matching=matching,
                    known=known,
                    labels=labels,
                    steps=ids.shape[axis],
                )
            )
    if not rows:
        raise AbsentFact("no loss has the tokens of a model's input as its labels")
    return LabelShift(tuple(rows))


def _aligned(call: LossCall, ids: Tensor) -> tuple[int, float, int, int] | None:
    """(shift, share of labels it explains, labels, time axis), where one shift explains them."""
    import torch

    if ids.dim() != 2 or ids.dtype == torch.bool or max(ids.shape) < SHORTEST:  # noqa: PLR2004 - [batch, time]
        return None
    if call.pull is None or call.target is None or call.target.is_floating_point():
        return None
    used = call.pull.reshape(-1) > 0
    if used.numel() != call.target.numel():
        return None
    labels = call.target.reshape(-1)[used]
    if len(torch.unique(labels)) < DIFFERENT:
        return None
    whole = [call.pull.reshape(ids.shape)] if call.pull.numel() == ids.numel() else []
    for pull in (*call.outputs, *whole):
        if int((pull > 0).sum()) != labels.numel():
            continue
        for axis in (1, 0):
            tokens = ids if axis else ids.T
            for turned in (pull, pull.T):
                if turned.shape != tokens.shape:
                    continue
                # The labels lie in the order of the memory of the output, whatever its layout.
                rows, columns = (pull > 0).nonzero(as_tuple=True)
                if turned is not pull:
                    rows, columns = columns, rows
                explained = [(_match(tokens, rows, columns + k, labels), k) for k in SHIFTS]
                good = [(share, k) for share, k in explained if share >= 0.95]  # noqa: PLR2004 - nearly all
                if len(good) == 1:
                    return good[0][1], good[0][0], labels.numel(), axis
    return None


def _match(ids: Tensor, rows: Tensor, columns: Tensor, labels: Tensor) -> float:
    inside = (columns >= 0) & (columns < ids.shape[1])
    if float(inside.float().mean()) < 0.5:  # noqa: PLR2004 - most labels must be in the input
        return 0.0
    return float((ids[rows[inside], columns[inside]] == labels[inside]).float().mean())


def _known(call: RootCall, path: tuple[Any, ...], ids: Tensor, axis: int) -> int | None:
    """How far ahead of its position an output looks: 0 for a causal model."""
    steps = ids.shape[axis]
    place = steps // 3

    def change(at: tuple[Any, ...], tensor: Tensor) -> Tensor:
        if at == path:
            tokens = tensor if axis else tensor.T
            other = tokens[:, place].roll(1, 0)
            tokens[:, place] = other.where(other != tokens[:, place], tokens[:, 0])
        return tensor

    base, changed = repeat(call), repeat(call, change)
    if base is None or changed is None or not base.same_shapes(changed):
        return None
    for at, tensor in base.tensors.items():
        moved = (tensor - changed.tensors[at]).abs()
        if tensor.dim() == 2 and tensor.shape[0] == ids.numel():  # noqa: PLR2004 - [batch * time, features]
            moved = moved.view(*ids.shape, -1)
        if moved.dim() != 3:  # noqa: PLR2004 - [batch, time, features]
            continue
        by_step = moved.amax(-1)
        by_step = by_step.amax(1 - axis) if by_step.shape[axis] == steps else by_step.amax(axis)
        noticed = (by_step > NOTICED * float(tensor.abs().max())).nonzero()
        if len(by_step) == steps and len(noticed) and abs(place - int(noticed[0])) <= 1:
            return place - int(noticed[0])
    return None
