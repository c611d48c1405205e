"""What samples say beside their inputs, and which of it a model is given nevertheless."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from mldoctor.trainee.contents import Contents
    from mldoctor.trainee.trainee import Trainee

MOST_NUMBERS = 64
"""Inputs of more numbers hold no name of a group among them."""


def of_samples(found: Contents, wanted: Callable[[str], bool]) -> dict[str, list[Any]]:
    """What samples that are dictionaries say under such a name: one plain value each."""
    values = [sample.value for sample in found.kept]
    if not values or not all(isinstance(value, Mapping) for value in values):
        return {}
    columns: dict[str, list[Any]] = {}
    for key in values[0]:
        if not isinstance(key, str) or not wanted(key):
            continue
        column = [value.get(key) for value in values]
        column = [v.item() if getattr(v, "shape", None) == () else v for v in column]
        if all(isinstance(v, str | int | float | datetime) for v in column):
            columns[key] = column
    return columns


def reaching(trainee: Trainee, found: Contents) -> list[list[float]]:
    """Numbers of the kept samples that reach a model: the user of a recommendation, say."""
    import numpy as np
    import torch

    from mldoctor.facts import recorded_calls
    from mldoctor.trainee.batches import leaves, same_values

    tensors = [
        tensor
        for call in trainee.tape.root_calls.values()
        for tensor in recorded_calls.given(call).values()
    ]
    fed = {
        ".".join(map(str, path))
        for batch in trainee.latest_batches()
        for path, leaf in leaves(batch)
        if isinstance(leaf, torch.Tensor) and any(same_values(leaf, t) for t in tensors)
    }
    columns = []
    for part in fed.intersection(found.parts()):
        values = [np.asarray(v).reshape(-1) for v in found.column(part)]
        width = values[0].size
        if width <= MOST_NUMBERS and all(
            v.size == width and v.dtype.kind in "fiub" for v in values
        ):
            columns += [[float(v[i]) for v in values] for i in range(width)]
    return columns


def is_given(
    column: list[Any], given: list[list[float]], found: Contents, *, by_position: bool
) -> bool:
    """Whether a column goes one to one with a number that reaches a model."""
    index = range(len(found.kept)) if by_position else [s.index for s in found.kept]
    if not given or max(index, default=0) >= len(column):
        return False
    mine = [column[i] for i in index]
    if len({*map(str, mine)}) > len(mine) / 2:
        # Nearly every row has a value of its own, and so has any number: only the same one counts.
        return any(all(a == b for a, b in zip(mine, other, strict=True)) for other in given)
    return any(
        len({*zip(map(str, mine), other, strict=True)}) == len({*map(str, mine)}) == len({*other})
        for other in given
    )
