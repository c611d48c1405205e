"""One split of files, read once: hashes and columns of every row, in bounded memory."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mldoctor.data.files import DataError, Row, Source, column
from mldoctor.data.kernel import raw_hashes
from mldoctor.data.words import Hashes, row_hashes, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TEXT = re.compile(
    r"^(text|sentence|review|content|document|question|body|comment|utterance|title|prompt)$",
    re.IGNORECASE,
)
LABEL = re.compile(r"^(label|labels|target|class|category|y|sentiment|intent)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns mean what; None where a split has none.

    Attributes:
        text: the input, when it is a text.
        features: the input otherwise: every column that is none of the others.
        look: a 64-bit picture hash, for image folders.
    """

    text: str | None
    label: str | None
    group: str | None
    time: str | None
    features: tuple[str, ...] = ()
    look: bool = False


@dataclass(slots=True)
class Split:
    """What was read of one split. Rows count from 0 and leave out what was skipped."""

    name: str
    source: Source
    columns: Columns
    raw: Hashes = field(default_factory=lambda: np.zeros(0, np.uint64))
    normal: Hashes = field(default_factory=lambda: np.zeros(0, np.uint64))
    labels: list[Any] = field(default_factory=list)
    groups: list[Any] = field(default_factory=list)
    times: list[Any] = field(default_factory=list)
    looks: list[int] = field(default_factory=list)
    empty: list[int] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Rows read."""
        return len(self.raw)

    def texts(self) -> Iterator[list[str]]:
        """The inputs again, a chunk at a time."""
        for chunk in self.source.chunks():
            yield [text_of(row, self.columns) for row in chunk]


def find_columns(
    source: Source, text: str | None, label: str | None, group: str | None, time: str | None
) -> Columns:
    """The columns by the names given, else by what columns of that meaning are usually called.

    Raises:
        DataError: when a column that was named is not there, or the split has no row.
    """
    from mldoctor.facts.split_columns import GROUP

    first = next(source.rows(), None)
    if first is None:
        raise DataError(
            f"{source.path} has no row"
            + (f" with {source.keep[0]} = {source.keep[1]}" if source.keep else "")
        )
    known = list(first)
    if "pixels" in known and "look" in known:
        return Columns(
            "pixels", "label" if first["label"] is not None else None, None, None, look=True
        )
    named = [column(n, known, source.path) if n else None for n in (text, label, group, time)]
    found = named[0] or next(
        (n for n in known if TEXT.match(n) and isinstance(first[n], str)), None
    )
    found_label = named[1] or next((n for n in known if LABEL.match(n)), None)
    found_group = named[2] or next((n for n in known if GROUP.match(n.lower())), None)
    taken = {
        found_label,
        found_group,
        named[3],
        source.keep[0] if source.keep else None,
        "id",
        "index",
    }
    features = () if found else tuple(n for n in known if n not in taken)
    return Columns(found, found_label, found_group, named[3], features)


def text_of(row: Row, columns: Columns) -> str:
    """The input of a row as one text: the text column, or all features in order."""
    if columns.text is not None:
        value = row.get(columns.text)
        return value if isinstance(value, str) else "" if value is None else _plain(value)
    return "\x1f".join(_plain(row.get(name)) for name in columns.features)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str, sort_keys=True)


def read(name: str, source: Source, columns: Columns, progress: Callable[[int], None]) -> Split:
    """Read every row once."""
    split = Split(name, source, columns)
    raw, normal = [], []
    seen = 0
    for chunk in source.chunks():
        texts = [text_of(row, columns) for row in chunk]
        raw.append(raw_hashes(texts))
        normal.append(row_hashes(words(texts)) if columns.text and not columns.look else raw[-1])
        split.empty += [
            seen + i for i, text in enumerate(texts) if not text.strip("\x1f \t\r\n\u00a0")
        ]
        for target, key in (
            (split.labels, columns.label),
            (split.groups, columns.group),
            (split.times, columns.time),
        ):
            if key is not None:
                target.extend(_value(row.get(key)) for row in chunk)
        if columns.look:
            split.looks.extend(row["look"] for row in chunk)
        seen += len(chunk)
        progress(seen)
    if not seen:
        raise DataError(f"{source.path} has no readable row")
    split.raw = np.concatenate(raw)
    split.normal = np.concatenate(normal)
    # Texts without a word (":-)") have no normal form: they are compared as they are.
    wordless = split.normal == 0
    split.normal[wordless] = split.raw[wordless]
    return split


def _value(value: Any) -> Any:
    """A label, group or time as something that can be compared; None for what is missing."""
    if value is None or value == "" or value != value:  # noqa: PLR0124 - NaN differs from itself
        return None
    return value if isinstance(value, str | int | float | bool) else _plain(value)


def matching(path: Path, split_column: str | None) -> list[tuple[str, Source]]:
    """The splits that one argument names: itself, the parts of a dictionary, or of a column."""
    from mldoctor.data.files import splits_of

    paths = splits_of(path)
    if split_column is None:
        return [(p.stem or p.name, Source(p)) for p in paths]
    found: dict[str, Source] = {}
    for p in paths:
        source = Source(p)
        for row in source.rows():
            column(split_column, list(row), p)
            value = str(row[split_column])
            found.setdefault(value, Source(p, (split_column, value)))
    order = {"train": 0, "training": 0, "val": 1, "valid": 1, "validation": 1, "dev": 1, "test": 2}
    return sorted(found.items(), key=lambda item: order.get(item[0], 3))
