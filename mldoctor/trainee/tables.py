"""Kept samples as a table of numbers with one label a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from mldoctor.trainee.contents import Contents

CLASSES = 1000
WIDEST = 4096
"""More columns than this are projected: what the simple models can take in a second."""

FEW_IDS = 3
"""Whole numbers that a sample may consist of and be ids of a user, an item and their context."""

MANY_IDS = 20
"""More different ids than this need a vector each: a tree cannot tell them apart one by one."""

LABELS = ("labels", "label", "target", "targets", "y", "class")


@dataclass(frozen=True, slots=True)
class Table:
    """Inputs as rows of one length, and their labels.

    Attributes:
        values: `[samples, columns]`, finite.
        labels: `[samples]`, whole numbers.
        names: of the columns, where each column is one input feature; empty otherwise.
        index: of each row in the dataset.
        ids: samples are only a few ids.
    """

    values: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]
    index: np.ndarray
    ids: bool = False


def texts(contents: Contents) -> dict[int, str]:
    """The texts of the kept samples, by index."""
    from mldoctor.trainee import samples

    found = {}
    for sample in contents.kept:
        parts = [p for p in samples.inputs(sample.value) if isinstance(p, str)]
        if parts:
            found[sample.index] = " ".join(parts)
    return found


def label_path(contents: Contents, place: tuple[str, ...] | None) -> str | None:
    """The part that holds the labels: where the loss takes its target from, else by its name."""
    parts = contents.parts()
    if place is not None:
        path = ".".join(place)
        return path if path in parts else None
    named = [path for path in parts if path.rsplit(".", 1)[-1].lower() in LABELS]
    return named[0] if len(named) == 1 else None


def labels(contents: Contents, place: tuple[str, ...] | None) -> list[int] | None:
    """The class label of every kept sample; None when samples do not have exactly one."""
    path = label_path(contents, place)
    if path is None:
        return None
    found: list[int] = []
    for value in contents.column(path):
        if not isinstance(value, np.ndarray) or value.size != 1:
            return None
        number = float(value.reshape(-1)[0])
        if number != round(number):
            return None
        found.append(int(number))
    return found if len(set(found)) <= CLASSES else None


def table(contents: Contents, place: tuple[str, ...] | None) -> Table | None:
    """The kept samples as a table, or None when they have no numbers or no class label."""
    path, values = label_path(contents, place), labels(contents, place)
    if values is None:
        return None
    parts = [
        name
        for name in contents.parts()
        if name != path and all(isinstance(v, np.ndarray) for v in contents.column(name))
    ]
    if not parts:
        return None
    rows = [np.concatenate([view[name].reshape(-1) for name in parts]) for view in contents.views]
    single = len(parts) == 1 and all(r.size == rows[0].size for r in rows)
    plain = single and contents.views[0][parts[0]].ndim == 1 and rows[0].dtype.kind == "f"
    names = tuple(f"column {i}" for i in range(rows[0].size)) if plain else ()
    index = np.asarray([sample.index for sample in contents.kept])
    return Table(rectangle(rows), np.asarray(values), names, index, ids_alone(rows))


def ids_alone(rows: list[np.ndarray]) -> bool:
    """Whether samples are only a few ids, as the user and the item of a rating.

    What they say about a label lies in how their vectors go together. No model sees that in the
    numbers themselves.
    """
    if not rows or any(r.dtype.kind not in "iu" or r.size > FEW_IDS for r in rows):
        return False
    if len({r.size for r in rows}) > 1:
        return False
    return max(len(np.unique(column)) for column in np.stack(rows).T) > MANY_IDS


def words(contents: Contents, place: tuple[str, ...] | None) -> list[list[Any]] | None:
    """The tokens of every kept sample: its whole numbers, masks left out, or the words of its text.

    None where a sample holds anything else than tokens beside its label.
    """
    path = label_path(contents, place)
    parts = {name: contents.column(name) for name in contents.parts() if name != path}
    arrays = {n: v for n, v in parts.items() if all(isinstance(a, np.ndarray) for a in v)}
    if any(a.dtype.kind not in "iub" for v in arrays.values() for a in v):
        return None
    ids = [v for v in arrays.values() if any(a.size > 1 and a.max() > 1 for a in v)]
    if ids:
        return [
            [t for a in sample for t in a.reshape(-1).tolist()] for sample in zip(*ids, strict=True)
        ]
    found = texts(contents)
    if len(found) < len(contents.kept):
        return None
    return [found[sample.index].lower().split() for sample in contents.kept]


def rectangle(rows: list[np.ndarray]) -> np.ndarray:
    """Rows of one length: rows of whole numbers become counts of their commonest values."""
    whole = all(r.dtype.kind in "iub" for r in rows)
    if whole:
        values, numbers = np.unique(np.concatenate(rows), return_counts=True)
        vocabulary = values[np.argsort(-numbers)[:1000]]
        place = {int(v): i for i, v in enumerate(vocabulary)}
        table = np.zeros((len(rows), len(vocabulary)), dtype=np.float32)
        for i, row in enumerate(rows):
            for value, number in zip(*np.unique(row, return_counts=True), strict=True):
                if int(value) in place:
                    table[i, place[int(value)]] = np.log1p(number)
        width = min(*map(len, rows), 32)
        return np.hstack([table, np.stack([r[:width] for r in rows]).astype(np.float32)])
    width = min(map(len, rows))
    table = np.stack([r[:width] for r in rows]).astype(np.float32)
    if width > WIDEST:
        generator = np.random.default_rng(0)
        table = table @ generator.normal(size=(width, 512)).astype(np.float32)
    result: np.ndarray = np.nan_to_num(table, nan=0.0, posinf=0.0, neginf=0.0)
    return result
