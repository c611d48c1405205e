"""PairedTurns: do a picture and the picture it is compared with turn together when they are augmented?

Some entries of the training data are read several times. Between two reads, the turn or mirroring that
carries one input into the other is found, and so is the one that carries one target into the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts.label_place import LabelPlace
from mldoctor.facts.loaders import Loader, Loaders
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

ENTRIES = 6
READS = 6
"""Six reads of six entries are 90 pairs; of four turns each, one pair in four is of one turn."""

SMALLEST = 8
"""Fewer rows or columns are no picture."""

ALIKE = 0.9
"""Correlation of a turned picture with another read of it: noise and brightness leave that much."""

CLEAR = 0.1
"""How far every other turn must stay behind, or the picture is symmetrical."""


@dataclass(frozen=True, slots=True)
class PairedTurns:
    """Pairs of reads of one entry.

    Attributes:
        pairs: those whose input and target tell how they were turned.
        apart: those among them whose input and target were turned differently; entries: of which.
    """

    training: Loader
    pairs: int
    apart: int
    entries: int


@fact(Cost.SCAN)
def paired_turns(trainee: Trainee, loaders: Loaders, place: LabelPlace) -> PairedTurns:
    """Read some entries again and again under different random states."""
    from mldoctor.trainee.snapshot import RandomState

    training = loaders.of("training")[0]
    dataset = getattr(trainee.tape.loaders[training.index].loader, "dataset", None)
    if not training.size or place.path is None:
        raise AbsentFact("the training data is a stream, or no part of it is a target")
    chosen = sorted({(k * training.size) // ENTRIES for k in range(min(ENTRIES, training.size))})
    pairs = apart = entries = 0
    before = RandomState.now()
    try:
        for index in chosen:
            reads = [r for r in _reads(dataset, index, place.path) if r is not None]
            if len(reads) < READS:
                raise AbsentFact("the training samples are no pictures with a picture as target")
            told = [_together(*pair) for pair in combinations(reads, 2)]
            pairs += sum(t is not None for t in told)
            apart += sum(t is False for t in told)
            entries += any(t is False for t in told)
    finally:
        before.restore()
    return PairedTurns(training, pairs, apart, entries)


def _reads(
    dataset: Any, index: int, place: tuple[str, ...]
) -> Iterator[tuple[np.ndarray, np.ndarray] | None]:
    """Input and target of one entry, `[height, width]` each, read by read."""
    import numpy as np
    import torch

    from mldoctor.trainee import batches

    for read in range(READS):
        torch.manual_seed(2000 + read)
        np.random.seed(2000 + read)  # noqa: NPY002 - the generator that datasets use
        _random_seed(2000 + read)
        parts = {
            tuple(map(str, path)): np.asarray(
                leaf.detach().cpu() if hasattr(leaf, "detach") else leaf
            )
            for path, leaf in batches.leaves(dataset[index])
            if not isinstance(leaf, list)
        }
        target = parts.pop(place, None)
        others = [v for v in parts.values() if v.ndim in (2, 3)]
        if target is None or len(others) != 1 or target.ndim not in (2, 3):
            yield None
            continue
        pictures = [_flat(others[0]), _flat(target)]
        fits = pictures[0].shape == pictures[1].shape and min(pictures[0].shape) >= SMALLEST
        yield (pictures[0], pictures[1]) if fits else None


def _random_seed(seed: int) -> None:
    import random

    random.seed(seed)


def _flat(picture: np.ndarray) -> np.ndarray:
    """A picture without its channels, that come first or last."""
    if picture.ndim == 3:  # noqa: PLR2004 - channels, height and width
        channels = 0 if picture.shape[0] <= picture.shape[-1] else 2
        picture = picture.mean(channels)
    flat: np.ndarray = picture.astype(float)
    return flat


def _together(
    one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]
) -> bool | None:
    """Whether input and target were turned alike, None where one of them does not tell."""
    inputs, targets = _turn(one[0], other[0]), _turn(one[1], other[1])
    return None if inputs is None or targets is None else inputs == targets


def _turn(one: np.ndarray, other: np.ndarray) -> int | None:
    """Which of the eight turns and mirrorings of a picture makes another one of it."""
    import numpy as np

    if one.shape != other.shape or not one.std() or not other.std():
        return None
    turned = [np.rot90(m, k) for m in (one, one[:, ::-1]) for k in range(4)]
    scores = [
        float(np.corrcoef(t.ravel(), other.ravel())[0, 1]) if t.shape == other.shape else -1.0
        for t in turned
    ]
    best, second = sorted(scores)[-1:-3:-1]
    return int(np.argmax(scores)) if best >= ALIKE and second <= best - CLEAR else None
