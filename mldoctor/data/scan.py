"""What is worked out for every chunk of a split, wherever it is read: hashes, columns, copies."""

from __future__ import annotations

import json
import math
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mldoctor.data.kernel import look, prepare, raw_hashes
from mldoctor.facts.split_overlap import FEW_WORDS

if TYPE_CHECKING:
    from mldoctor.data.chunks import Chunk
    from mldoctor.data.engines import Held
    from mldoctor.data.kernel import Index, Prepared
    from mldoctor.data.words import Hashes

SHORTEST = 10
"""Texts of fewer words have fewer than eight 3-grams and resemble each other by chance."""

BLANK = "\x1f \t\r\n\f\v\u00a0\u200b\ufeff"
BETWEEN = "\x1f"


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

    @property
    def wanted(self) -> tuple[str, ...]:
        """Names of the columns that are read."""
        named = (self.text, self.label, self.group, self.time, *self.features)
        return tuple(n for n in named if n is not None) + (("look",) if self.look else ())


@dataclass(frozen=True, slots=True)
class Near:
    """Near copies of a chunk's rows: row of the index, position in the chunk, similarity."""

    small: np.ndarray
    large: np.ndarray
    similarity: np.ndarray


@dataclass(slots=True)
class Scanned:
    """What is known of a chunk."""

    raw: Hashes
    normal: Hashes
    empty: np.ndarray
    short: np.ndarray
    labels: list[Any] = field(default_factory=list)
    groups: list[Any] = field(default_factory=list)
    times: list[Any] = field(default_factory=list)
    looks: np.ndarray | None = None
    mixed: int = 0
    prepared: Prepared | None = None
    near: tuple[Near, ...] = ()


@dataclass(frozen=True, slots=True)
class Scan:
    """The work on one chunk; a pure function, so that workers may share it.

    Attributes:
        columns: what is read.
        indexes: of the other splits, in which near copies are looked for.
        keep: hand out what an index is made of.
    """

    columns: Columns
    indexes: tuple[Held[Index], ...] = ()
    keep: bool = False

    def __call__(self, chunk: Chunk) -> Scanned:
        """Everything about the rows of one chunk."""
        columns = self.columns
        texts, mixed = texts_of(chunk, columns)
        if columns.text is not None and not columns.look:
            prepared = prepare(texts, near=self.keep or bool(self.indexes))
            normal = prepared.normal
        else:
            prepared = None
            normal = raw_hashes(canonical(chunk, columns))
        raw = prepared.raw if prepared is not None else raw_hashes(texts)
        # Texts without a word (":-)") have no normal form: they are compared as they are.
        normal = np.where(normal == 0, raw, normal)
        found = Scanned(
            raw=raw,
            normal=normal,
            empty=np.asarray([i for i, t in enumerate(texts) if not t.strip(BLANK)], np.int64),
            short=prepared.words <= FEW_WORDS
            if prepared is not None
            else np.zeros(chunk.size, np.bool_),
            mixed=mixed,
        )
        for name in ("label", "group", "time"):
            key = getattr(columns, name)
            if key is not None:
                setattr(found, f"{name}s", [value_of(v) for v in chunk.column(key)])
        if columns.look:
            found.looks = np.asarray(chunk.column("look"), np.uint64)
        if prepared is not None:
            found.near = tuple(near_of(index.value, prepared) for index in self.indexes)
            found.prepared = prepared if self.keep else None
        return found


@dataclass(frozen=True, slots=True)
class Slice:
    """The part of a chunk whose raw hash leaves `rest` when divided by `parts`, for an index."""

    columns: Columns
    rest: int
    parts: int

    def __call__(self, chunk: Chunk) -> tuple[np.ndarray, Prepared | None]:
        """Positions of the rows in the chunk, and the rows prepared."""
        texts, _ = texts_of(chunk, self.columns)
        mine = np.flatnonzero(raw_hashes(texts) % np.uint64(self.parts) == self.rest)
        return mine, prepare([texts[i] for i in mine]) if len(mine) else None


@dataclass(frozen=True, slots=True)
class Quote:
    """The texts of the rows with one of these raw hashes."""

    columns: Columns
    hashes: frozenset[int]

    def __call__(self, chunk: Chunk) -> dict[int, str]:
        """Raw hash to text."""
        texts, _ = texts_of(chunk, self.columns)
        rows = enumerate(raw_hashes(texts).tolist())
        return {value: texts[i] for i, value in rows if value in self.hashes}


@dataclass(frozen=True, slots=True)
class Search:
    """Near copies of a chunk's rows in one index."""

    columns: Columns
    index: Held[Index]

    def __call__(self, chunk: Chunk) -> Near:
        """Look the chunk up."""
        return near_of(self.index.value, prepare(texts_of(chunk, self.columns)[0]))


def near_of(index: Index, prepared: Prepared) -> Near:
    """The near copies among the matches of a chunk."""
    found = [m for m in look(index, prepared, shortest=SHORTEST) if m.kind == "near"]
    return Near(
        np.asarray([m.small for m in found], np.int64),
        np.asarray([m.large for m in found], np.int64),
        np.asarray([m.similarity for m in found], np.float64),
    )


def texts_of(chunk: Chunk, columns: Columns) -> tuple[list[str], int]:
    """The input of every row as one text, and how many of the text column were none."""
    if columns.text is None:
        parts = [chunk.column(name) for name in columns.features]
        return [BETWEEN.join(map(plain, row)) for row in zip(*parts, strict=True)] or [
            ""
        ] * chunk.size, 0
    values = chunk.column(columns.text)
    other = sum(1 for v in values if v is not None and not isinstance(v, str))
    return [v if isinstance(v, str) else plain(v) for v in values], other


def canonical(chunk: Chunk, columns: Columns) -> list[str]:
    """Rows of a table without differences of type: 1, 1.0 and "1" are one number."""
    if columns.text is not None:
        return texts_of(chunk, columns)[0]
    parts = [chunk.column(name) for name in columns.features]
    return [BETWEEN.join(map(_cell, row)) for row in zip(*parts, strict=True)] or [""] * chunk.size


def _cell(value: Any) -> str:
    if isinstance(value, str):
        text = value.strip()
        if not text or text[0] not in "0123456789+-.":
            return unicodedata.normalize("NFKC", text).casefold()
        try:
            value = float(text) if not text.isdigit() else int(text)
        except ValueError:
            return unicodedata.normalize("NFKC", text).casefold()
    if isinstance(value, float):
        if not math.isfinite(value):
            return "" if value != value else str(value)  # noqa: PLR0124 - NaN differs from itself
        # Seven digits are what a number keeps that was stored in 32 bits.
        return str(int(value)) if value == int(value) else f"{value:.7g}"
    return str(int(value)) if isinstance(value, int) else plain(value)


def plain(value: Any) -> str:
    """A value as text: nested ones as JSON, missing ones as nothing."""
    if isinstance(value, str):
        return value
    if value is None or value != value:  # noqa: PLR0124 - NaN differs from itself
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if not isinstance(value, list | dict | bool):
        return str(value)
    try:
        return json.dumps(value, default=str, sort_keys=True)
    except (TypeError, ValueError, RecursionError):  # keys that cannot be sorted, a cycle
        return str(value)


def value_of(value: Any) -> Any:
    """A label, group or time as something that can be compared; None for what is missing."""
    if value is None or value == "" or value != value:  # noqa: PLR0124 - NaN differs from itself
        return None
    if isinstance(value, str):
        return value if value.strip() else None
    return value if isinstance(value, int | float | bool) else plain(value)
