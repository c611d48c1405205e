"""Arrays of NumPy in one file."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from mldoctor.data import chunks
from mldoctor.data.chunks import Chunk
from mldoctor.data.files import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mldoctor.data.files import Source, Wanted


def arrays(source: Source, wanted: Wanted) -> Iterator[Chunk]:
    """Arrays of NumPy as columns: those of the commonest length; larger entries as their hash."""
    from mldoctor.data.arrays import columns

    path = Path(source.path)
    try:
        held = columns(path)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path} cannot be read as .npz: {error}") from error
    if held is None:
        raise DataError(f"{path} has no two arrays of one length: a row needs them")
    size, getters = held
    for begin in range(0, size, chunks.ROWS):
        end = min(size, begin + chunks.ROWS)
        yield Chunk(
            {n: get(begin, end) for n, get in getters.items() if wanted is None or n in wanted},
            end - begin,
        )
