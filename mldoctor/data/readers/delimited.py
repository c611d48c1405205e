"""Tables as text: csv and tsv, whatever separates their fields."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, TextIO

from mldoctor.data import chunks
from mldoctor.data.chunks import Chunk
from mldoctor.data.files import DataError, files, suffix_of
from mldoctor.data.readers.opening import opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mldoctor.data.files import Source, Wanted

LARGEST = 64 << 20
"""Characters of one csv field; Python's own bound of 131,072 is below many documents."""


def delimited(source: Source, wanted: Wanted) -> Iterator[Chunk]:
    """A row for each line, columns by the header line."""
    csv.field_size_limit(min(LARGEST, sys.maxsize))
    for path in files(source):
        yield from _file(source, path, wanted)


def _file(source: Source, path: Path, wanted: Wanted) -> Iterator[Chunk]:
    with opened(path) as file:
        mark = "\t" if suffix_of(path) == ".tsv" else _mark(file)
        lines = csv.reader((line.replace("\0", "") for line in file), delimiter=mark)
        try:
            header = next(lines, None)
        except csv.Error as error:
            raise DataError(f"{path} has no header line: {error}") from error
        if not header or not any(name.strip() for name in header):
            raise DataError(f"{path} has no header line")
        twice = [name for name, times in Counter(header).items() if times > 1 and name]
        if twice:
            raise DataError(f"{path} has two columns {twice[0]!r}: rename one")
        names = [name or f"column {i}" for i, name in enumerate(header)]
        places = [(n, i) for i, n in enumerate(names) if wanted is None or n in wanted]
        rows: list[list[str]] = []
        for values in _fields(source, lines, len(names)):
            rows.append(values)
            if len(rows) >= chunks.ROWS:
                yield Chunk({n: [row[i] for row in rows] for n, i in places}, len(rows))
                rows = []
        yield Chunk({n: [row[i] for row in rows] for n, i in places}, len(rows))


def _mark(file: TextIO) -> str:
    """What separates the fields of the first line: a comma, unless there is none in it."""
    first = file.readline(1 << 16)
    file.seek(0)
    return "," if "," in first else next((m for m in ";\t|" if m in first), ",")


def _fields(source: Source, lines: Any, width: int) -> Iterator[list[str]]:
    while True:
        before = lines.line_num
        try:
            values = next(lines)
        except StopIteration:
            return
        except csv.Error as error:
            source.skip(f"unreadable csv ({error})", f"line {lines.line_num}")
            continue
        if not values:
            continue
        if len(values) != width:
            several = lines.line_num - before > 1
            where = f"lines {before + 1} to {lines.line_num}" if several else f"line {before + 1}"
            # A quotation mark that is never closed takes all lines up to the next one with it.
            hint = ", an unclosed quotation mark?" if several else ""
            source.skip(f"not {width} fields", where + hint)
            continue
        yield values
