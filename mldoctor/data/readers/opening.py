"""Open files of text, whatever their encoding, compressed or not."""

from __future__ import annotations

import contextlib
import gzip
import io
import zlib
from typing import TYPE_CHECKING, TextIO

from mldoctor.data.files import FORMATS, DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTROL = bytes(c for c in range(32) if c not in b"\t\n\f\v\r")
"""Characters that no text has: of random bytes they are a tenth."""


@contextlib.contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """A file of text: UTF-16 by its mark, as spreadsheets write it, else UTF-8; gzip or plain.

    Bytes that are no text survive as they are, so that equal ones stay equal.
    """
    zipped = path.name.lower().endswith(".gz")
    try:
        with contextlib.closing(gzip.GzipFile(path) if zipped else path.open("rb")) as raw:
            start = raw.read(4096)
            wide = start[:2] in (b"\xff\xfe", b"\xfe\xff")
            if not wide and len(start.translate(None, CONTROL)) < 0.95 * len(start) - 16:
                raise DataError(f"{path} is no text: {FORMATS} are told by their names")
            raw.seek(0)
            with io.TextIOWrapper(
                raw,
                encoding="utf-16" if wide else "utf-8-sig",
                errors="replace" if wide else "surrogateescape",
                newline="",
            ) as file:
                yield file
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
