"""Rows of files of any size, a chunk at a time: what a file or folder is, and which rows belong."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from mldoctor.data.pictures import SUFFIXES
from mldoctor.errors import MldoctorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mldoctor.data.chunks import Chunk, Row

FORMATS = (
    ".csv, .tsv, .jsonl, .json, .parquet, .arrow, .npz, .txt, a Hugging Face dataset folder or an"
    " image folder"
)

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
    from mldoctor.data.readers import READERS

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
    if suffix not in READERS:
        raise DataError(f"{path} is of no known kind; give {FORMATS}")
    return suffix


def reader(source: Source) -> Callable[[Source, Wanted], Iterator[Chunk]]:
    """The function that reads a source on this machine."""
    from mldoctor.data.readers import READERS

    if source.url is not None:
        raise DataError(
            f"reading {source.url} needs Daft: pip install 'mldoctor[data]', or copy it here first"
        )
    return READERS[kind(source.parts[0] if source.parts else Path(source.path))]


def files(source: Source) -> list[Path]:
    """The files of a source in the order of their rows."""
    path = Path(source.path)
    if source.parts:
        return list(source.parts)
    if not path.is_dir() or kind(path) == "images":
        return [path]
    suffix = ".arrow" if kind(path) == "arrow folder" else ".parquet"
    return sorted(p for p in path.glob(f"*{suffix}") if not p.name.startswith("cache-"))


def suffix_of(path: Path) -> str:
    """The suffix that tells the kind of a file, compressed or not."""
    name = path.name.lower()
    return Path(name.removesuffix(".gz")).suffix if name.endswith(".gz") else path.suffix.lower()
