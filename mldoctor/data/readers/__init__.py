"""How each kind of file is read, one file of this package for each family of kinds.

A reader takes a source and the names of the columns that are needed, and gives the rows some
thousands at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mldoctor.data.readers.arrays import arrays
from mldoctor.data.readers.arrow import arrow, parquet
from mldoctor.data.readers.delimited import delimited
from mldoctor.data.readers.documents import documents
from mldoctor.data.readers.images import images
from mldoctor.data.readers.objects import objects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mldoctor.data.chunks import Chunk
    from mldoctor.data.files import Source, Wanted

READERS: dict[str, Callable[[Source, Wanted], Iterator[Chunk]]] = {
    ".csv": delimited,
    ".tsv": delimited,
    ".jsonl": objects,
    ".ndjson": objects,
    ".json": objects,
    ".parquet": parquet,
    ".arrow": arrow,
    ".npz": arrays,
    ".txt": documents,
    "arrow folder": arrow,
    "parquet folder": parquet,
    "images": images,
}
