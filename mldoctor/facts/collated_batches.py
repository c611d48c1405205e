"""CollatedBatches: whether every sample of a batch leaves a trace in what the loader makes of them."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts.loaders import Loaders
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from mldoctor.facts.loaders import Loader

MOST = 16
"""Samples that a trial batch is made of: enough to tell one from all."""


@dataclass(frozen=True, slots=True)
class Collated:
    """One loader with a collate function of the script's own.

    Attributes:
        samples: samples in the trial batch.
        batch_size: of the loader.
        alone: the batch is, value by value, the one made of its first or its last sample alone.
    """

    index: int
    built: Location | None
    samples: int
    batch_size: int
    alone: bool


@dataclass(frozen=True, slots=True)
class CollatedBatches:
    """Every loader whose batches have one row although several samples were asked for."""

    rows: tuple[Collated, ...]


@fact(Cost.SCAN)
def collated_batches(trainee: Trainee, loaders: Loaders) -> CollatedBatches:
    """Make a batch of several samples, and batches of one of them."""
    training = loaders.of("training")[0]
    if not _one_row(trainee):
        raise AbsentFact("the batches have several rows")
    found = _trial(trainee, training)
    if found is None:
        raise AbsentFact("the samples of a batch could not be put together again")
    return CollatedBatches((found,))


def _one_row(trainee: Trainee) -> bool:
    """Whether the latest batches hold a single row in every part."""
    from mldoctor.trainee.batches import leaves

    latest = [[leaf for _, leaf in leaves(batch)] for batch in trainee.latest_batches()]
    tensors = [leaf for batch in latest for leaf in batch if hasattr(leaf, "dim")]
    return bool(tensors) and all(t.dim() == 0 or t.shape[0] == 1 for t in tensors)


def _trial(trainee: Trainee, row: Loader) -> Collated | None:
    from mldoctor.trainee.snapshot import RandomState

    info = trainee.tape.loaders[row.index]
    loader, size = info.loader, info.batch_size or 1
    count = min(size, MOST, row.size or 0)
    if loader is None or count <= 1:
        return None
    before = RandomState.now()
    try:
        samples = [loader.dataset[i] for i in range(count)]
        whole, first, last = (
            loader.collate_fn(copy.deepcopy(part)) for part in (samples, samples[:1], samples[-1:])
        )
    except (TypeError, ValueError, RuntimeError, IndexError, KeyError, AttributeError):
        return None  # a collate function that wants a full batch, or samples that cannot be copied
    finally:
        before.restore()
    different = not _equal(first, last)
    alone = different and (_equal(whole, first) or _equal(whole, last))
    return Collated(row.index, row.built, count, size, alone)


def _equal(left: Any, right: Any) -> bool:
    import numpy as np
    from torch import Tensor

    from mldoctor.trainee.batches import leaves, same_values

    mine, theirs = dict(leaves(left)), dict(leaves(right))
    if not mine or mine.keys() != theirs.keys():
        return False
    for path, value in mine.items():
        other = theirs[path]
        if isinstance(value, Tensor) and isinstance(other, Tensor):
            if value.shape != other.shape or not same_values(value, other):
                return False
        elif not np.array_equal(np.asarray(value), np.asarray(other)):
            return False
    return True
