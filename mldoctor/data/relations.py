"""What simple models of a sample of the rows know: labels, columns that give them away, and splits."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
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
"""Share of the values of a column that must be numbers: a few rows of any file hold a mistake."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Some rows of a split.

    Attributes:
        rows: the text or the features, by the number of the row in the split.
        labels: a whole number for each row, the same for equal labels of any split, -1 where a row
            has none; None where the split has no labels.
    """

    rows: pd.DataFrame
    labels: np.ndarray | None

    def labelled(self) -> tuple[pd.DataFrame, np.ndarray]:
        """The rows that have a label, and these.

        Raises:
            AbsentFact: when the split has no labels.
        """
        if self.labels is None:
            raise AbsentFact("the files have no label column (--label)")
        return self.rows[self.labels >= 0], self.labels[self.labels >= 0]


def samples(splits: Sequence[Split]) -> list[Sample]:
    """A sample of every split, read once.

    Raises:
        AbsentFact: when a file is not on this machine.
    """
    given = {str(v) for split in splits for v in split.labels if v is not None}
    classes = {label: number for number, label in enumerate(sorted(given))}
    found = []
    for split in splits:
        rows = _drawn(split)
        labels = [split.labels[i] for i in rows.index] if split.labels else None
        codes = labels and [-1 if v is None else classes[str(v)] for v in labels]
        found.append(Sample(rows, np.array(codes) if codes else None))
    return found


def relations(
    splits: Sequence[Split], drawn: Sequence[Sample], loaders: Sequence[Loader]
) -> SimpleRelations:
    """The labels of the first split, and those of the others, against simple models of the inputs.

    Raises:
        AbsentFact: when there are no labels, or nothing that such models could take.
    """
    read = [sample.labelled() for sample in drawn]
    if splits[0].columns.text is not None:
        return _of_texts(read, loaders)
    names = _numeric(drawn)
    training, *others = (
        Table(_numbers(rows, names), labels, names, rows.index.to_numpy()) for rows, labels in read
    )
    pairs = zip(loaders[1:], others, strict=True)
    return relations_of(loaders[0], training, [(loader, table, None) for loader, table in pairs])


def shifts(
    splits: Sequence[Split], drawn: Sequence[Sample], loaders: Sequence[Loader]
) -> SplitShift:
    """Whether the numbers of another split lie elsewhere than those of the first.

    Raises:
        AbsentFact: when the rows hold no numbers.
    """
    if len(splits) < 2:  # noqa: PLR2004 - one to train on and one to evaluate
        raise AbsentFact("only one split was given")
    if splits[0].columns.text is not None:
        raise AbsentFact("the inputs are texts")
    names = _numeric(drawn)
    first, *others = drawn
    mine = list(_numbers(first.rows, names))
    rows = []
    for other, loader in zip(others, loaders[1:], strict=True):
        theirs = list(_numbers(other.rows, names))
        if first.labels is None or other.labels is None:
            left, right = balanced(mine, theirs, None, None)
        else:
            left, right = balanced(mine, theirs, first.labels.tolist(), other.labels.tolist())
        row = shift_of(loader, "the numeric columns", left, right, names)
        if row is not None:
            rows.append(row)
    if not rows:
        raise AbsentFact("too few rows to tell splits apart by")
    return SplitShift(loaders[0], tuple(rows))


def _of_texts(
    read: Sequence[tuple[pd.DataFrame, np.ndarray]], loaders: Sequence[Loader]
) -> SimpleRelations:
    """Only what the labels mean in each split: neighbours of texts say too little of one label."""
    words = [([str(text).split() for text in rows.iloc[:, 0]], labels) for rows, labels in read]
    known, counts = check_labels(words[0][1])
    pairs = zip(loaders[1:], words[1:], strict=True)
    maps = [by_words(loader, words[0], theirs) for loader, theirs in pairs]
    return SimpleRelations(
        training=loaders[0],
        samples=len(words[0][1]),
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


def _drawn(split: Split) -> pd.DataFrame:
    if split.source.url is not None:
        raise AbsentFact("the file is not on this machine")
    text = split.columns.text
    names = split.columns.features if text is None else (text,)
    if not names:
        raise AbsentFact("the rows hold neither texts nor numbers")
    within = min(split.size, SEEN)
    draw = np.random.default_rng(0)
    chosen = np.sort(draw.choice(within, min(SAMPLED, within), replace=False))
    parts: list[pd.DataFrame] = []
    start = 0
    for chunk in split.source.chunks(names):
        here = chosen[(chosen >= start) & (chosen < start + chunk.size)]
        columns = {name: chunk.column(name) for name in names}
        index = range(start, start + chunk.size)
        # As objects: pandas' own strings must be valid Unicode, and a file in Latin-1 is read, too.
        parts.append(pd.DataFrame(columns, index=index, dtype=object).loc[here])
        start += chunk.size
        if start >= within:
            break
    return pd.concat(parts)


def _numeric(drawn: Sequence[Sample]) -> tuple[str, ...]:
    """Columns of numbers in every split; a number of its own for every row is no feature."""
    shared = Counter(str(name) for sample in drawn for name in sample.rows)
    found: list[str] = []
    for name in (n for n in map(str, drawn[0].rows) if shared[n] == len(drawn)):
        values = [pd.to_numeric(sample.rows[name], errors="coerce") for sample in drawn]
        if min(v.notna().mean() for v in values) < NUMBERS:
            continue
        whole = bool((values[0].dropna() % 1 == 0).all())
        if len(values[0].unique()) > 1 and not (whole and values[0].is_unique):
            found.append(name)
    if not found:
        raise AbsentFact("the rows hold no columns of numbers")
    return tuple(found)


def _numbers(rows: pd.DataFrame, names: tuple[str, ...]) -> np.ndarray:
    """The columns as finite numbers `[rows, columns]`; what is missing is the column's median."""
    frame = (
        rows[list(names)].apply(pd.to_numeric, errors="coerce").replace([np.inf, -np.inf], np.nan)
    )
    values: np.ndarray = frame.fillna(frame.median()).to_numpy(float)
    return values
