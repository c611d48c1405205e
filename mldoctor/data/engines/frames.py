"""Daft's readers: a data frame of one split, with the file that every row comes from."""

from __future__ import annotations

import io
import json
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from mldoctor.data.chunks import Chunk, Row, of_rows
from mldoctor.data.files import DataError, Source, Wanted, files, kind
from mldoctor.data.pictures import SUFFIXES, picture

if TYPE_CHECKING:
    from collections.abc import Callable

    Converted = tuple[Chunk, np.ndarray, list[tuple[str, str, int]]]
    Convert = Callable[[Chunk, list[str]], Converted]

PATH = "__path"
"""Column that names the file."""


def frame(source: Source, wanted: Wanted) -> tuple[Any, Convert | None]:
    """A split as a Daft data frame, and what turns its columns into those of the split.

    Parquet, lines of JSON, images, and whatever is elsewhere are read by Daft. Other files of this
    machine are read by our own readers, one worker a file: they count rows that cannot be read where
    Daft would end, or take a byte that is no text for an empty field.

    Raises:
        DataError: when there is no reader for it.
    """
    import daft

    what, places = _kind(source), _places(source)
    if what == "parquet":
        return _only(daft.read_parquet(places, file_path_column=PATH), source, wanted), None
    if what in {"csv", "tsv"}:
        mark = "\t" if what == "tsv" else ","
        known = daft.read_csv(places, delimiter=mark).column_names
        # As texts: a guess of types would make 1 of "01".
        schema = {name: daft.DataType.string() for name in known}
        read = daft.read_csv(
            places, delimiter=mark, infer_schema=False, schema=schema, file_path_column=PATH
        )
        return _only(read, source, wanted), None
    if what == "jsonl":
        # As lines: one that is no JSON is counted, not the end of the file.
        return daft.read_text(places, file_path_column=PATH), _Lines(wanted)
    if what == "files":
        return daft.from_pydict({PATH: places}), None
    found = daft.from_glob_path(places)
    found = found.where(daft.col("path").regexp(f"(?i)({'|'.join(SUFFIXES)})$".replace(".", r"\.")))
    path = daft.col("path")
    return found.select(path.alias(PATH), path.download(on_error="null").alias("bytes")), _Pictures(
        source.shown, wanted
    )


def own(source: Source) -> bool:
    """Whether our own readers read it, a file at a time."""
    return _kind(source) == "files"


def _kind(source: Source) -> str:
    """How a split is read."""
    if source.url is None:
        first = files(source)[0]
        found = kind(Path(source.path)) if not source.parts else kind(first)
        if found in {".jsonl", ".ndjson"} and not first.name.endswith(".gz"):
            return "jsonl"
        reads = {".parquet": "parquet", "parquet folder": "parquet", "images": "images"}
        return reads.get(found, "files")
    suffix = PurePosixPath(source.url.split("?")[0]).suffix.lower()
    what = {".ndjson": "jsonl", ".pq": "parquet"}.get(suffix, suffix.removeprefix("."))
    what = "images" if f".{what}" in SUFFIXES else what or "parquet"
    if what not in {"parquet", "csv", "tsv", "jsonl", "images"}:
        raise DataError(
            f"Daft cannot read {source.url}; from elsewhere it reads parquet, csv, tsv, jsonl and"
            " images: copy it here first"
        )
    return what


def _places(source: Source) -> Any:
    if source.url is None:
        path = Path(source.path)
        if path.is_dir() and kind(path) == "images":
            return f"{path.resolve()}/**"
        return [str(p.resolve()) for p in files(source)]
    bare = PurePosixPath(source.url.split("?")[0])
    return source.url if bare.suffix else f"{source.url.rstrip('/')}/**/*.parquet"


def _only(read: Any, source: Source, wanted: Wanted) -> Any:
    keep = source.keep
    names = [
        n
        for n in read.column_names
        if n == PATH or wanted is None or n in wanted or (keep is not None and n == keep[0])
    ]
    return read.select(*names)


class _Lines:
    """Lines of JSON to columns."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted

    def __call__(self, chunk: Chunk, places: list[str]) -> Converted:
        rows: list[Row] = []
        keep: list[int] = []
        skipped: list[tuple[str, str, int]] = []
        for i, line in enumerate(chunk.column("text")):
            try:
                row = json.loads(line.removeprefix("\ufeff"))
            except (ValueError, RecursionError):
                skipped.append(("no JSON", places[i], 1))
                continue
            if not isinstance(row, dict):
                skipped.append(("no JSON object", places[i], 1))
                continue
            rows.append(row)
            keep.append(i)
        return of_rows(rows, self.wanted), np.asarray(keep, np.int64), skipped


class _Pictures:
    """Bytes of files to hashes of images."""

    def __init__(self, top: str, wanted: Wanted) -> None:
        self.top, self.wanted = top, wanted

    def __call__(self, chunk: Chunk, places: list[str]) -> Converted:
        rows: list[Row] = []
        keep: list[int] = []
        skipped: list[tuple[str, str, int]] = []
        for i, content in enumerate(chunk.column("bytes")):
            path = PurePosixPath(places[i].removeprefix("file://"))
            label = path.parent.name if path.parent.name != PurePosixPath(self.top).name else None
            row = None if content is None else picture(io.BytesIO(content), path.name, label)
            if row is None:
                skipped.append(("no readable image", path.name, 1))
                continue
            rows.append(row)
            keep.append(i)
        return of_rows(rows, self.wanted), np.asarray(keep, np.int64), skipped
