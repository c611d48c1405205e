"""JSON: one object a line, or a list of objects."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any, TextIO

from mldoctor.data import chunks
from mldoctor.data.chunks import Chunk, Row, of_rows
from mldoctor.data.files import DataError, files, suffix_of
from mldoctor.data.readers.opening import opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mldoctor.data.files import Source, Wanted

LONGEST = 256 << 20
"""Characters of one line of JSON; a longer one is no row but a file without line ends."""


def objects(source: Source, wanted: Wanted) -> Iterator[Chunk]:
    """A row for each object, columns by its keys."""
    for path in files(source):
        yield from _file(source, path, wanted)


def _file(source: Source, path: Path, wanted: Wanted) -> Iterator[Chunk]:
    with opened(path) as file:
        first = next((c for c in iter(lambda: file.read(1), "") if not c.isspace()), "")
        file.seek(0)
        if first == "{" and suffix_of(path) == ".json":
            _document(path, file)
        rows = _array(source, path, file.read()) if first == "[" else _lines(source, file)
        while True:
            some = list(islice(rows, chunks.ROWS))
            if not some:
                return
            yield of_rows(some, wanted)


def _document(path: Path, file: TextIO) -> None:
    """Refuse a file that is one JSON object over several lines."""
    line = file.readline(LONGEST)
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        if len(line) < LONGEST and line.strip().rstrip(",") and line.count("{") > line.count("}"):
            raise DataError(
                f"{path} is one JSON object; give a list of objects, or one object a line"
            ) from None
    file.seek(0)


def _lines(source: Source, file: Any) -> Iterator[Row]:
    number = 0
    while line := file.readline(LONGEST):
        number += 1
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            source.skip("no JSON", f"line {number}")
            continue
        if isinstance(row, dict):
            yield row
        else:
            source.skip("no JSON object", f"line {number}")


def _array(source: Source, path: Path, text: str) -> Iterator[Row]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no JSON: {error}") from error
    for number, row in enumerate(rows):
        if isinstance(row, dict):
            yield row
        else:
            source.skip("no JSON object", f"entry {number}")
