"""SupervisedLabels: which labels the class losses count, and whether an end token is among them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts.loss_calls import CLASS_LOSSES
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from torch import Tensor

    from mldoctor.trainee.tape import LossCall, Tape

SHORTEST = 4
"""Labels per row from which on a row is a sequence."""

LONGEST = 100_000
"""A vector with larger numbers holds no lengths."""

COMMON = 0.9
"""Share of the rows that end on one token, from which on it is an end token."""


@dataclass(frozen=True, slots=True)
class Supervised:
    """One line that computes a class loss with labels that may be ignored.

    Attributes:
        calls: in the natural steps; `empty` of them with every label ignored, `spoiled` of those
            with a result that is not finite.
        rows: sequences in the first calls, 0 without any; `empty_rows` of them without a label.
        ignored: share of the labels of the first calls that are ignored.
        stop: the token that the rows end on, None where they end on different ones.
        stop_ends: rows that end on it; `stop_labels`: labels that are it and are counted.
        told: what says where rows end: "the mask or the lengths", or "the model's configuration".
        cut: sequences that fill the longest width met, which a limit may have cut; `cut_empty` of them
            without a label; `whole`: shorter ones, `whole_empty` of them without a label.
    """

    function: str
    location: Location | None
    ignore_index: int
    calls: int
    empty: int
    spoiled: int
    rows: int
    empty_rows: int
    ignored: float
    stop: int | None
    stop_ends: int
    stop_labels: int
    told: str
    cut: int = 0
    cut_empty: int = 0
    whole: int = 0
    whole_empty: int = 0


@dataclass(frozen=True, slots=True)
class SupervisedLabels:
    """Every line that computes a class loss from class indices."""

    rows: tuple[Supervised, ...]


@fact(Cost.TAPE)
def supervised_labels(trainee: Trainee) -> SupervisedLabels:
    """Count the labels of the recorded calls."""
    tape = trainee.tape
    groups: dict[Any, list[LossCall]] = {}
    for call in [*tape.openings, *tape.losses]:
        indices = call.target is not None and not call.target.is_floating_point()
        if call.function in CLASS_LOSSES and call.grad and indices:
            known = groups.setdefault((call.function, call.site), [])
            if not any(call is other for other in known):
                known.append(call)
    if not groups:
        raise AbsentFact("no class loss with class indices was computed")
    return SupervisedLabels(tuple(_row(tape, calls) for calls in groups.values()))


def _row(tape: Tape, calls: list[LossCall]) -> Supervised:
    first = calls[0]
    ignore = int(first.options.get("ignore_index", -100))
    counted = [_labels(c) != ignore for c in calls]
    empty = [c for c, kept in zip(calls, counted, strict=True) if not bool(kept.any())]
    laid = [rows for c in calls if (rows := _rows(c)) is not None]
    stop, ends, told = _stop(tape, calls)
    seen = 0
    if stop is not None:
        seen = sum(
            int(((_labels(c) == stop) & kept).sum()) for c, kept in zip(calls, counted, strict=True)
        )
    total = sum(kept.numel() for kept in counted)
    return Supervised(
        function=first.function,
        location=first.site.location() if first.site else None,
        ignore_index=ignore,
        calls=len(calls),
        empty=len(empty),
        spoiled=sum(c.value is not None and not math.isfinite(c.value) for c in empty),
        rows=sum(len(rows) for rows in laid),
        empty_rows=sum(int((rows == ignore).all(1).sum()) for rows in laid),
        ignored=1 - sum(int(kept.sum()) for kept in counted) / total if total else 0.0,
        stop=stop,
        stop_ends=ends,
        stop_labels=seen,
        told=told,
        **_cut(calls, ignore),
    )


def _cut(calls: list[LossCall], ignore: int) -> dict[str, int]:
    """Sequences with and without a label, by whether they are as long as any sequence is."""
    found: list[tuple[int, bool]] = []
    for call in calls:
        labels = _rows(call)
        if labels is None:
            continue
        mask = next((m for m in call.given if m.shape == labels.shape and _shows(m)), None)
        if mask is not None:
            lengths, empty = mask.long().sum(1).tolist(), (labels == ignore).all(1).tolist()
            found += zip(lengths, empty, strict=True)
    longest = max((length for length, _ in found), default=0)
    full = [empty for length, empty in found if length == longest]
    rest = [empty for length, empty in found if length < longest]
    return {
        "cut": len(full), "cut_empty": sum(full), "whole": len(rest), "whole_empty": sum(rest)
    }  # fmt: skip


def _shows(tensor: Tensor) -> bool:
    """Whether a tensor is a mask of ones that may end before the row does."""
    values = tensor.long()
    falling = bool((values[:, 1:] <= values[:, :-1]).all()) and bool((values[:, 0] == 1).all())
    return falling and bool(((values == 0) | (values == 1)).all())


def _labels(call: LossCall) -> Tensor:
    assert call.target is not None  # noqa: S101 - only calls with a target are grouped
    return call.target.reshape(-1)


def _rows(call: LossCall) -> Tensor | None:
    """The labels as one row per sequence."""
    target = call.target
    if target is None:
        return None
    if target.dim() == 2:  # noqa: PLR2004 - [batch, time]
        return target if target.shape[1] >= SHORTEST else None
    shapes = {t.shape for t in call.given if t.dim() == 2 and t.numel() == target.numel()}  # noqa: PLR2004 - see above
    if target.dim() != 1 or len(shapes) != 1:
        return None
    shape = shapes.pop()
    return target.view(shape) if shape[1] >= SHORTEST else None


def _stop(tape: Tape, calls: list[LossCall]) -> tuple[int | None, int, str]:
    """(the token that rows end on, rows that end on it, what says so)."""
    import torch

    pad = _shared_with_padding(tape)
    ended: list[int] = []
    trailing = total = 0
    for call in calls:
        masks = [t for t in call.given if _is_mask(t)]
        masks += [_as_mask(t) for t in call.given if t.dim() == 1 and t.numel() > 1]
        for ids in call.given:
            if ids.dim() != 2 or ids.dtype == torch.bool or _is_mask(ids):  # noqa: PLR2004 - [batch, time]
                continue
            for mask in (m for m in masks if m.shape == ids.shape):
                ended += _ends(call, ids, mask)
            if pad is not None:
                trailing += int((ids[:, -1] == pad).sum())
                total += len(ids)
            break
    if ended:
        token = max(set(ended), key=ended.count)
        if ended.count(token) >= COMMON * len(ended):
            return token, ended.count(token), "the mask or the lengths"
    if pad is not None and trailing > total / 2:
        return pad, trailing, "the model's configuration"
    return None, 0, ""


def _ends(call: LossCall, ids: Tensor, mask: Tensor) -> list[int]:
    """The token that each row ends on: its last one, or the label of that, when it is ignored."""
    last = mask.long().sum(1) - 1
    # A row that fills the width may have been cut: it need not end where its text does.
    places = (last < mask.shape[1] - 1).nonzero().reshape(-1)
    last = last[places]
    labels, ignore = _rows(call), call.options.get("ignore_index", -100)
    if labels is not None and labels.shape == ids.shape:
        after = labels[places, last]
        # Where the ignored index is a token of the texts, it may be the end that is ignored.
        if bool((after == ignore).all()) and bool((ids[mask > 0] == ignore).any()):
            return [int(t) for t in after]
    return [int(t) for t in ids[places, last]]


def _as_mask(lengths: Tensor) -> Tensor:
    """The mask that a vector of lengths stands for."""
    import torch

    longest = max(1, min(int(lengths.max()), LONGEST))
    return torch.arange(longest, device=lengths.device) < lengths[:, None].clamp(min=1)


def _is_mask(tensor: Tensor) -> bool:
    """A mask [batch, time] of ones that end before the row does, in some row."""
    if tensor.dim() != 2 or tensor.shape[1] < SHORTEST:  # noqa: PLR2004 - see above
        return False
    values = tensor.long()
    falling = bool((values[:, 1:] <= values[:, :-1]).all()) and bool((values[:, 0] == 1).all())
    return falling and bool(((values == 0) | (values == 1)).all()) and bool((values == 0).any())


def _shared_with_padding(tape: Tape) -> int | None:
    """The id that a model's configuration names as both end and padding."""
    for root in tape.roots:
        config = getattr(root, "config", None)
        end, pad = getattr(config, "eos_token_id", None), getattr(config, "pad_token_id", None)
        if isinstance(end, int) and end == pad:
            return end
    return None
