"""Near copies across two splits of files: the smaller indexed in slices, the larger streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mldoctor.data.kernel import BYTES_PER_ROW, build, probe
from mldoctor.errors import AbsentFact

if TYPE_CHECKING:
    from collections.abc import Callable

    from mldoctor.data.splits import Split

SHORTEST = 10
"""Texts of fewer words have fewer than eight 3-grams and resemble each other by chance."""

BITS = 3
"""Of the 64 bits of two difference hashes, how many may differ in near copies of a picture; of
random photographs the nearest pair in a million differs in 8 and more."""

SAMPLE = 4000


def near_pairs(
    train: Split, other: Split, memory: int, progress: Callable[[str, int], None]
) -> list[tuple[int, int, float]]:
    """(training row, row of the other split, similarity) of all near copies.

    Raises:
        AbsentFact: when the rows are neither texts nor pictures.
    """
    if train.columns.look:
        return _pictures(train, other)
    if train.columns.text is None:
        raise AbsentFact(
            "near copies are looked for among texts and images (--text names a column)"
        )
    small, large = (other, train) if other.size <= train.size else (train, other)
    found: list[tuple[int, int, float]] = []
    begin, held, size, start = 0, [], 0, 0
    for chunk in small.texts():
        held += chunk
        size += sum(map(len, chunk)) + BYTES_PER_ROW * len(chunk)
        begin += len(chunk)
        if size >= memory:
            found += _pass(held, start, large, small is other, progress)
            held, size, start = [], 0, begin
    if held:
        found += _pass(held, start, large, small is other, progress)
    return found


def _pass(
    texts: list[str],
    start: int,
    large: Split,
    small_is_other: bool,  # noqa: FBT001 - which of the two was indexed
    progress: Callable[[str, int], None],
) -> list[tuple[int, int, float]]:
    """Stream the larger split past one slice of the smaller."""
    index = build(texts)
    found = []
    done = 0
    for chunk in large.texts():
        for match in probe(index, chunk, offset=done):
            if match.kind != "near":
                continue
            if (
                min(len(texts[match.small].split()), len(chunk[match.large - done].split()))
                < SHORTEST
            ):
                continue
            there, here = match.large, match.small + start
            pair = (there, here) if small_is_other else (here, there)
            found.append((*pair, match.similarity))
        done += len(chunk)
        progress("near copies", done)
    return found


def within(split: Split) -> float:
    """Share of rows that have a near copy within a sample of their own split."""
    if split.columns.look or split.columns.text is None:
        return 0.0
    texts: list[str] = []
    for chunk in split.texts():
        texts += chunk
        if len(texts) >= SAMPLE:
            break
    half = texts[1:SAMPLE:2]
    matches = probe(build(texts[0:SAMPLE:2]), half)
    return len({m.large for m in matches}) / max(1, len(half))


def _pictures(train: Split, other: Split) -> list[tuple[int, int, float]]:
    """Pictures that look alike; flat ones, whose hash is all equal bits, say nothing."""
    mine = np.asarray(train.looks, dtype=np.uint64)
    flat = {0, (1 << 64) - 1}
    found = []
    for row, look in enumerate(other.looks):
        if look in flat:
            continue
        differ = np.bitwise_count(mine ^ np.uint64(look))
        for there in np.flatnonzero(differ <= BITS).tolist():
            found.append((there, row, 1 - float(differ[there]) / 64))
    return found
