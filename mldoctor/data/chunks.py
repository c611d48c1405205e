"""Some thousand rows of a split, column by column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROWS = 2000
"""Rows of a chunk: what the arrays made of them need stays in the processor's cache."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows in order; every column holds one value a row, None where a row has none."""

    columns: dict[str, list[Any]]
    size: int

    def rows(self) -> Iterator[Row]:
        """The rows, one after another."""
        for values in zip(*self.columns.values(), strict=True):
            yield dict(zip(self.columns, values, strict=True))

    def column(self, name: str | None) -> list[Any]:
        """The values of a column; None for every row where the chunk lacks it."""
        found = self.columns.get(name) if name is not None else None
        return [None] * self.size if found is None else found

    def where(self, name: str, value: str) -> Chunk:
        """The rows whose column says `value`."""
        keep = [i for i, v in enumerate(self.column(name)) if str(v) == value]
        return Chunk({n: [v[i] for i in keep] for n, v in self.columns.items()}, len(keep))

    def head(self, count: int) -> Chunk:
        """The first rows."""
        if count >= self.size:
            return self
        return Chunk({n: v[:count] for n, v in self.columns.items()}, count)


def of_rows(rows: list[Row], wanted: Iterable[str] | None = None) -> Chunk:
    """Rows as columns: all names that occur, or the wanted ones."""
    names = dict.fromkeys(name for row in rows for name in row) if wanted is None else wanted
    return Chunk({name: [row.get(name) for row in rows] for name in names}, len(rows))
