"""Parquet and arrow, also as Hugging Face datasets are saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mldoctor.data import chunks
from mldoctor.data.chunks import Chunk
from mldoctor.data.files import DataError, files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mldoctor.data.files import Source, Wanted


def pyarrow(path: object) -> Any:
    """The pyarrow module, or an error that says how to get it."""
    try:
        import pyarrow as pa
    except ImportError as error:
        raise DataError(f"reading {path} needs pyarrow: pip install pyarrow") from error
    return pa


def parquet(source: Source, wanted: Wanted) -> Iterator[Chunk]:
    """Rows of parquet files, read as a stream."""
    for path in files(source):
        pa = pyarrow(path)
        import pyarrow.parquet as pq

        try:
            # Read as a stream: a file is often one row group, which need not fit into memory.
            with pq.ParquetFile(path, buffer_size=1 << 20) as file:
                names = _known(file.schema_arrow.names, wanted)
                for batch in file.iter_batches(batch_size=chunks.ROWS, columns=names):
                    yield _of_batch(batch)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise DataError(
                f"{path} cannot be read as parquet: {str(error).splitlines()[0]}"
            ) from error


def _known(names: list[str], wanted: Wanted) -> list[str] | None:
    return None if wanted is None else [name for name in names if name in wanted]


def _of_batch(batch: Any) -> Chunk:
    return Chunk(
        {name: _plain(batch.column(i)) for i, name in enumerate(batch.schema.names)}, batch.num_rows
    )


def _plain(values: Any) -> list[Any]:
    """A column as Python values; what no Python value can hold is shown as text."""
    try:
        found: list[Any] = values.to_pylist()
    except (ValueError, OverflowError, TypeError):  # a date beyond the year 9999, an unknown type
        found = [str(v) for v in values]
    return found


def batches(path: Path) -> Iterator[Any]:
    """The record batches of an arrow stream, as Hugging Face datasets are saved, or an arrow file."""
    pa = pyarrow(path)
    try:
        with pa.memory_map(str(path)) as mapped:
            try:
                stream = pa.ipc.open_stream(mapped)
            except pa.ArrowInvalid:
                mapped.seek(0)
                file = pa.ipc.open_file(mapped)
                stream = (file.get_batch(i) for i in range(file.num_record_batches))
            yield from stream
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as arrow: {str(error).splitlines()[0]}") from error


def arrow(source: Source, wanted: Wanted) -> Iterator[Chunk]:
    """Rows of arrow files, which are mapped into memory."""
    for path in files(source):
        for batch in batches(path):
            names = _known(batch.schema.names, wanted)
            part = batch if names is None else batch.select(names)
            for begin in range(0, part.num_rows, chunks.ROWS):
                yield _of_batch(part.slice(begin, chunks.ROWS))
