"""What can be reached at best on samples of which some are equal and have different labels."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Pair = tuple[bytes, int]


@dataclass(frozen=True, slots=True)
class Reachable:
    """The best that any model can do on a fixed set, given which of its inputs are equal.

    Attributes:
        accuracy: share of right answers; 1.0 without conflicts.
        loss: mean cross-entropy in nats (the entropy of the labels given the input); 0.0 likewise.
    """

    accuracy: float = 1.0
    loss: float = 0.0


def reachable(feed: Sequence[Any], labels: tuple[str, ...] | None) -> Reachable:
    """Group the samples of what is fed by their inputs.

    Args:
        feed: batches of a loader, or recorded cycles of a loop without one.
        labels: the place of the labels in a batch of a loader.
    """
    from mldoctor.trainee.replay import Cycle

    pairs: list[Pair] = []
    for fed in feed:
        pairs += _of_cycle(fed) if isinstance(fed, Cycle) else _of_batch(fed, labels)
    groups: defaultdict[bytes, Counter[int]] = defaultdict(Counter)
    for key, label in pairs:
        groups[key][label] += 1
    if not pairs or all(len(group) == 1 for group in groups.values()):
        return Reachable()
    right = sum(max(group.values()) for group in groups.values())
    loss = -sum(
        n * math.log(n / group.total()) for group in groups.values() for n in group.values()
    )
    return Reachable(right / len(pairs), loss / len(pairs))


def _of_cycle(cycle: Any) -> list[Pair]:
    """One pair per sample of a cycle with one call of one model and one class loss."""
    from mldoctor.trainee import batches

    if len(cycle.inputs) != 1 or len(cycle.targets) != 1:
        return []
    return _pairs([leaf for _, leaf in batches.leaves(cycle.inputs[0])], cycle.targets[0])


def _of_batch(batch: Any, labels: tuple[str, ...] | None) -> list[Pair]:
    from mldoctor.trainee import batches

    found = {tuple(map(str, path)): leaf for path, leaf in batches.leaves(batch)}
    target = found.pop(labels, None) if labels is not None else None
    return _pairs(found.values(), target)


def _pairs(inputs: Iterable[Any], target: Any) -> list[Pair]:
    """The bytes of each sample's inputs with its class; empty unless there is one class each."""
    import numpy as np
    from torch import Tensor

    from mldoctor.trainee.fingerprints import array

    arrays = [array(v) if isinstance(v, Tensor) else v for v in inputs]
    classes = array(target) if isinstance(target, Tensor) else None
    if classes is None or classes.ndim != 1 or classes.dtype.kind not in "iu" or not arrays:
        return []
    if any(len(values) != len(classes) for values in arrays if np.ndim(values)):
        return []
    rows = [v for v in arrays if np.ndim(v)]
    return [
        (b"|".join(np.asarray(values[i]).tobytes() for values in rows), int(label))
        for i, label in enumerate(classes)
    ]
