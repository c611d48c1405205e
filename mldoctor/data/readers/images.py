"""Pictures in folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mldoctor.data import chunks
from mldoctor.data.chunks import Chunk, Row, of_rows
from mldoctor.data.files import DataError
from mldoctor.data.pictures import SUFFIXES, picture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mldoctor.data.files import Source, Wanted


def images(source: Source, wanted: Wanted) -> Iterator[Chunk]:
    """Pictures in one folder a class."""
    try:
        import PIL.Image  # noqa: F401 - whether it is there
    except ImportError as error:
        raise DataError(
            f"reading the images of {source.path} needs Pillow: pip install pillow"
        ) from error
    top = Path(source.path)
    rows: list[Row] = []
    for path in sorted(p for p in top.rglob("*") if p.suffix.lower() in SUFFIXES):
        name = str(path.relative_to(top))
        row = picture(path, name, path.parent.name if path.parent != top else None)
        if row is None:
            source.skip("no readable image", name)
            continue
        rows.append(row)
        if len(rows) >= chunks.ROWS:
            yield of_rows(rows, wanted)
            rows = []
    yield of_rows(rows, wanted)
