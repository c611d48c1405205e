"""CtcCalls: what the connectionist temporal classification losses were given."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from torch import Tensor

    from mldoctor.trainee.tape import LossCall


@dataclass(frozen=True, slots=True)
class CtcCall:
    """One line that computes `ctc_loss`, over its first calls.

    Attributes:
        shape: of the first prediction, `[time, batch, classes]` where it is right.
        samples: targets in all these calls; `infeasible` of them do not fit into their input.
        frames, needed: of the infeasible sample that lacks most.
        blank: index of the blank; `blanks` targets in `labels` are that index.
        off: median distance from 0 of the log of the summed probabilities of a frame.
        zero_infinity: infinite losses are replaced by zero.
        value: of the first call.
        error: what a call raised.
        reshaped: time became the first axis by a reshape and not by a transpose.
    """

    location: Location | None
    shape: tuple[int, ...]
    samples: int
    infeasible: int
    frames: int
    needed: int
    blank: int
    blanks: int
    labels: int
    off: float
    zero_infinity: bool
    lengths: int
    value: float | None
    error: str
    reshaped: bool = False


@dataclass(frozen=True, slots=True)
class CtcCalls:
    """Every line that computes `ctc_loss` in training."""

    rows: tuple[CtcCall, ...]


@fact(Cost.TAPE)
def ctc_calls(trainee: Trainee) -> CtcCalls:
    """Count frames against labels in the first calls."""
    groups: dict[Any, list[LossCall]] = {}
    for call in trainee.tape.openings:
        if call.function == "ctc_loss" and (call.grad or call.error) and call.target is not None:
            groups.setdefault(call.site, []).append(call)
    if not groups:
        raise AbsentFact("no CTC loss was computed")
    return CtcCalls(tuple(_row(calls) for calls in groups.values()))


def _row(calls: list[LossCall]) -> CtcCall:
    first = calls[0]
    blank = int(first.options.get("blank", 0))
    samples = infeasible = blanks = labels = 0
    worst = (0, 0)
    for call in calls:
        frames = _numbers(call.options.get("input_lengths"))
        for have, target in zip(frames, _targets(call), strict=False):
            need = len(target) + sum(a == b for a, b in itertools.pairwise(target))
            samples += 1
            labels += len(target)
            blanks += target.count(blank)
            if need > have:
                infeasible += 1
                worst = max(worst, (have, need), key=lambda pair: pair[1] - pair[0])
    return CtcCall(
        location=first.site.location() if first.site else None,
        shape=tuple(first.prediction.shape),
        samples=samples,
        infeasible=infeasible,
        frames=worst[0],
        needed=worst[1],
        blank=blank,
        blanks=blanks,
        labels=labels,
        off=float(first.prediction.float().logsumexp(-1).abs().median()),
        zero_infinity=bool(first.options.get("zero_infinity", False)),
        lengths=len(_numbers(first.options.get("input_lengths"))),
        value=first.value,
        error=next((c.error for c in calls if c.error), ""),
        reshaped=any(c.reshaped for c in calls),
    )


def _targets(call: LossCall) -> list[list[int]]:
    """The labels of each sample, whether they are padded or joined."""
    lengths = _numbers(call.options.get("target_lengths"))
    if call.target is None:
        return []
    if call.target.dim() == 2:  # noqa: PLR2004 - padded: [batch, longest]
        return [row[:n].tolist() for row, n in zip(call.target, lengths, strict=False)]
    joined: list[int] = call.target.reshape(-1).tolist()
    ends = [sum(lengths[: i + 1]) for i in range(len(lengths))]
    return [joined[end - n : end] for end, n in zip(ends, lengths, strict=True)]


def _numbers(value: Tensor | list[int] | tuple[int, ...] | None) -> list[int]:
    if value is None:
        return []
    return [int(v) for v in (value.reshape(-1).tolist() if hasattr(value, "reshape") else value)]
