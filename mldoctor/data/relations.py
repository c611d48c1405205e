"""What simple models of a sample of the rows know: labels, columns that give them away, and splits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mldoctor.errors import AbsentFact
from mldoctor.facts.label_maps import by_words
from mldoctor.facts.simple_relations import SimpleRelations, check_labels, relations_of
from mldoctor.facts.split_shift import SplitShift, balanced, shift_of
from mldoctor.trainee.tables import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mldoctor.data.splits import Split
    from mldoctor.facts.loaders import Loader

SAMPLED = 2000
"""Rows of a split that the models see: what they fit in a second."""

SEEN = 50_000
"""Rows from whose beginning they are drawn: reading a large file again takes as long as all else."""

NUMBERS = 0.95
"""Share of the values of a column that must be numbers."""


def relations(splits: Sequence[Split], loaders: Sequence[Loader]) -> SimpleRelations:
    """The labels of the first split, and those of the others, against simple models of the inputs.

    Raises:
        AbsentFact: when there are no labels, or nothing that such models could take.
    """
    if not all(split.labels for split in splits):
        raise AbsentFact("the files have no label column (--label)")
    classes = _classes(splits)
    if splits[0].columns.text is not None:
        return _of_texts(splits, loaders, classes)
    names = _numeric(splits)
    training, *others = (_table(split, names, classes) for split in splits)
    pairs = zip(loaders[1:], others, strict=True)
    return relations_of(loaders[0], training, [(loader, t, None) for loader, t in pairs])


def shifts(splits: Sequence[Split], loaders: Sequence[Loader]) -> SplitShift:
    """Whether the numbers of another split lie elsewhere than those of the first.

    Raises:
        AbsentFact: when the rows hold no numbers.
    """
    if splits[0].columns.text is not None:
        raise AbsentFact("the inputs are texts")
    names = _numeric(splits)
    rows, classes = [], _classes(splits)
    (mine, mine_index), *others = (_numbers(split, names) for split in splits)
    for split, (theirs, index), loader in zip(splits[1:], others, loaders[1:], strict=True):
        known = bool(splits[0].labels) and bool(split.labels)
        left, right = balanced(
            list(mine),
            list(theirs),
            [classes[str(splits[0].labels[i])] for i in mine_index] if known else None,
            [classes[str(split.labels[i])] for i in index] if known else None,
        )
        row = shift_of(loader, "the numeric columns", left, right, names)
        if row is not None:
            rows.append(row)
    if not rows:
        raise AbsentFact("too few rows to tell splits apart by")
    return SplitShift(loaders[0], tuple(rows))


def _classes(splits: Sequence[Split]) -> dict[str, int]:
    """A number for each label of any split."""
    return {c: i for i, c in enumerate(sorted({str(v) for s in splits for v in s.labels}))}


def _of_texts(
    splits: Sequence[Split], loaders: Sequence[Loader], classes: dict[str, int]
) -> SimpleRelations:
    """Only what the labels mean in each split: neighbours of texts say too little of one label."""
    read = []
    for split in splits:
        frame = _sample(split, (split.columns.text or "",))
        labels = np.array([classes[str(split.labels[i])] for i in frame.index])
        read.append(([str(text).split() for text in frame.iloc[:, 0]], labels))
    known, counts = check_labels(read[0][1])
    pairs = zip(loaders[1:], read[1:], strict=True)
    maps = [by_words(loader, read[0], theirs) for loader, theirs in pairs]
    return SimpleRelations(
        training=loaders[0],
        samples=len(read[0][1]),
        classes=len(known),
        agreement=1.0,
        doubtful=0,
        doubtful_index=(),
        leaking="",
        leaking_accuracy=0.0,
        others_accuracy=0.0,
        majority=float(counts.max() / counts.sum()),
        maps=tuple(m for m in maps if m is not None),
    )


def _sample(split: Split, names: Sequence[str]) -> pd.DataFrame:
    """Some rows of a split, by their number in it."""
    if split.source.url is not None:
        raise AbsentFact("the file is not on this machine")
    within = min(split.size, SEEN)
    draw = np.random.default_rng(0)
    chosen = np.sort(draw.choice(within, min(SAMPLED, within), replace=False))
    parts: list[pd.DataFrame] = []
    start = 0
    for chunk in split.source.chunks(tuple(names)):
        here = chosen[(chosen >= start) & (chosen < start + chunk.size)]
        columns = {name: chunk.column(name) for name in names}
        parts.append(pd.DataFrame(columns, index=range(start, start + chunk.size)).loc[here])
        start += chunk.size
        if start >= within:
            break
    return pd.concat(parts)


def _numeric(splits: Sequence[Split]) -> tuple[str, ...]:
    """Columns of numbers in every split; a number of its own for every row is no feature."""
    features = [
        n for n in splits[0].columns.features if all(n in s.columns.features for s in splits)
    ]
    found: list[str] = []
    frames = [_sample(split, features) for split in splits] if features else []
    for name in features:
        values = [pd.to_numeric(frame[name], errors="coerce") for frame in frames]
        if min(v.notna().mean() for v in values) < NUMBERS:
            continue
        whole = bool((values[0].dropna() % 1 == 0).all())
        if len(values[0].unique()) > 1 and not (whole and values[0].is_unique):
            found.append(name)
    if not found:
        raise AbsentFact("the rows hold no columns of numbers")
    return tuple(found)


def _numbers(split: Split, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The numbers `[rows, columns]` of some rows, and which rows these are."""
    frame = _sample(split, names).apply(pd.to_numeric, errors="coerce")
    frame = frame.replace([np.inf, -np.inf], np.nan)
    return frame.fillna(frame.median()).to_numpy(float), frame.index.to_numpy()


def _table(split: Split, names: tuple[str, ...], classes: dict[str, int]) -> Table:
    values, index = _numbers(split, names)
    given = [i for i, row in enumerate(index) if split.labels[row] is not None]
    labels = np.array([classes[str(split.labels[index[i]])] for i in given])
    return Table(values[given], labels, names, index[given])
