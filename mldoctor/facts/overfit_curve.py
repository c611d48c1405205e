"""OverfitCurve: can the project's own loop memorise 20 samples?"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mldoctor.facts.label_place import find
from mldoctor.facts.loss_calls import BINARY_LOSSES, CLASS_LOSSES
from mldoctor.facts.reachable import Reachable, reachable
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mldoctor.trainee.tape import LossCall, Tape
    from mldoctor.trainee.trainee import DrivenStep, FixedSet, Treatment

UPDATES = 150
"""Most updates given to memorise the set; a sound loop needs 10 to 60."""

ENOUGH_PASSES = 60
SETTLED_SHARE = 0.85
"""A curve that has stopped falling after so many passes, above this share of the loss of the best
constant answer, has learned the label frequencies at most: it counts as stuck."""

MEMORISED = 0.9
"""Share of right answers, of 20 samples, that counts as having memorised them."""

SMALLEST_TREND = 0.002
"""A fall below this share of the start is no trend, however smooth."""

CLEAR_FALL = 0.25
"""Share by which a loss without class labels must have fallen to show that the loop learns."""

DIVERGED_PASSES = 15
"""Passes after which a loss of twice its start has diverged."""

LEARNING = ("learned", "falling")
"""Outcomes of a loop that gets somewhere."""

LEARNED_SHARE = 0.5
"""A fall of the loss to this share of its start answers the question: the loop can learn."""

LEVELLING = 0.5
"""A curve levels off when it falls by less than this share of its earlier fall, over as many passes."""

STUCK_FALL = 0.05
"""A loss that fell by less than this share of its start, and by less than its own noise allows to
call a trend, has not learned."""


@dataclass(frozen=True, slots=True)
class OverfitCurve:
    """The loss over driven updates on the fixed set.

    Attributes:
        losses: one value per pass over the set.
        updates: optimizer updates taken; `planned` were allowed.
        samples: different samples in the set, None when rows cannot be told apart.
        accuracy: share of right answers on the set in the last pass, for class losses.
        predicted: how often each class was predicted in the last pass.
        labels: how often each class is the label.
        uninformed: loss of the best constant answer on this set (label entropy in nats for class
            losses), None where it cannot be told.
        label_path: where in a batch the labels stand, None when no part of it is the loss's target.
        outcome: "learned", "falling", "creeping" (a trend of a few percent), "stuck", "diverged",
            or "escaped": the loop made other batches than it was meant to.
        confusion: label, answer and how often, in the last pass.
    """

    losses: tuple[float, ...]
    updates: int
    planned: int
    samples: int | None
    accuracy: float | None
    predicted: dict[str, int]
    labels: dict[str, int]
    uninformed: float | None
    label_path: tuple[str, ...] | None
    outcome: str
    confusion: tuple[tuple[str, str, int], ...] = ()

    @property
    def first(self) -> float:
        """The loss before learning: the first pass."""
        return self.losses[0] if self.losses else math.nan

    @property
    def last(self) -> float:
        """The loss at the end: mean of the last tenth of the passes."""
        return _mean(self.losses[-max(1, len(self.losses) // 10) :])


@fact(Cost.STEPS)
def overfit_curve(trainee: Trainee) -> OverfitCurve:
    """Feed the fixed set until it is learned, or until it is clear that it is not."""
    fixed = trainee.fixed_set()
    curve = memorise(trainee, fixed, UPDATES)
    return replace(curve, outcome="stuck") if _hopeless(trainee.tape, curve) else curve


def _hopeless(tape: Tape, curve: OverfitCurve) -> bool:
    """Whether a fall goes on so slowly that the whole planned training would hardly lower the loss.

    Not judged where labels tell what was learned, or where weights were loaded: a loss that is low from
    the start need not fall.
    """
    from mldoctor.facts.schedules import planned_updates

    active = [i for i, steps in enumerate(tape.optimizer_steps) if steps]
    if curve.outcome != "creeping" or curve.uninformed is not None or tape.loads:
        return False
    if len(active) != 1 or curve.first <= 0 or not curve.updates:
        return False
    planned = planned_updates(tape, active[0])
    fall = (curve.first - curve.last) / curve.first / curve.updates
    return planned is not None and fall * planned < STUCK_FALL


def memorise(
    trainee: Trainee,
    fixed: FixedSet,
    updates: int,
    treatment: Treatment | None = None,
    feed: Sequence[Any] | None = None,
    *,
    seed: int = 0,
) -> OverfitCurve:
    """Drive the loop on the fixed set (or on `feed`, an altered form of it) and record its loss."""
    batches = feed if feed is not None else (fixed.batches or trainee.replayed())
    width = max(1, len(batches))
    passes: list[float] = []
    buffer: list[float] = []
    calls: list[LossCall] = []
    latest: list[LossCall] = []
    taken, held = 0, True
    path: tuple[str, ...] | None = None
    best: Reachable | None = None
    for step in trainee.drive(batches, updates, treatment, seed):
        taken += 1
        held = held and step.held
        if not held:
            break
        buffer.append(step.loss)
        calls.extend(_supervised(step))
        if len(buffer) == width:
            passes.append(_mean(buffer))
            latest, calls, buffer = calls, [], []
            path = path or (find(fixed.batches[-1], latest) if fixed.batches else None)
            best = best or reachable(batches, path)
            if not math.isfinite(passes[-1]) or _answered(passes, latest, best):
                break
    predicted, labels, accuracy = _answers(latest)
    outcome = _outcome(passes, accuracy, _entropy(labels), best or Reachable())
    if outcome in ("stuck", "diverged") and _one_of_several(latest):
        outcome = "falling"
    return OverfitCurve(
        losses=tuple(passes),
        updates=taken,
        planned=updates,
        samples=fixed.samples,
        accuracy=accuracy,
        predicted=predicted,
        labels=labels,
        uninformed=_entropy(labels),
        label_path=path,
        outcome=outcome if held else "escaped",
        confusion=_confusion(latest),
    )


def _answered(passes: list[float], calls: list[LossCall], best: Reachable) -> bool:
    """Whether the loop has shown that it can learn the set."""
    if len(passes) < 5:  # noqa: PLR2004 - a trend takes a few points
        return False
    _, labels, accuracy = _answers(calls)
    right = accuracy is None or accuracy >= MEMORISED * best.accuracy
    start = _start(passes, _entropy(labels), best) - best.loss
    return right and start > 0 and max(passes[-3:]) - best.loss <= LEARNED_SHARE * start


def _start(passes: Sequence[float], uninformed: float | None, best: Reachable) -> float:
    """What a curve has to improve on: its first value, or the best constant answer if lower.

    Where no answer is better than the best constant one (all inputs are equal), that one is learning.
    """
    if uninformed is None or uninformed <= best.loss + 1e-9:
        return passes[0]
    return min(passes[0], max(uninformed, 1e-6))


def _outcome(
    passes: list[float], accuracy: float | None, uninformed: float | None, best: Reachable
) -> str:
    if not passes:
        return "stuck"
    if not all(map(math.isfinite, passes)):
        return "diverged"
    start = _start(passes, uninformed, best) - best.loss
    tail = _mean(passes[-max(1, len(passes) // 10) :])
    right = accuracy is not None and accuracy >= MEMORISED * best.accuracy
    # Answers that were right by chance before the first step are not learned.
    moved = tail <= (1 - STUCK_FALL) * passes[0] or tail <= LEARNED_SHARE * (uninformed or 0.0)
    known = right and best.loss == 0 and moved
    if (start > 0 and tail - best.loss <= LEARNED_SHARE * start) or known:
        return "learned"
    if tail > 2 * abs(passes[0]) + 1e-6:
        # A large first step is followed by a fall in many a sound run.
        return "diverged" if len(passes) >= DIVERGED_PASSES else "creeping"
    third = max(1, len(passes) // 3)
    early, middle, late = passes[:third], passes[third:-third] or passes, passes[-third:]
    below = max(late) < passes[0] and 0 < tail <= (1 - CLEAR_FALL) * passes[0]
    if uninformed is None and below:
        return "falling"  # it fell at once, and never came back to where it began
    noise = math.sqrt(_variance(early) / len(early) + _variance(late) / len(late))
    scale = abs(start) + 1e-12
    fall = _mean(early) - _mean(late)
    if not (fall > 3 * noise and fall > SMALLEST_TREND * scale):
        return "stuck"
    first, second = _mean(early) - _mean(middle), _mean(middle) - _mean(late)
    # A slow fall that does not slow down is no end of learning.
    settled = second < 2 * noise or second < min(0.01 * scale, LEVELLING * first)
    if uninformed is not None and settled and tail > SETTLED_SHARE * uninformed:
        return "stuck" if len(passes) >= ENOUGH_PASSES else "creeping"
    return "falling" if passes[0] - tail > STUCK_FALL * scale else "creeping"


def _supervised(step: DrivenStep) -> list[LossCall]:
    known = (*CLASS_LOSSES, *BINARY_LOSSES)
    return [c for c in step.calls if c.grad and c.function in known and c.target is not None]


def _answers(calls: list[LossCall]) -> tuple[dict[str, int], dict[str, int], float | None]:
    """Predicted classes, labels, and the share of right answers, over these loss calls."""
    predicted: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    right = total = 0
    for call in calls:
        pair = _classes_of(call)
        if pair is None:
            continue
        guess, truth = pair
        predicted.update(map(str, guess))
        labels.update(map(str, truth))
        right += sum(g == t for g, t in zip(guess, truth, strict=True))
        total += len(truth)
    return dict(predicted), dict(labels), right / total if total else None


def _confusion(calls: list[LossCall]) -> tuple[tuple[str, str, int], ...]:
    """How often each answer was given to each label."""
    pairs: Counter[tuple[str, str]] = Counter()
    for call in calls:
        guess, truth = _classes_of(call) or ([], [])
        pairs.update(zip(map(str, truth), map(str, guess), strict=True))
    return tuple((label, answer, count) for (label, answer), count in sorted(pairs.items()))


def _one_of_several(calls: list[LossCall]) -> bool:
    """Whether one of several class losses is memorised: the others may work against it."""
    lines: dict[Any, list[LossCall]] = {}
    for call in calls:
        lines.setdefault((call.site, call.prediction.shape[1:]), []).append(call)
    shares = [_answers(group)[2] or 0.0 for group in lines.values()]
    return len(shares) > 1 and max(shares) >= MEMORISED


def _classes_of(call: LossCall) -> tuple[list[int], list[int]] | None:
    prediction, target = call.prediction, call.target
    if target is None:
        return None
    if call.function in CLASS_LOSSES:
        axis = 1 if prediction.dim() > 1 else 0
        guess = prediction.argmax(axis).reshape(-1)
        if target.is_floating_point():
            truth = target.argmax(axis).reshape(-1)
        else:
            truth = target.reshape(-1)
            keep = truth != call.options.get("ignore_index", -100)
            guess, truth = guess[keep], truth[keep]
        return guess.tolist(), truth.tolist()
    threshold = 0.0 if call.function == "binary_cross_entropy_with_logits" else 0.5
    if prediction.numel() != target.numel() or (target.dim() > 1 and target.shape[-1] > 1):
        return None
    return (
        (prediction.reshape(-1) > threshold).long().tolist(),
        (target.reshape(-1) > 0.5).long().tolist(),  # noqa: PLR2004 - a soft binary label
    )


def _entropy(labels: dict[str, int]) -> float | None:
    total = sum(labels.values())
    if not total:
        return None
    return -sum(n / total * math.log(n / total) for n in labels.values())


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _variance(values: Sequence[float]) -> float:
    mean = _mean(values)
    return sum((v - mean) ** 2 for v in values) / max(1, len(values) - 1)
