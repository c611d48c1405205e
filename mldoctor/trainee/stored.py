"""Which stored entry a sample is made from, where a random change hides that two samples are one.

An augmented training sample never equals the plain one that evaluation reads. Both may still come
from one row of the same array, one picture in the same list, or one file.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from mldoctor.trainee import samples
from mldoctor.trainee.fingerprints import array

if TYPE_CHECKING:
    from collections.abc import Hashable

    from mldoctor.trainee.contents import Contents

CHECKED = 5
"""Evaluation samples that must look like what is stored at their place."""

ALIKE = 0.99
"""Correlation of the sorted values of a sample with those of the stored entry: neither a change of
layout nor of scale alters it."""


def same_entries(train: Any, other: Any, split: Contents) -> dict[int, int]:
    """Evaluation index to training index of samples that are made from one stored entry.

    Args:
        train: the training loader.
        other: the evaluation loader.
        split: what was read of the evaluation data.
    """
    if not _holds(other, split):
        return {}
    mine = _places(train, samples.reach(train) or range(samples.length(train) or 0))
    if not mine:
        return {}
    theirs = _places(other, split.indices)
    return {index: mine[key] for key, index in theirs.items() if key in mine}


def _places(loader: Any, indices: Any) -> dict[Hashable, int]:
    found: dict[Hashable, int] = {}
    holders: dict[int, Any] = {}
    for index in indices:
        inner, place = samples.entry(loader.dataset, index)
        if inner is None:
            return {}
        if id(inner) not in holders:
            holders[id(inner)] = _holder(inner)
        key = _key(holders[id(inner)], place)
        if key is None:
            return {}
        found.setdefault(key, index)
    return found


def _holder(inner: Any) -> Any:
    """The largest thing in a dataset that has one entry a sample: an array, pictures or files."""
    try:
        size = len(inner)
    except (TypeError, NotImplementedError):
        return None
    best, most = None, 1
    for held in samples.storage(inner):
        if len(held) != size:
            continue
        width = _width(held)
        if width > most:
            best, most = held, width
    return best


def _width(held: Any) -> int:
    """Values of an entry; 0 for what has no entries of its own."""
    if isinstance(held, list):
        first = held[0]
        if _file(first) is not None:
            several = [_file(v) for v in held]
            return 2 if len(set(several)) == len(several) else 0
        objects = all(hasattr(v, "shape") or hasattr(v, "getbands") for v in held[:8])
        return (
            max(2, math.prod(np.shape(first)))
            if objects and len({id(v) for v in held}) == len(held)
            else 0
        )
    if held.ndim < 2 or (isinstance(held, Tensor) and held.device.type != "cpu"):  # noqa: PLR2004 - a row has values
        return 0
    step = held.stride(0) if isinstance(held, Tensor) else held.strides[0]
    return int(np.prod(held.shape[1:])) if step else 0


def _key(holder: Any, place: int) -> Hashable:
    if holder is None:
        return None
    if isinstance(holder, list):
        return _file(holder[place]) or id(holder[place])
    if isinstance(holder, Tensor):
        return int(holder.data_ptr() + place * holder.stride(0) * holder.element_size())
    return int(holder.__array_interface__["data"][0] + place * holder.strides[0])


def _file(entry: Any) -> str | None:
    """The path in an entry such as (path, class)."""
    first = entry[0] if isinstance(entry, tuple) and entry else entry
    if not isinstance(first, str | Path):
        return None
    text = str(first)
    return text if len(text) < 1000 and "." in Path(text).name else None  # noqa: PLR2004 - no path is longer


def _holds(loader: Any, split: Contents) -> bool:
    """Whether evaluation samples look like what is stored at their place."""
    good = 0
    for sample in split.kept[:CHECKED]:
        inner, place = samples.entry(loader.dataset, sample.index)
        holder = None if inner is None else _holder(inner)
        if holder is None:
            return False
        entry = holder[place]
        path = _file(entry)
        if path is not None:
            if not Path(path).is_file():
                return False
        elif not _alike(entry, samples.inputs(sample.value)):
            return False
        good += 1
    return good > 0


def _alike(entry: Any, inputs: list[Any]) -> bool:
    values = array(entry)
    for part in inputs:
        if isinstance(part, str | bytes):
            continue
        seen = array(part)
        if seen.size != values.size or seen.dtype.kind not in "fiub":
            continue
        one, two = np.sort(values, axis=None).astype(float), np.sort(seen, axis=None).astype(float)
        if np.ptp(one) > 0 and np.ptp(two) > 0 and np.corrcoef(one, two)[0, 1] >= ALIKE:
            return True
    return False
