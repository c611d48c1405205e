"""Near copies across two splits of files: the smaller indexed in slices, the larger streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mldoctor.data.engines.local import Local
from mldoctor.data.kernel import assemble, build, probe
from mldoctor.data.scan import Search, Slice, texts_of
from mldoctor.data.splits import INDEX

if TYPE_CHECKING:
    from collections.abc import Callable

    from mldoctor.data.chunks import Chunk
    from mldoctor.data.engines import Executor
    from mldoctor.data.scan import Columns
    from mldoctor.data.splits import Split

BITS = 3
"""Of the 64 bits of two difference hashes, how many may differ in near copies of a picture; of
random photographs the nearest pair in a million differs in 8 and more."""

SAMPLE = 4000

Pairs = list[tuple[int, int, float]]


def near_pairs(
    train: Split,
    other: Split,
    memory: int,
    progress: Callable[[str, int], None],
    executor: Executor | None = None,
) -> Pairs:
    """(training row, row of the other split, similarity) of all near copies of texts or pictures.

    The smaller split is indexed in as many slices as `memory` asks for, by a hash of the rows, and
    the larger one read past each.
    """
    if train.columns.look:
        return _pictures(train, other)
    executor = executor or Local()
    swapped = other.size > train.size
    small, large = (train, other) if swapped else (other, train)
    weight = small.weight or 600 * small.size
    parts = max(1, -(-weight * INDEX // memory))
    found: Pairs = []
    for rest in range(parts):
        rows, prepared = [], []
        work = Slice(small.columns, rest, parts)
        for numbers, made in executor.map(work, small.source, small.columns.wanted):
            if made is not None and made[1] is not None:
                rows.append(numbers[made[0]])
                prepared.append(made[1])
        if not rows:
            continue
        index, of_index = executor.broadcast(assemble(prepared)), np.concatenate(rows)
        prepared.clear()
        done = 0
        search = Search(large.columns, index)
        for numbers, met in executor.map(search, large.source, large.columns.wanted):
            if met is not None:
                here, there = of_index[met.small].tolist(), numbers[met.large].tolist()
                pairs = zip(there, here, met.similarity.tolist(), strict=True)
                found += [(b, a, s) if swapped else (a, b, s) for a, b, s in pairs]
            done += len(numbers)
            progress(f"near copies, part {rest + 1} of {parts}", done)
    return found


def within(split: Split, executor: Executor | None = None) -> float:
    """Share of rows that have a near copy within a sample of their own split."""
    if split.columns.look or split.columns.text is None:
        return 0.0
    texts: list[str] = []
    work = _Texts(split.columns)
    read = (executor or Local()).map(work, split.source, split.columns.wanted, first=SAMPLE)
    for _rows, some in read:
        texts += some or ()
    half = texts[1:SAMPLE:2]
    matches = probe(build(texts[0:SAMPLE:2]), half)
    return len({m.large for m in matches}) / max(1, len(half))


class _Texts:
    """The inputs of a chunk."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns

    def __call__(self, chunk: Chunk) -> list[str]:
        return texts_of(chunk, self.columns)[0]


def _pictures(train: Split, other: Split) -> Pairs:
    """Pictures that look alike; flat ones, whose hash is all equal bits, say nothing."""
    mine = train.looks
    flat = {0, (1 << 64) - 1}
    found = []
    for row, look in enumerate(other.looks.tolist()):
        if look in flat:
            continue
        differ = np.bitwise_count(mine ^ np.uint64(look))
        for there in np.flatnonzero(differ <= BITS).tolist():
            found.append((there, row, 1 - float(differ[there]) / 64))
    return found
