"""Batches of any structure: find the rows, take some of them, alter them.

A batch is whatever a loader yields: tensors in tuples, lists, dicts, dataclasses, Hugging Face
`BatchEncoding`s, objects with tensor attributes, and plain lists with one entry per sample.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

Path = tuple[Any, ...]


def leaves(batch: Any, path: Path = ()) -> list[tuple[Path, Any]]:
    """Every tensor, array, or per-sample list in `batch`, with the path that leads to it."""
    if isinstance(batch, Tensor | np.ndarray):
        return [(path, batch)]
    if isinstance(batch, Mapping):
        return [leaf for key in batch for leaf in leaves(batch[key], (*path, key))]
    if isinstance(batch, list | tuple):
        if isinstance(batch, list) and batch and not _has_tensors(batch):
            return [(path, batch)]
        return [leaf for i, item in enumerate(batch) for leaf in leaves(item, (*path, i))]
    fields = _attributes(batch)
    return [leaf for key in fields for leaf in leaves(fields[key], (*path, key))]


def replace_leaves(  # noqa: C901, PLR0911 - one case per kind of container
    batch: Any, change: Callable[[Path, Any], Any], path: Path = ()
) -> Any:
    """A copy of `batch` in which every leaf went through `change`; the structure stays."""
    if isinstance(batch, Tensor | np.ndarray):
        return change(path, batch)
    if isinstance(batch, Mapping):
        items = {key: replace_leaves(batch[key], change, (*path, key)) for key in batch}
        if type(batch) is dict:
            return items
        clone = copy.copy(batch)
        if isinstance(clone, MutableMapping):
            for key, item in items.items():
                clone[key] = item
            return clone
        return items
    if isinstance(batch, list | tuple):
        if isinstance(batch, list) and batch and not _has_tensors(batch):
            return change(path, batch)
        parts = [replace_leaves(item, change, (*path, i)) for i, item in enumerate(batch)]
        if isinstance(batch, list):
            return parts
        return type(batch)(*parts) if hasattr(batch, "_fields") else tuple(parts)
    fields = _attributes(batch)
    if not fields:
        return batch
    clone = copy.copy(batch)
    for key, item in fields.items():
        setattr(clone, key, replace_leaves(item, change, (*path, key)))
    return clone


def clone(batch: Any) -> Any:
    """A deep copy of the data in `batch`; graphs are not kept."""
    return replace_leaves(batch, lambda _path, leaf: _clone(leaf))


def rows(batch: Any, hint: int | None = None) -> int | None:
    """How many samples `batch` holds: the loader's batch size, else the commonest first size."""
    sizes = Counter(
        size for _path, leaf in leaves(batch) for size in set(_shape(leaf)[:1]) if size > 0
    )
    if not sizes:
        return None
    anywhere = {size for _path, leaf in leaves(batch) for size in _shape(leaf)[:2]}
    if hint is not None and hint in anywhere:
        return hint
    return sizes.most_common(1)[0][0]


def row_axis(leaf: Any, count: int) -> int | None:
    """The axis of `leaf` along which the samples lie, or None for a leaf they share."""
    shape = _shape(leaf)
    for axis in (0, 1):
        if len(shape) > axis and shape[axis] == count:
            return axis
    return None


def take(batch: Any, index: list[int], count: int) -> Any:
    """The samples `index` of a batch of `count` samples; shared leaves stay as they are."""

    def pick(_path: Path, leaf: Any) -> Any:
        axis = row_axis(leaf, count)
        if axis is None:
            return _clone(leaf)
        if isinstance(leaf, Tensor):
            with torch.no_grad():
                return leaf.index_select(axis, torch.tensor(index, device=leaf.device)).clone()
        if isinstance(leaf, np.ndarray):
            return np.take(leaf, index, axis=axis)
        return [leaf[i] for i in index]

    return replace_leaves(batch, pick)


def get(batch: Any, path: Path) -> Any:
    """The leaf at `path`."""
    for step in path:
        batch = (
            batch[step] if isinstance(batch, Mapping | list | tuple) else getattr(batch, str(step))
        )
    return batch


def same_values(left: Tensor, right: Tensor) -> bool:
    """Whether two tensors hold the same values in the same order, whatever shape and dtype."""
    if left.numel() != right.numel() or left.numel() == 0:
        return False
    with torch.no_grad():
        a, b = left.detach().reshape(-1).to("cpu"), right.detach().reshape(-1).to("cpu")
        if a.is_floating_point() or b.is_floating_point():
            return bool(torch.equal(a.to(torch.float64), b.to(torch.float64)))
        return bool(torch.equal(a.to(torch.int64), b.to(torch.int64)))


def _shape(leaf: Any) -> tuple[int, ...]:
    return (len(leaf),) if isinstance(leaf, list) else tuple(leaf.shape)


def _clone(leaf: Any) -> Any:
    if isinstance(leaf, Tensor):
        return leaf.detach().clone()
    return leaf.copy() if isinstance(leaf, np.ndarray) else list(leaf)


def _has_tensors(items: list[Any]) -> bool:
    """Whether a list is structure (holds tensors somewhere) and not one entry per sample."""
    return any(
        isinstance(item, Tensor | np.ndarray | Mapping)
        or (isinstance(item, list | tuple) and _has_tensors(list(item)))
        or bool(_attributes(item))
        for item in items[:4]
    )


def _attributes(batch: Any) -> dict[str, Any]:
    """Tensor attributes of a plain batch object (dataclass, namespace, graph batch)."""
    if isinstance(batch, str | bytes | int | float | bool | type(None) | type | torch.nn.Module):
        return {}
    values = getattr(batch, "__dict__", None)
    if not isinstance(values, dict):
        return {}
    return {
        key: value
        for key, value in values.items()
        if isinstance(value, Tensor | np.ndarray)
        or (isinstance(value, Mapping) and any(isinstance(v, Tensor) for v in value.values()))
    }
