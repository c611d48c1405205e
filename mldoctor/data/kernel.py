"""Which rows of a large split stand in a small one: equal, equal when normalised, or nearly equal.

The smaller split is indexed, the larger one streamed past it. Candidates for near copies come from
a FracMinHash sketch (Irber and others, 2022): of the hashes of all word 3-grams the quarter under a
bound is kept, so that two rows share a kept hash exactly when they share the 3-gram. Each candidate
is then verified by the exact Jaccard similarity of the two sets. Pure functions of arrays: the same
code serves lists in memory, one machine and a cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xxhash
from numpy.typing import NDArray

from mldoctor.data.words import Hashes, from_ids, row_hashes, shingles, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KEEP = 4
"""One hash in so many is kept: at 1/8 the recall of near copies falls from 0.995 to 0.98."""

SIMILAR = 0.4
"""Jaccard similarity of word 3-grams from which rows are near copies: of planted ones (5 to 10 % of
60 words changed) 100 % lie above, of 10^6 random pairs the nearest is at 0.10."""

FEW = 32
"""A row of fewer 3-grams keeps all of them: of a quarter of those, near copies often share one."""

BOILERPLATE = 200
"""A 3-gram in more rows of the small split than this is no evidence, as in a shared opening."""

BITS = 48
"""Bits kept of a 3-gram's hash: two different ones of 10^7 rows are equal in a handful of cases, and
a candidate must share many."""

BOUND = np.uint64((1 << BITS) // KEEP - 1)

MOST = 1 << (64 - BITS)
"""Rows that are sorted at once."""

CHUNK = 2000
"""Rows at a time: what stays in the processor's cache."""

PAIRS = 5000
"""Candidates verified at a time."""

EMPTY = np.uint64(0)
"""The raw hash of a text that holds nothing but space."""

Kind = Literal["exact", "normalised", "near"]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Match:
    """A row of the large split and the row of the small one that it equals.

    Attributes:
        kind: "exact", "normalised" (case, space, punctuation, Unicode form) or "near".
        similarity: Jaccard similarity of their word 3-grams.
        containment: share of the shorter row's 3-grams that the other has.
    """

    small: int
    large: int
    kind: Kind
    similarity: float
    containment: float


@dataclass(frozen=True, slots=True)
class Index:
    """The small split, ready to be looked up: arrays only, so that a cluster shares one copy.

    Attributes:
        raw: hash of every text as it is; empty for token ids.
        words: number of words of every row.
        normal, normal_rows: sorted hashes of the normalised texts, and their rows; rows without a
            word are left out.
        bare, bare_rows: the raw hashes of the rows without a word, sorted, and their rows.
        grams, starts: hashes of the 3-grams of all rows, row after row; row i has those from
            starts[i] to starts[i + 1].
        keys, first, counts, holders: kept 3-gram hashes, and for each its rows in `holders`.
        kept: number of kept hashes of each row; low: of those that lie under the bound.
        filter: a bitmap that turns away nearly every foreign hash before it is searched for.
    """

    raw: Hashes
    words: Rows
    normal: Hashes
    normal_rows: Rows
    bare: Hashes
    bare_rows: Rows
    grams: Hashes
    starts: Rows
    keys: Hashes
    first: Rows
    counts: Rows
    holders: NDArray[np.int32]
    kept: Rows
    low: Rows
    filter: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What both sides need to know of a chunk of rows, worked out once.

    Attributes:
        raw, normal, words: hash as it is, hash of the normalised row, number of words.
        grams, rows: hashes of the 3-grams, and their rows, which ascend.
    """

    raw: Hashes
    normal: Hashes
    words: Rows
    grams: Hashes
    rows: Rows

    @property
    def count(self) -> int:
        """Number of rows."""
        return len(self.words)

    @property
    def size(self) -> int:
        """Bytes of the arrays."""
        return int(sum(a.nbytes for a in (self.raw, self.normal, self.words, self.grams)))


def prepare(
    texts: Sequence[str], ids: Sequence[NDArray[np.int64]] | None = None, *, near: bool = True
) -> Prepared:
    """Hash one chunk: texts, or rows of token ids (then `texts` is empty)."""
    given = words(list(texts)) if ids is None else from_ids(list(ids))
    normal = row_hashes(given)
    grams, rows = shingles(given) if near else (np.zeros(0, np.uint64), np.zeros(0, np.int64))
    grams >>= np.uint64(64 - BITS)
    raw = raw_hashes(texts) if ids is None else np.zeros(0, np.uint64)
    return Prepared(raw, normal, np.bincount(given.rows, minlength=given.count), grams, rows)


def build(
    texts: Sequence[str], ids: Sequence[NDArray[np.int64]] | None = None, *, near: bool = True
) -> Index:
    """Index the small split: texts, or rows of token ids (then `texts` is empty)."""
    count = len(texts) if ids is None else len(ids)
    return assemble(
        [
            prepare(
                texts[begin : begin + CHUNK],
                None if ids is None else ids[begin : begin + CHUNK],
                near=near,
            )
            for begin in range(0, count, CHUNK)
        ]
    )


def assemble(chunks: Sequence[Prepared]) -> Index:
    """The index of rows that were prepared chunk by chunk."""
    raw, normal = (_joined([getattr(c, n) for c in chunks], np.uint64) for n in ("raw", "normal"))
    lengths = _joined([c.words for c in chunks], np.int64)
    count = len(lengths)
    grams = _joined([c.grams for c in chunks], np.uint64)
    per_row = _joined([np.bincount(c.rows, minlength=c.count) for c in chunks], np.int64)
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(per_row)])
    order = np.argsort(normal, kind="stable")
    order = order[normal[order] != 0]
    bare = np.flatnonzero(normal == 0) if len(raw) else np.zeros(0, np.int64)
    bare = bare[np.argsort(raw[bare], kind="stable")] if len(raw) else bare
    rows = np.repeat(np.arange(count, dtype=np.int32), per_row)
    keep = (grams <= BOUND) | (per_row < FEW)[rows]
    hashes, holders = grams[keep], rows[keep]
    del rows, keep
    by_hash = np.argsort(hashes, kind="stable")
    hashes, holders = hashes[by_hash], holders[by_hash]
    del by_hash
    fresh = np.ones(len(hashes), np.bool_)
    fresh[1:] = (hashes[1:] != hashes[:-1]) | (holders[1:] != holders[:-1])
    hashes, holders = hashes[fresh], holders[fresh]
    begins = np.flatnonzero(
        np.r_[np.ones(min(1, len(hashes)), np.bool_), hashes[1:] != hashes[:-1]]
    )
    counts = np.diff(np.append(begins, len(hashes)))
    telling = counts <= BOILERPLATE
    keys = hashes[begins[telling]]
    return Index(
        raw=raw,
        words=lengths,
        normal=normal[order],
        normal_rows=order,
        bare=raw[bare] if len(raw) else raw,
        bare_rows=bare,
        grams=grams,
        starts=starts,
        keys=keys,
        first=begins[telling],
        counts=counts[telling],
        holders=holders,
        kept=np.bincount(holders, minlength=count),
        low=np.bincount(holders[hashes <= BOUND], minlength=count),
        filter=_filter(keys),
    )


def probe(
    index: Index,
    texts: Sequence[str],
    ids: Sequence[NDArray[np.int64]] | None = None,
    *,
    similar: float = SIMILAR,
    offset: int = 0,
) -> list[Match]:
    """Look one chunk of the large split up; `offset` is the number of its first row."""
    return look(index, prepare(texts, ids), similar=similar, offset=offset)


def look(
    index: Index, chunk: Prepared, *, similar: float = SIMILAR, offset: int = 0, shortest: int = 0
) -> list[Match]:
    """The rows of a prepared chunk that stand in the index.

    Args:
        index: of the small split.
        chunk: rows of the large one.
        similar: Jaccard similarity from which rows are near copies.
        offset: number of the chunk's first row.
        shortest: rows of fewer words are no near copies.
    """
    found: dict[tuple[int, int], Match] = {}
    for small, large in _join(index.normal, index.normal_rows, chunk.normal):
        if chunk.normal[large]:
            exact = not len(chunk.raw) or index.raw[small] == chunk.raw[large]
            kind: Kind = "exact" if exact else "normalised"
            found[small, large] = Match(small, large + offset, kind, 1.0, 1.0)
    # Texts without a word (":-)") have no normal form but may still be equal.
    bare = np.flatnonzero((chunk.normal == 0) & (chunk.raw != EMPTY)) if len(chunk.raw) else ()
    if len(bare):
        for small, at in _join(index.bare, index.bare_rows, chunk.raw[bare]):
            large = int(bare[at])
            found[small, large] = Match(small, large + offset, "exact", 1.0, 1.0)
    if len(index.keys):
        for small, large, similarity, containment in _near(index, chunk, similar, shortest):
            if (small, large) not in found:
                found[small, large] = Match(small, large + offset, "near", similarity, containment)
    return list(found.values())


def raw_hashes(texts: Sequence[str]) -> Hashes:
    """A hash of every text as it is; `EMPTY` where it holds nothing but space."""
    digest = xxhash.xxh3_64_intdigest
    return np.fromiter(
        (
            digest(text.encode("utf-8", "surrogatepass")) if text and not text.isspace() else 0
            for text in texts
        ),
        np.uint64,
        len(texts),
    )


def _different(grams: Hashes, rows: Rows, count: int) -> tuple[Hashes, Rows]:
    """The different hashes of each row; `rows` ascends."""
    if not len(grams):
        return grams, rows
    if count > MOST:
        half = np.searchsorted(rows, count // 2)
        left = _different(grams[:half], rows[:half], count // 2)
        right = _different(grams[half:], rows[half:] - count // 2, count - count // 2)
        return np.concatenate([left[0], right[0]]), np.concatenate([left[1], right[1] + count // 2])
    # Row and hash in one number: numbers sort many times faster than pairs.
    both = _distinct((rows.astype(np.uint64) << np.uint64(BITS)) | grams)
    return both & np.uint64((1 << BITS) - 1), (both >> np.uint64(BITS)).astype(np.int64)


def _distinct(values: Hashes) -> Hashes:
    values.sort()
    fresh = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=fresh[1:])
    return values[fresh]


def _joined(parts: list[NDArray[Any]], kind: type) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, kind)


def _join(keys: Hashes, rows: Rows, wanted: Hashes) -> list[tuple[int, int]]:
    """(row of the index, position in `wanted`) of the first equal key of each."""
    if not len(keys):
        return []
    at = np.searchsorted(keys, wanted)
    at[at == len(keys)] = 0
    positions = np.flatnonzero(keys[at] == wanted)
    return list(zip(rows[at[positions]].tolist(), positions.tolist(), strict=True))


def _filter(keys: Hashes) -> NDArray[np.bool_]:
    bits = max(16, int(np.ceil(np.log2(max(1, len(keys)) * 16))))
    bitmap = np.zeros(1 << min(bits, 30), np.bool_)
    bitmap[keys & np.uint64(len(bitmap) - 1)] = True
    return bitmap


def _near(
    index: Index, chunk: Prepared, similar: float, shortest: int
) -> Iterator[tuple[int, int, float, float]]:
    every = np.bincount(chunk.rows, minlength=chunk.count)
    keep = (chunk.grams <= BOUND) | (every < FEW)[chunk.rows]
    hashes, rows = _different(chunk.grams[keep], chunk.rows[keep], chunk.count)
    sizes = np.bincount(rows, minlength=chunk.count)
    low = np.bincount(rows[hashes <= BOUND], minlength=chunk.count)
    known = index.filter[hashes & np.uint64(len(index.filter) - 1)]
    hashes, rows = hashes[known], rows[known]
    at = np.searchsorted(index.keys, hashes)
    at[at == len(index.keys)] = 0
    known = index.keys[at] == hashes
    at, rows = at[known], rows[known]
    if not len(at):
        return
    counts = index.counts[at]
    into = np.repeat(index.first[at] - (np.cumsum(counts) - counts), counts) + np.arange(
        counts.sum()
    )
    small, large = index.holders[into].astype(np.int64), np.repeat(rows, counts)
    pairs, shared = np.unique(small * chunk.count + large, return_counts=True)
    small, large = pairs // chunk.count, pairs % chunk.count
    # The sketch estimates the similarity; half the bound lets nothing through the net that is near.
    # Where only one of the two keeps all, they can share nothing but what lies under the bound.
    mixed = (index.kept[small] > index.low[small]) != (sizes[large] > low[large])
    mine_kept = np.where(mixed, index.low[small], index.kept[small])
    union = np.maximum(shared, mine_kept + np.where(mixed, low[large], sizes[large]) - shared)
    likely = (shared >= 2) | (union <= FEW / KEEP)  # noqa: PLR2004 - one of many is a phrase
    likely &= shared >= 0.5 * similar * union
    likely &= np.minimum(index.words[small], chunk.words[large]) >= shortest
    small, large = small[likely], large[likely]
    theirs = np.concatenate([np.zeros(1, np.int64), np.cumsum(every)])
    for begin in range(0, len(small), PAIRS):
        s, q = small[begin : begin + PAIRS], large[begin : begin + PAIRS]
        mine, other = _spread(index.grams, index.starts, s), _spread(chunk.grams, theirs, q)
        a, b, common = _shared(mine, other, len(s))
        similarity = common / np.maximum(1, a + b - common)
        contained = common / np.maximum(1, np.minimum(a, b))
        for i in np.flatnonzero(similarity >= similar):
            yield int(s[i]), int(q[i]), float(similarity[i]), float(contained[i])


def _spread(grams: Hashes, starts: Rows, rows: Rows) -> tuple[Hashes, Rows]:
    """The 3-grams of the given rows, and for each the position of its row among them."""
    counts = starts[rows + 1] - starts[rows]
    begin = np.repeat(starts[rows] - (np.cumsum(counts) - counts), counts)
    return grams[begin + np.arange(len(begin))], np.repeat(np.arange(len(rows)), counts)


def _shared(
    left: tuple[Hashes, Rows], right: tuple[Hashes, Rows], count: int
) -> tuple[Rows, Rows, Rows]:
    """For every pair: different 3-grams of the one, of the other, and of both."""
    one = np.uint64(1)
    values, sides = [], (left, right)
    for side, (grams, pairs) in enumerate(sides):
        values.append(
            (pairs.astype(np.uint64) << np.uint64(BITS + 1)) | (grams << one) | np.uint64(side)
        )
    every = _distinct(np.concatenate(values))
    pairs = (every >> np.uint64(BITS + 1)).astype(np.int64)
    second = (every & one).astype(np.bool_)
    twice = (every[1:] >> one) == (every[:-1] >> one)
    return (
        np.bincount(pairs[~second], minlength=count),
        np.bincount(pairs[second], minlength=count),
        np.bincount(pairs[1:][twice], minlength=count),
    )
