"""How likely a short row of symbols is to be met twice by chance.

States, moves, characters and other rows over a small alphabet come from processes that repeat
themselves. Whether an equal row in another split is a leak depends on how probable the row is; an
interpolated trigram model of the training rows estimates that (Jelinek and Mercer, 1980).
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from mldoctor.trainee import samples
from mldoctor.trainee.fingerprints import array

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mldoctor.trainee.contents import Contents

SYMBOLS = 256
"""Rows over more different symbols than this do not repeat by chance."""

WEIGHTS = (0.9, 0.08, 0.02)
"""Of the trigram, bigram and unigram estimates."""

COLUMNS = 64
"""Longer rows are no table."""

Row = tuple[float, ...]


class Repeats:
    """A model of rows over a small alphabet."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._grams: list[Counter[Row]] = [Counter(), Counter(), Counter()]
        self._contexts: list[Counter[Row]] = [Counter(), Counter(), Counter()]
        self._rows = 0
        self._symbols: set[float] = set()
        for row in rows:
            self._rows += 1
            self._symbols.update(row)
            for order, gram in _grams(row):
                self._grams[order][gram] += 1
                self._contexts[order][gram[:-1]] += 1

    @property
    def applies(self) -> bool:
        """Whether the rows are over an alphabet small enough to repeat by chance."""
        return 0 < len(self._symbols) <= SYMBOLS

    def expected(self, row: Sequence[float]) -> float:
        """How many of the modelled rows would equal `row` if they were drawn anew."""
        log = math.log(self._rows)
        symbols = tuple(row)
        for i in range(len(symbols)):
            chance = 1e-4 / len(self._symbols)
            for order, weight in zip((2, 1, 0), WEIGHTS, strict=True):
                gram = symbols[max(0, i - order) : i + 1]
                seen = self._contexts[len(gram) - 1][gram[:-1]]
                if seen:
                    chance += weight * self._grams[len(gram) - 1][gram] / seen
            log += math.log(min(1.0, chance))
        return math.exp(min(50.0, log))


def _grams(row: Row) -> Iterable[tuple[int, Row]]:
    for i in range(len(row)):
        for order in range(min(2, i) + 1):
            yield order, row[i - order : i + 1]


def table_rows(found: Contents) -> dict[int, Row]:
    """The kept samples that are one short row of numbers, by their index."""
    rows = {}
    for sample in found.kept:
        parts = samples.inputs(sample.value)
        if len(parts) == 1 and not isinstance(parts[0], str | bytes):
            values = array(parts[0])
            if values.dtype.kind in "fiub" and values.ndim == 1 and values.size <= COLUMNS:
                rows[sample.index] = tuple(np.nan_to_num(values.astype(float)).tolist())
    return rows


class FewValues:
    """A table whose columns take few values, such as answers: equal rows are its nature."""

    def __init__(self, found: Contents) -> None:
        self.rows = table_rows(found)
        self._counts = [Counter(column) for column in zip(*self.rows.values(), strict=False)]

    def expected(self, row: Row, copies: int = 1) -> float:
        """How many other rows would equal `row` if the columns did not depend on each other."""
        if len(row) != len(self._counts):
            return 0.0
        others = max(1, len(self.rows) - copies)
        shares = [
            max(0, count[value] - copies) / others
            for count, value in zip(self._counts, row, strict=True)
        ]
        return others * math.prod(shares)
