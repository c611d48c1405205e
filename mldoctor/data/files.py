"""Read rows from files of any size, a chunk at a time: csv, tsv, jsonl, parquet, arrow, folders."""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from mldoctor.errors import MldoctorError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 2000
"""Rows of a chunk."""

LARGEST = 64 << 20
"""Characters of one csv field; Python's own bound of 131,072 is below many documents."""

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm")
FORMATS = (
    ".csv, .tsv, .jsonl, .json, .parquet, .arrow, a Hugging Face dataset folder or an image folder"
)

Row = dict[str, Any]


class DataError(MldoctorError):
    """A data file cannot be read, or lacks a column."""


@dataclass(slots=True)
class Source:
    """Rows of one split.

    Attributes:
        path: the file or folder.
        keep: rows of which column, and with which value, belong to the split; None for all.
        skipped: rows that could not be read, counted by reason; first: an example of each.
    """

    path: Path
    keep: tuple[str, str] | None = None
    skipped: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    def rows(self) -> Iterator[Row]:
        """Every readable row, in order.

        Raises:
            DataError: when the file is missing, empty, of an unknown kind, or damaged throughout.
        """
        self.skipped.clear()
        for row in _reader(self.path)(self):
            if self.keep is None or str(row.get(self.keep[0])) == self.keep[1]:
                yield row

    def chunks(self) -> Iterator[list[Row]]:
        """The rows, some thousands at a time."""
        chunk: list[Row] = []
        for row in self.rows():
            chunk.append(row)
            if len(chunk) >= ROWS:
                yield chunk
                chunk = []
        if chunk:
            yield chunk

    def skip(self, reason: str, where: str) -> None:
        """Count a row that cannot be used."""
        self.skipped[reason] += 1
        self.first.setdefault(reason, where)


def column(wanted: str, known: list[str], path: Path) -> str:
    """The column `wanted`, or an error that names the nearest one."""
    if wanted in known:
        return wanted
    near = get_close_matches(wanted, known, n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise DataError(f"{path} has no column {wanted!r}{hint} It has: {', '.join(known[:20])}")


def _reader(path: Path) -> Any:
    if not path.exists():
        raise DataError(f"{path} does not exist; give {FORMATS}")
    if path.is_dir():
        if any(path.glob("*.arrow")):
            return _arrow_folder
        if any(path.glob("*.parquet")):
            return _parquet_folder
        if any(p.suffix.lower() in IMAGES for p in path.rglob("*")):
            return _images
        raise DataError(f"{path} holds no dataset and no images; give {FORMATS}")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty")
    readers = {
        ".csv": _csv,
        ".tsv": _csv,
        ".jsonl": _jsonl,
        ".ndjson": _jsonl,
        ".json": _jsonl,
        ".parquet": _parquet,
        ".arrow": _arrow,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path} is of no known kind; give {FORMATS}")
    return reader


def _csv(source: Source) -> Iterator[Row]:
    csv.field_size_limit(min(LARGEST, sys.maxsize))
    dialect = "excel-tab" if source.path.suffix.lower() == ".tsv" else "excel"
    with source.path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.reader((line.replace("\0", "") for line in file), dialect)
        header = next(reader, None)
        if not header:
            raise DataError(f"{source.path} has no header line")
        while True:
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                source.skip(f"unreadable csv ({error})", f"line {reader.line_num}")
                continue
            if not values:
                continue
            if len(values) != len(header):
                source.skip(f"not {len(header)} fields", f"line {reader.line_num}")
                continue
            yield dict(zip(header, values, strict=True))


def _jsonl(source: Source) -> Iterator[Row]:
    with source.path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
        first = file.read(1)
        file.seek(0)
        if first == "[":
            yield from _json_array(source, file.read())
            return
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (json.JSONDecodeError, RecursionError):
                source.skip("no JSON", f"line {number}")
                continue
            if isinstance(row, dict):
                yield row
            else:
                source.skip("no JSON object", f"line {number}")


def _json_array(source: Source, text: str) -> Iterator[Row]:
    try:
        rows = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError(f"{source.path} is no JSON: {error}") from error
    for number, row in enumerate(rows):
        if isinstance(row, dict):
            yield row
        else:
            source.skip("no JSON object", f"entry {number}")


def _pyarrow(path: Path) -> Any:
    try:
        import pyarrow as pa
    except ImportError as error:
        raise DataError(f"reading {path} needs pyarrow: pip install pyarrow") from error
    return pa


def _parquet(source: Source, path: Path | None = None) -> Iterator[Row]:
    path = path or source.path
    pa = _pyarrow(path)
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=ROWS):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{path} cannot be read as parquet: {str(error).splitlines()[0]}"
        ) from error


def _parquet_folder(source: Source) -> Iterator[Row]:
    for path in sorted(source.path.glob("*.parquet")):
        yield from _parquet(source, path)


def _arrow(source: Source, path: Path | None = None) -> Iterator[Row]:
    """An arrow stream, as Hugging Face datasets are saved, or an arrow file."""
    path = path or source.path
    pa = _pyarrow(path)
    with pa.memory_map(str(path)) as mapped:
        try:
            batches: Any = pa.ipc.open_stream(mapped)
        except pa.ArrowInvalid:
            mapped.seek(0)
            try:
                opened = pa.ipc.open_file(mapped)
            except pa.ArrowException as error:
                raise DataError(
                    f"{path} cannot be read as arrow: {str(error).splitlines()[0]}"
                ) from error
            batches = (opened.get_batch(i) for i in range(opened.num_record_batches))
        for batch in batches:
            for begin in range(0, batch.num_rows, ROWS):
                yield from batch.slice(begin, ROWS).to_pylist()


def _arrow_folder(source: Source) -> Iterator[Row]:
    for path in sorted(source.path.glob("*.arrow")):
        if not path.name.startswith("cache-"):
            yield from _arrow(source, path)


def _images(source: Source) -> Iterator[Row]:
    """Pictures in one folder a class: a hash of their pixels, and a difference hash of their look."""
    import hashlib

    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise DataError(
            f"reading the images of {source.path} needs Pillow: pip install pillow"
        ) from error
    import numpy as np

    for path in sorted(p for p in source.path.rglob("*") if p.suffix.lower() in IMAGES):
        try:
            with Image.open(path) as image:
                pixels = np.asarray(image.convert("RGB"))
                small = np.asarray(image.convert("L").resize((9, 8)), dtype=np.int16)
        except (
            UnidentifiedImageError,
            OSError,
            ValueError,
            SyntaxError,
            Image.DecompressionBombError,
        ):
            source.skip("no readable image", path.name)
            continue
        look = np.packbits(small[:, 1:] > small[:, :-1])
        yield {
            "file": str(path.relative_to(source.path)),
            "label": path.parent.name if path.parent != source.path else None,
            "pixels": hashlib.blake2b(
                pixels.tobytes() + str(pixels.shape).encode(), digest_size=16
            ).hexdigest(),
            "look": int.from_bytes(look.tobytes(), "big"),
        }


def splits_of(path: Path) -> list[Path]:
    """The split folders of a saved Hugging Face dataset dictionary; else the path itself."""
    listing = path / "dataset_dict.json"
    if not listing.is_file():
        return [path]
    try:
        names = json.loads(listing.read_text(encoding="utf-8"))["splits"]
    except (json.JSONDecodeError, KeyError) as error:
        raise DataError(f"{listing} is damaged: it should list the splits") from error
    return [path / str(name) for name in names]
