"""Read rows from files of any size, a chunk at a time: csv, tsv, jsonl, parquet, arrow, folders."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import json
import re
import sys
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TextIO

from mldoctor.data import chunks
from mldoctor.data.chunks import Chunk, Row, of_rows
from mldoctor.data.pictures import SUFFIXES, picture
from mldoctor.errors import MldoctorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LARGEST = 64 << 20
"""Characters of one csv field; Python's own bound of 131,072 is below many documents."""

LONGEST = 256 << 20
"""Characters of one line of JSON; a longer one is no row but a file without line ends."""

CONTROL = bytes(c for c in range(32) if c not in b"\t\n\f\v\r")
"""Characters that no text has: of random bytes they are a tenth."""

FORMATS = (
    ".csv, .tsv, .jsonl, .json, .parquet, .arrow, .npz, .txt, a Hugging Face dataset folder or an"
    " image folder"
)

NAMED = re.compile(r"(train|training|valid|validation|val|dev|test)(?=[-_.])", re.IGNORECASE)
"""How the files of one split are called in a repository of the Hugging Face hub."""

ORDER = {"train": 0, "training": 0, "val": 1, "valid": 1, "validation": 1, "dev": 1, "test": 2}

Wanted = tuple[str, ...] | None


class DataError(MldoctorError):
    """A data file cannot be read, or lacks a column."""


@dataclass(slots=True)
class Source:
    """Rows of one split.

    Attributes:
        path: the file or folder.
        keep: rows of which column, and with which value, belong to the split; None for all.
        url: the address of a file that is not on this machine; `path` then is only its name.
        parts: the files of a split that shares its folder with others; `path` then is a pattern.
        skipped: rows that could not be read, counted by reason; first: an example of each.
    """

    path: Path | PurePosixPath
    keep: tuple[str, str] | None = None
    url: str | None = None
    parts: tuple[Path, ...] = ()
    skipped: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """How a message names it."""
        return self.url or str(self.path)

    def rows(self) -> Iterator[Row]:
        """Every readable row, in order."""
        for chunk in self.chunks():
            yield from chunk.rows()

    def chunks(self, wanted: Wanted = None) -> Iterator[Chunk]:
        """The rows, some thousands at a time.

        Args:
            wanted: names of the columns that are needed; None for all.

        Raises:
            DataError: when the file is missing, empty, of an unknown kind, or damaged throughout.
        """
        self.skipped.clear()
        if wanted is not None and self.keep is not None:
            wanted = tuple(dict.fromkeys((*wanted, self.keep[0])))
        for chunk in reader(self)(self, wanted):
            kept = chunk if self.keep is None else chunk.where(*self.keep)
            if kept.size:
                yield kept

    def skip(self, reason: str, where: str, count: int = 1) -> None:
        """Count rows that cannot be used."""
        self.skipped[reason] += count
        self.first.setdefault(reason, where)


def column(wanted: str, known: list[str], path: str) -> str:
    """The column `wanted`, or an error that names the nearest one."""
    if wanted in known:
        return wanted
    near = get_close_matches(wanted, known, n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    raise DataError(f"{path} has no column {wanted!r}{hint} It has: {', '.join(known[:20])}")


def kind(path: Path) -> str:
    """What a file or folder on this machine is: a suffix, or "arrow folder", "images" and so on.

    Raises:
        DataError: when it is missing, empty, or nothing that can be read.
    """
    if not path.exists():
        raise DataError(f"{path} does not exist; give {FORMATS}")
    if path.is_dir():
        if any(path.glob("*.arrow")):
            return "arrow folder"
        if any(path.glob("*.parquet")):
            return "parquet folder"
        if any(p.suffix.lower() in SUFFIXES for p in path.rglob("*")):
            return "images"
        raise DataError(f"{path} holds no dataset and no images; give {FORMATS}")
    if not path.is_file():
        raise DataError(f"{path} is no regular file; give {FORMATS}")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty")
    suffix = suffix_of(path)
    if suffix not in _READERS:
        raise DataError(f"{path} is of no known kind; give {FORMATS}")
    return suffix


def reader(source: Source) -> Callable[[Source, Wanted], Iterator[Chunk]]:
    """The function that reads a source on this machine."""
    if source.url is not None:
        raise DataError(
            f"reading {source.url} needs Daft: pip install 'mldoctor[data]', or copy it here first"
        )
    return _READERS[kind(source.parts[0] if source.parts else Path(source.path))]


def files(source: Source) -> list[Path]:
    """The files of a source in the order of their rows."""
    path = Path(source.path)
    if source.parts:
        return list(source.parts)
    if not path.is_dir() or kind(path) == "images":
        return [path]
    suffix = ".arrow" if kind(path) == "arrow folder" else ".parquet"
    return sorted(p for p in path.glob(f"*{suffix}") if not p.name.startswith("cache-"))


def _csv(source: Source, wanted: Wanted) -> Iterator[Chunk]:
    csv.field_size_limit(min(LARGEST, sys.maxsize))
    for path in files(source):
        yield from _csv_file(source, path, wanted)


def _csv_file(source: Source, path: Path, wanted: Wanted) -> Iterator[Chunk]:
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


def suffix_of(path: Path) -> str:
    """The suffix that tells the kind of a file, compressed or not."""
    name = path.name.lower()
    return Path(name.removesuffix(".gz")).suffix if name.endswith(".gz") else path.suffix.lower()


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


def _jsonl(source: Source, wanted: Wanted) -> Iterator[Chunk]:
    for path in files(source):
        yield from _json_file(source, path, wanted)


def _json_file(source: Source, path: Path, wanted: Wanted) -> Iterator[Chunk]:
    with opened(path) as file:
        first = next((c for c in iter(lambda: file.read(1), "") if not c.isspace()), "")
        file.seek(0)
        if first == "{" and suffix_of(path) == ".json":
            _document(path, file)
        rows = _json_array(source, path, file.read()) if first == "[" else _json_lines(source, file)
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


def _json_lines(source: Source, file: Any) -> Iterator[Row]:
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


def _json_array(source: Source, path: Path, text: str) -> Iterator[Row]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no JSON: {error}") from error
    for number, row in enumerate(rows):
        if isinstance(row, dict):
            yield row
        else:
            source.skip("no JSON object", f"entry {number}")


def pyarrow(path: object) -> Any:
    """The pyarrow module, or an error that says how to get it."""
    try:
        import pyarrow as pa
    except ImportError as error:
        raise DataError(f"reading {path} needs pyarrow: pip install pyarrow") from error
    return pa


def _parquet(source: Source, wanted: Wanted) -> Iterator[Chunk]:
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


def _arrow(source: Source, wanted: Wanted) -> Iterator[Chunk]:
    for path in files(source):
        for batch in batches(path):
            names = _known(batch.schema.names, wanted)
            part = batch if names is None else batch.select(names)
            for begin in range(0, part.num_rows, chunks.ROWS):
                yield _of_batch(part.slice(begin, chunks.ROWS))


def _lines(source: Source, wanted: Wanted) -> Iterator[Chunk]:
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


def _arrays(source: Source, wanted: Wanted) -> Iterator[Chunk]:
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


def _images(source: Source, wanted: Wanted) -> Iterator[Chunk]:
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


_READERS: dict[str, Callable[[Source, Wanted], Iterator[Chunk]]] = {
    ".csv": _csv,
    ".tsv": _csv,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".json": _jsonl,
    ".parquet": _parquet,
    ".arrow": _arrow,
    ".npz": _arrays,
    ".txt": _lines,
    "arrow folder": _arrow,
    "parquet folder": _parquet,
    "images": _images,
}


def splits_of(path: Path) -> list[tuple[str, Source]]:
    """The splits in a folder, by name: of a saved dataset dictionary, or of files named by split.

    Anything else is one split.

    Raises:
        DataError: when the list of a dictionary is damaged, or names a folder that is not there.
    """
    listing = path / "dataset_dict.json"
    if listing.is_file():
        try:
            names = json.loads(listing.read_text(encoding="utf-8"))["splits"]
            return [(str(name), Source(path / str(name))) for name in names]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{listing} is damaged: it should list the splits") from error
    for folder in (path / "data", path) if path.is_dir() else ():
        for suffix in (".parquet", ".jsonl", ".csv"):
            named: dict[str, list[Path]] = {}
            for file in sorted(folder.glob(f"*{suffix}")):
                match = NAMED.match(file.name)
                if match:
                    named.setdefault(match[1].lower(), []).append(file)
            if len(named) > 1:
                return [
                    (name, Source(folder / f"{name}*{suffix}", parts=tuple(found)))
                    for name, found in sorted(named.items(), key=lambda item: ORDER[item[0]])
                ]
    return [(path.stem or path.name, Source(path))]
