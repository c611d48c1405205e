"""Files of NumPy arrays as rows."""

from __future__ import annotations

import hashlib
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WIDEST = 64
"""Entries of more values are told apart by their hash alone."""


def columns(path: Path) -> tuple[int, dict[str, Callable[[int, int], list[Any]]]] | None:
    """The number of rows, and for each column what reads a part of it; None when there are no rows.

    Rows are what the arrays of the commonest length have in common. An array of one number more
    that never falls and ends at the length of another one cuts that one into rows.

    Raises:
        OSError, ValueError: when the file is no archive of arrays, or holds pickled objects.
    """
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    lengths = Counter(len(a) for a in arrays.values() if a.ndim and len(a))
    if not lengths:
        return None
    size, times = max(lengths.items(), key=lambda item: (item[1], item[0]))
    offsets = next((n for n, a in arrays.items() if _cuts(a, size, arrays)), None)
    if times < 2 and offsets is None:  # noqa: PLR2004 - inputs and labels at the least
        return None
    found: dict[str, Callable[[int, int], list[Any]]] = {}
    for name, array in arrays.items():
        if array.ndim and len(array) == size:
            found[name] = partial(_part, array)
        elif offsets and array.ndim and len(array) == int(arrays[offsets][-1]):
            found[name] = partial(_cut, array, arrays[offsets])
    return size, found


def _cuts(array: np.ndarray, size: int, arrays: dict[str, np.ndarray]) -> bool:
    if array.ndim != 1 or len(array) != size + 1 or array.dtype.kind not in "iu":
        return False
    ends = int(array[-1]) in {len(a) for a in arrays.values() if a.ndim}
    return ends and array[0] == 0 and bool(np.all(array[1:] >= array[:-1]))


def _part(array: np.ndarray, begin: int, end: int) -> list[Any]:
    part = array[begin:end]
    return part.tolist() if part.ndim == 1 else [_entry(row) for row in part]


def _cut(array: np.ndarray, offsets: np.ndarray, begin: int, end: int) -> list[Any]:
    return [_entry(array[offsets[i] : offsets[i + 1]]) for i in range(begin, end)]


def _entry(row: np.ndarray) -> Any:
    if row.size <= WIDEST:
        return row.tolist()
    plain = np.ascontiguousarray(row, dtype=np.float32) if row.dtype.kind == "f" else row
    return hashlib.blake2b(plain.tobytes(), digest_size=16, key=str(row.shape).encode()).hexdigest()
