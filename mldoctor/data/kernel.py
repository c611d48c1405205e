"""Which rows of a large split stand in a small one: equal, equal when normalised, or nearly equal.

The smaller split is indexed, the larger one streamed past it. Candidates for near copies come from
a FracMinHash sketch (Irber and others, 2022): of the hashes of all word 3-grams the quarter under a
bound is kept, so that two rows share a kept hash exactly when they share the 3-gram. Each candidate
is then verified by the exact Jaccard similarity of the two sets. Pure functions of arrays: the same
code serves lists in memory, one machine and a cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import xxhash
from numpy.typing import NDArray

from mldoctor.data.words import Hashes, Words, from_ids, row_hashes, shingles, words

if TYPE_CHECKING:
    from collections.abc import Sequence

KEEP = 4
"""One hash in so many is kept: at 1/8 the recall of near copies falls from 0.995 to 0.98."""

SIMILAR = 0.4
"""Jaccard similarity of word 3-grams from which rows are near copies: of planted ones (5 to 10 % of
60 words changed) 100 % lie above, of 10^6 random pairs the nearest is at 0.10."""

FEW = 32
"""A row of fewer 3-grams keeps all of them: of a quarter of those, near copies often share one."""

BOILERPLATE = 200
"""A 3-gram in more rows of the small split than this is no evidence, as in a shared opening."""

BOUND = np.uint64((1 << 64) // KEEP - 1)

CHUNK = 2000
"""Rows at a time: what stays in the processor's cache."""

BYTES_PER_ROW = 1500
"""Memory that the index of a row of 60 words takes, measured at 200,000 rows."""

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
    """The small split, ready to be looked up.

    Attributes:
        raw, raw_rows: sorted hashes of the texts as they are, and their rows.
        normal, normal_rows: the same of the normalised texts; rows without a word are left out.
        keys, first, counts, holders: kept 3-gram hashes, and for each its rows in `holders`.
        kept: number of kept hashes of each row; low: of those that lie under the bound.
        filter: a bitmap that turns away nearly every foreign hash before it is searched for.
    """

    texts: Sequence[str]
    ids: Sequence[NDArray[np.int64]] | None
    raw: Hashes
    raw_rows: Rows
    normal: Hashes
    normal_rows: Rows
    keys: Hashes
    first: Rows
    counts: Rows
    holders: NDArray[np.int32]
    kept: Rows
    low: Rows
    filter: NDArray[np.bool_]


def build(
    texts: Sequence[str], ids: Sequence[NDArray[np.int64]] | None = None, *, near: bool = True
) -> Index:
    """Index the small split: texts, or rows of token ids (then `texts` is empty)."""
    count = len(texts) if ids is None else len(ids)
    normal, kept_hashes, kept_rows = [], [], []
    for begin in range(0, count, CHUNK):
        chunk = _words(texts, ids, begin, begin + CHUNK)
        normal.append(row_hashes(chunk))
        if near:
            hashes, rows = sketch(chunk)
            kept_hashes.append(hashes)
            kept_rows.append(rows + begin)
    raw = raw_hashes(texts[:count]) if ids is None else np.zeros(0, np.uint64)
    raw_order = np.argsort(raw, kind="stable")
    normalised = np.concatenate(normal) if normal else np.zeros(0, np.uint64)
    normal_order = np.argsort(normalised, kind="stable")
    normal_order = normal_order[normalised[normal_order] != 0]
    hashes = np.concatenate(kept_hashes) if kept_hashes else np.zeros(0, np.uint64)
    rows = np.concatenate(kept_rows) if kept_rows else np.zeros(0, np.int64)
    order = np.argsort(hashes, kind="stable")
    keys, first, counts = np.unique(hashes[order], return_index=True, return_counts=True)
    telling = counts <= BOILERPLATE
    keys, first, counts = keys[telling], first[telling], counts[telling]
    return Index(
        texts=texts,
        ids=ids,
        raw=raw[raw_order],
        raw_rows=raw_order,
        normal=normalised[normal_order],
        normal_rows=normal_order,
        keys=keys,
        first=first,
        counts=counts,
        holders=rows[order].astype(np.int32),
        kept=np.bincount(rows, minlength=count),
        low=np.bincount(rows[hashes <= BOUND], minlength=count),
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
    count = len(texts) if ids is None else len(ids)
    chunk = _words(texts, ids, 0, count)
    found: dict[tuple[int, int], Match] = {}
    normal = row_hashes(chunk)
    for small, large in _join(index.normal, index.normal_rows, normal, skip_zero=True):
        exact = ids is None and index.texts[small] == texts[large]
        kind: Kind = "exact" if exact or ids is not None else "normalised"
        found[small, large] = Match(small, large + offset, kind, 1.0, 1.0)
    if ids is None:
        # Texts without a word (":-)") have no normal form but may still be equal.
        wordless = np.flatnonzero(normal == 0).tolist()
        if wordless:
            picked = [texts[i] for i in wordless]
            for small, at in _join(index.raw, index.raw_rows, raw_hashes(picked)):
                if picked[at].strip() and index.texts[small] == picked[at]:
                    large = wordless[at]
                    found[small, large] = Match(small, large + offset, "exact", 1.0, 1.0)
    if len(index.keys):
        for small, large, similarity, containment in _near(index, chunk, texts, ids, similar):
            if (small, large) not in found:
                found[small, large] = Match(small, large + offset, "near", similarity, containment)
    return list(found.values())


def raw_hashes(texts: Sequence[str]) -> Hashes:
    """A hash of every text as it is."""
    digest = xxhash.xxh3_64_intdigest
    return np.fromiter(
        (digest(text.encode("utf-8", "surrogatepass")) for text in texts), np.uint64, len(texts)
    )


def sketch(chunk: Words) -> tuple[Hashes, Rows]:
    """The kept hashes of the different 3-grams of every row, and their rows."""
    hashes, rows = shingles(chunk)
    few = np.bincount(rows, minlength=chunk.count) < FEW
    keep = (hashes <= BOUND) | few[rows]
    return hashes[keep], rows[keep]


def _words(
    texts: Sequence[str], ids: Sequence[NDArray[np.int64]] | None, begin: int, end: int
) -> Words:
    return words(list(texts[begin:end])) if ids is None else from_ids(list(ids[begin:end]))


def _join(
    keys: Hashes, rows: Rows, wanted: Hashes, *, skip_zero: bool = False
) -> list[tuple[int, int]]:
    """(row of the index, position in `wanted`) of the first equal key of each."""
    if not len(keys):
        return []
    at = np.searchsorted(keys, wanted)
    at[at == len(keys)] = 0
    hit = keys[at] == wanted
    if skip_zero:
        hit &= wanted != 0
    positions = np.flatnonzero(hit)
    return list(zip(rows[at[positions]].tolist(), positions.tolist(), strict=True))


def _filter(keys: Hashes) -> NDArray[np.bool_]:
    bits = max(16, int(np.ceil(np.log2(max(1, len(keys)) * 16))))
    bitmap = np.zeros(1 << min(bits, 30), np.bool_)
    bitmap[keys & np.uint64(len(bitmap) - 1)] = True
    return bitmap


def _near(
    index: Index,
    chunk: Words,
    texts: Sequence[str],
    ids: Sequence[NDArray[np.int64]] | None,
    similar: float,
) -> list[tuple[int, int, float, float]]:
    hashes, rows = sketch(chunk)
    sizes = np.bincount(rows, minlength=chunk.count)
    low = np.bincount(rows[hashes <= BOUND], minlength=chunk.count)
    known = index.filter[hashes & np.uint64(len(index.filter) - 1)]
    hashes, rows = hashes[known], rows[known]
    at = np.searchsorted(index.keys, hashes)
    at[at == len(index.keys)] = 0
    known = index.keys[at] == hashes
    at, rows = at[known], rows[known]
    if not len(at):
        return []
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
    mine: dict[int, set[int]] = {}
    theirs: dict[int, set[int]] = {}
    found = []
    for s, q in zip(small[likely].tolist(), large[likely].tolist(), strict=True):
        a = mine.get(s)
        if a is None:
            a = mine[s] = _set(index.texts, index.ids, s)
        b = theirs.get(q)
        if b is None:
            b = theirs[q] = _set(texts, ids, q)
        common = len(a & b)
        similarity = common / (len(a) + len(b) - common)
        if similarity >= similar:
            found.append((s, q, similarity, common / max(1, min(len(a), len(b)))))
    return found


def _set(texts: Sequence[str], ids: Sequence[NDArray[np.int64]] | None, row: int) -> set[int]:
    return set(shingles(_words(texts, ids, row, row + 1))[0].tolist())
