"""Plain text: paragraphs or lines."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TextIO

from mldoctor.data import chunks
from mldoctor.data.chunks import Chunk, of_rows
from mldoctor.data.files import files
from mldoctor.data.readers.opening import opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mldoctor.data.files import Source, Wanted


def documents(source: Source, wanted: Wanted) -> Iterator[Chunk]:
    """A row for each paragraph of a text, or for each line where no line is empty."""
    for path in files(source):
        with opened(path) as file:
            whole = any(not line.strip() for line in islice(file, 1000))
            file.seek(0)
            rows = _paragraphs(file) if whole else (line.strip() for line in file)
            while some := list(islice(rows, chunks.ROWS)):
                yield of_rows([{"text": text} for text in some], wanted)


def _paragraphs(file: TextIO) -> Iterator[str]:
    held: list[str] = []
    for line in file:
        if line.strip():
            held.append(line.rstrip())
        elif held:
            yield "\n".join(held)
            held = []
    if held:
        yield "\n".join(held)
