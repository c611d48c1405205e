"""One split of files, read once: hashes and columns of every row, in bounded memory."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from mldoctor.data.files import DataError, Source, column
from mldoctor.data.folders import ORDER, splits_of
from mldoctor.data.kernel import assemble
from mldoctor.data.scan import Columns, Scan, Scanned

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mldoctor.data.chunks import Chunk
    from mldoctor.data.engines import Executor, Held
    from mldoctor.data.kernel import Index, Prepared
    from mldoctor.data.words import Hashes

TEXT = re.compile(
    r"^(text|sentence|review|content|document|question|body|comment|utterance|title|prompt|tweet|"
    r"message|headline|description)(_?text|_?body)?s?$",
    re.IGNORECASE,
)
LABEL = re.compile(
    r"^(label|labels|target|class|category|y|sentiment|intent)(_?id|_?name)?$", re.IGNORECASE
)

INDEX = 4
"""An index takes so many times the bytes of the prepared rows that it is made of."""

EVALUATES = re.compile(r"test|val|dev|eval|hold", re.IGNORECASE)
"""Names of columns of yes and no whose yes means that the row is held out."""

REMOTE = re.compile(r"^[a-z][a-z0-9+.-]+://", re.IGNORECASE)


@dataclass(slots=True)
class Split:
    """What was read of one split. Rows count from 0 and leave out what was skipped.

    Attributes:
        raw, normal: hashes of the inputs as they are and normalised.
        looks: picture hashes; empty: rows that hold nothing; mixed: texts that were none.
        short: whether a row is a text of a few words.
        index: its near copies can be looked up in this; None where it did not fit into memory.
        index_rows: rows of the split in the order of the index.
        weight: bytes of the prepared rows.
        near: near copies met while it was read, by the number of the other split: own row, the
            other's row, similarity.
    """

    name: str
    source: Source
    columns: Columns
    raw: Hashes = field(default_factory=lambda: np.zeros(0, np.uint64))
    normal: Hashes = field(default_factory=lambda: np.zeros(0, np.uint64))
    labels: list[Any] = field(default_factory=list)
    groups: list[Any] = field(default_factory=list)
    times: list[Any] = field(default_factory=list)
    looks: Hashes = field(default_factory=lambda: np.zeros(0, np.uint64))
    empty: list[int] = field(default_factory=list)
    short: np.ndarray = field(default_factory=lambda: np.zeros(0, np.bool_))
    mixed: int = 0
    index: Index | None = None
    index_rows: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    weight: int = 0
    near: dict[int, list[tuple[int, int, float]]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Rows read."""
        return len(self.raw)

    @property
    def shown(self) -> str:
        """The name of its file."""
        return self.source.path.name


def find_columns(
    source: Source,
    text: str | None,
    label: str | None,
    group: str | None,
    time: str | None,
    *,
    executor: Executor | None = None,
) -> Columns:
    """The columns by the names given, else by what columns of that meaning are usually called.

    Raises:
        DataError: when a column that was named is not there, or the split has no row.
    """
    from mldoctor.facts.split_columns import GROUP

    chunk = _head(source, executor)
    known = list(chunk.columns)
    if "pixels" in known and "look" in known:
        labelled = any(v is not None for v in chunk.column("label"))
        return Columns("pixels", "label" if labelled else None, None, None, look=True)
    named = [column(n, known, source.shown) if n else None for n in (text, label, group, time)]
    found = named[0] or next((n for n in known if TEXT.match(n) and _is_text(chunk, n)), None)
    rest = [n for n in known if n != found]
    found_label = named[1] or next((n for n in rest if LABEL.match(n)), None)
    found_group = named[2] or next((n for n in rest if GROUP.match(n.lower())), None)
    taken = {
        found_label,
        found_group,
        named[3],
        source.keep[0] if source.keep else None,
        "id",
        "index",
        "idx",
        "Unnamed: 0",
        "column 0" if "column 0" in known and _counts_up(chunk) else None,
    }
    features = () if found else tuple(n for n in known if n not in taken)
    if not found and not features:
        raise DataError(
            f"{source.shown} has no column left as input: {', '.join(known[:20])}"
            " (--text names one)"
        )
    return Columns(found, found_label, found_group, named[3], features)


def _head(source: Source, executor: Executor | None) -> Chunk:
    """The first rows, all columns."""
    if executor is None:
        from mldoctor.data.engines.local import Local

        executor = Local()
    for _rows, chunk in executor.map(_same, source, None, first=100):
        if chunk is not None and chunk.size:
            found: Chunk = chunk
            return found
    told = [
        f"{n:,} rows: {reason}, first {source.first[reason]}"
        for reason, n in source.skipped.items()
    ]
    raise DataError(
        f"{source.shown} has no readable row"
        + (f" with {source.keep[0]} = {source.keep[1]}" if source.keep else "")
        + (f" ({'; '.join(told)})" if told else "")
    )


def _same(chunk: Chunk) -> Chunk:
    return chunk


def _is_text(chunk: Chunk, name: str) -> bool:
    values = [v for v in chunk.column(name) if v is not None]
    return bool(values) and sum(isinstance(v, str) for v in values) * 2 > len(values)


def _counts_up(chunk: Chunk) -> bool:
    """Whether the nameless first column is the index that pandas writes."""
    values = chunk.column("column 0")
    return [str(v) for v in values] == [str(i) for i in range(len(values))]


def read(
    name: str,
    source: Source,
    columns: Columns,
    progress: Callable[[int], None],
    *,
    executor: Executor | None = None,
    indexes: Mapping[int, tuple[Held[Index], np.ndarray]] | None = None,
    memory: int = 0,
) -> Split:
    """Read every row once.

    Args:
        name: of the split.
        source: where it stands.
        columns: what they mean.
        progress: called with the rows done.
        executor: where the work is done; None for this process.
        indexes: of other splits, by number, with the rows that they hold: near copies in them are
            looked for on the way.
        memory: bytes that an index of this split may take; 0 for none.

    Raises:
        DataError: when there is nothing to read.
    """
    if executor is None:
        from mldoctor.data.engines.local import Local

        executor = Local()
    split = Split(name, source, columns)
    indexes = indexes or {}
    split.near = {number: [] for number in indexes}
    scan = Scan(columns, tuple(held for held, _ in indexes.values()), keep=memory > 0)
    rows: list[np.ndarray] = []
    found: list[Scanned] = []
    prepared: list[Prepared] = []
    known: dict[Any, Any] = {}
    done = 0
    for numbers, part in executor.map(scan, source, columns.wanted):
        if part is None:
            continue
        for values in (part.labels, part.groups, part.times):
            values[:] = [known.setdefault((type(v), v), v) for v in values]
        if part.prepared is not None:
            split.weight += part.prepared.size
            prepared.append(part.prepared)
            part.prepared = None
            if split.weight * INDEX > memory:
                prepared.clear()
        for (number, (_, of_index)), met in zip(indexes.items(), part.near, strict=False):
            here, there = numbers[met.large].tolist(), of_index[met.small].tolist()
            split.near[number] += zip(here, there, met.similarity.tolist(), strict=True)
        part.near = ()
        rows.append(numbers)
        found.append(part)
        done += len(numbers)
        progress(done)
    if not done:
        raise DataError(f"{source.shown} has no readable row")
    _assemble(split, np.concatenate(rows), found)
    if prepared and split.weight * INDEX <= memory:
        split.index, split.index_rows = assemble(prepared), np.concatenate(rows)
    return split


def _assemble(split: Split, rows: np.ndarray, found: list[Scanned]) -> None:
    """Put what the chunks say into the order of the rows."""
    order = np.argsort(rows, kind="stable")
    split.raw = np.concatenate([p.raw for p in found])[order]
    split.normal = np.concatenate([p.normal for p in found])[order]
    split.short = np.concatenate([p.short for p in found])[order]
    starts = np.cumsum([0, *(len(p.raw) for p in found)])
    blank = [rows[start + p.empty] for start, p in zip(starts[:-1], found, strict=True)]
    split.empty = sorted(np.concatenate(blank).tolist())
    split.mixed = sum(p.mixed for p in found)
    in_order = bool((order[1:] > order[:-1]).all())
    picked = () if in_order else order.tolist()
    for name in ("labels", "groups", "times"):
        values = [v for p in found for v in getattr(p, name)]
        setattr(split, name, values if in_order else [values[i] for i in picked] if values else [])
    if split.columns.look:
        split.looks = np.concatenate([p.looks for p in found if p.looks is not None])[order]


def matching(
    path: Path | str, split_column: str | None, executor: Executor | None = None
) -> list[tuple[str, Source]]:
    """The splits that one argument names: itself, the parts of a dictionary, or of a column."""
    if isinstance(path, str) and REMOTE.match(path):
        name = PurePosixPath(path.split("?")[0].rstrip("/"))
        parts = [(name.stem, Source(name, url=path))]
    else:
        parts = splits_of(Path(path))
    if split_column is None:
        return parts
    if executor is None:
        from mldoctor.data.engines.local import Local

        executor = Local()
    found: dict[str, Source] = {}
    for _, source in parts:
        column(split_column, list(_head(source, executor).columns), source.shown)
        values: dict[str, None] = {}
        for _rows, seen in executor.map(_Values(split_column), source, (split_column,)):
            values.update(dict.fromkeys(seen or ()))
        for value in values:
            found.setdefault(
                value,
                Source(source.path, (split_column, value), url=source.url, parts=source.parts),
            )
    if EVALUATES.search(split_column) and found.keys() <= {"True", "False", "0", "1", "0.0", "1.0"}:
        other = split_column.lower().removeprefix("is_")
        return [
            ("training" if value[0] in "F0" else other, found[value])
            for value in sorted(found, key=_no_first)
        ]
    return in_order(found)


def _no_first(value: str) -> bool:
    return value[0] not in "F0"


def in_order(found: dict[str, Source]) -> list[tuple[str, Source]]:
    """Training first, test last."""
    return sorted(found.items(), key=lambda item: ORDER.get(item[0].lower(), 3))


@dataclass(frozen=True, slots=True)
class _Values:
    """The different values of a column."""

    name: str

    def __call__(self, chunk: Chunk) -> list[str]:
        return list(dict.fromkeys(str(v) for v in chunk.column(self.name)))
