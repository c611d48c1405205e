"""Read the samples of a loader, bounded in time, without disturbing the script."""

from __future__ import annotations

import random
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor
from torch.utils.data import ConcatDataset, IterableDataset, Subset, SubsetRandomSampler

from mldoctor.trainee import batches
from mldoctor.trainee.snapshot import RandomState


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample: its index in the loader's dataset, its value, and whose entry it really is.

    `origin` is (id of the innermost dataset, index there): equal for two views of one entry.
    """

    index: int
    value: Any
    origin: tuple[int, int] | None


def length(loader: Any) -> int | None:
    """The number of samples of the loader's dataset, None for a stream."""
    dataset = getattr(loader, "dataset", None)
    if (
        dataset is None
        or isinstance(dataset, IterableDataset)
        or not hasattr(dataset, "__getitem__")
    ):
        return None
    try:
        return len(dataset)
    except (TypeError, NotImplementedError):
        return None


def reach(loader: Any) -> list[int] | None:
    """The indices that a sampler over a part of the dataset ever draws; None for the whole of it."""
    sampler = getattr(loader, "sampler", None)
    size = length(loader)
    if not isinstance(sampler, SubsetRandomSampler) or size is None:
        return None
    return sorted({int(i) for i in sampler.indices if 0 <= int(i) < size}) or None


def read(loader: Any, seconds: float, limit: int, seed: int = 0) -> Generator[Sample]:
    """Samples of the loader's dataset until `seconds` or `limit` are used up.

    All of them in order when they fit, else a seeded random choice. A stream is read from its
    start, batch by batch. The random state of the script is put back afterwards.
    """
    state = RandomState.now()
    deadline = time.monotonic() + seconds
    try:
        size = length(loader)
        if size is None:
            yield from _stream(loader, deadline, limit)
            return
        index = list(reach(loader) or range(size))
        if len(index) > limit:
            index = sorted(random.Random(seed).sample(index, limit))  # noqa: S311 - a sample, no secret
        for i in index:
            if time.monotonic() > deadline:
                return
            yield Sample(i, loader.dataset[i], origin(loader.dataset, i))
    finally:
        state.restore()


def origin(dataset: Any, index: int) -> tuple[int, int] | None:
    """Which entry of which innermost dataset stands at `index`."""
    inner, place = entry(dataset, index)
    return None if inner is None else (id(inner), place)


def entry(dataset: Any, index: int) -> tuple[Any, int]:
    """The innermost dataset behind subsets and concatenations, and the index there."""
    for _ in range(16):
        if isinstance(dataset, Subset):
            index, dataset = int(dataset.indices[index]), dataset.dataset
        elif isinstance(dataset, ConcatDataset):
            sizes = [0, *dataset.cumulative_sizes]
            part = next(k for k in range(len(sizes) - 1) if index < sizes[k + 1])
            index, dataset = index - sizes[part], dataset.datasets[part]
        else:
            return dataset, index
    return None, index


def innermost(dataset: Any) -> Any:
    """The dataset behind subsets and concatenations; of several, the first."""
    for _ in range(16):
        if isinstance(dataset, Subset):
            dataset = dataset.dataset
        elif isinstance(dataset, ConcatDataset):
            dataset = dataset.datasets[0]
        else:
            break
    return dataset


def storage(dataset: Any) -> list[Any]:
    """What a dataset of the user's holds its entries in: arrays, tensors and lists."""
    held = vars(dataset).values() if hasattr(dataset, "__dict__") else ()
    found: list[Any] = []
    for value in held:
        nested = value if isinstance(value, tuple) else (value,)
        found += [v for v in nested if isinstance(v, list) and v]
        found += [v for v in nested if isinstance(v, Tensor | np.ndarray) and v.ndim and len(v)]
    return found


def _stream(loader: Any, deadline: float, limit: int) -> Iterator[Sample]:
    seen = 0
    for batch in loader:
        count = batches.rows(batch, getattr(loader, "batch_size", None)) or 1
        for row in range(count):
            yield Sample(seen, batches.take(batch, [row], count), None)
            seen += 1
            if seen >= limit or time.monotonic() > deadline:
                return


def inputs(value: Any) -> list[Any]:
    """The parts of a sample that are its input: texts and arrays, not a lone label or index."""
    parts = _parts(value, "")
    named = [(k, v) for k, v in parts if not _is_label(k)]
    large = [v for _, v in named if isinstance(v, str) or _size(v) > 1]
    return large or [v for _, v in (named[:1] if isinstance(value, tuple | list) else named)]


def _parts(value: Any, key: str) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return [part for k in value for part in _parts(value[k], str(k))]
    if isinstance(value, tuple) or (isinstance(value, list) and value and not _plain(value)):
        return [part for i, v in enumerate(value) for part in _parts(v, f"{key}[{i}]")]
    return [(key, value)]


def _plain(value: list[Any]) -> bool:
    return all(isinstance(v, int | float | bool) for v in value[:8])


def _is_label(key: str) -> bool:
    return key.lower() in {
        "label",
        "labels",
        "target",
        "targets",
        "y",
        "class",
        "idx",
        "index",
        "id",
    }


def _size(value: Any) -> int:
    if hasattr(value, "numel"):
        return int(value.numel())
    if hasattr(value, "size") and isinstance(value.size, int):
        return int(value.size)
    if hasattr(value, "size") and isinstance(value.size, tuple):  # an image of PIL
        return int(value.size[0] * value.size[1])
    return len(value) if isinstance(value, list) else 1
