"""NearDuplicates: evaluation samples that are almost training samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mldoctor.errors import AbsentFact
from mldoctor.facts.loaders import Loader, Loaders
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    import numpy as np

    from mldoctor.trainee.contents import Contents

WORDS = 8
"""Texts with fewer 3-grams resemble each other by chance."""

DIMENSIONS = 64
"""In fewer dimensions neighbours lie as close as copies by chance."""

EQUAL = 1e-6
"""Equal arrays belong to split-overlap."""

LARGEST = 1e15
"""Above this squares overflow in single precision: scores that hide a position, and no input."""

CLOSE = 0.1
"""Share of the median distance between training neighbours under which two arrays are near copies:
in 64 dimensions the ratio of the nearest to the median distance of random rows is above 0.5."""


@dataclass(frozen=True, slots=True)
class Near:
    """One evaluation loader.

    Attributes:
        kind: "texts", "arrays" or "images".
        read, train_read: samples compared.
        near: evaluation samples with a near copy, equal ones left out.
        pairs: up to 20 (training index, evaluation index, similarity of texts and images or
            relative distance of arrays).
        within: share of the training samples with a near copy among the training samples.
        against: the loader it is compared with; None for the training data.
        examples: (training index, its text, the other's text) of the first pairs.
    """

    evaluation: Loader
    kind: str
    read: int
    train_read: int
    near: int
    pairs: tuple[tuple[int, int, float], ...]
    within: float
    against: Loader | None = None
    examples: tuple[tuple[int, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class NearDuplicates:
    """Every evaluation loader."""

    training: Loader
    rows: tuple[Near, ...]


@fact(Cost.SCAN)
def near_duplicates(trainee: Trainee, loaders: Loaders) -> NearDuplicates:
    """Texts by a sketch of their 3-grams, arrays by their nearest neighbour."""
    from mldoctor.trainee.contents import contents

    training = loaders.of("training")[0]
    train = contents(trainee, training.index)
    rows = []
    for evaluation in loaders.evaluating():
        other = contents(trainee, evaluation.index)
        row = _texts(train, other, evaluation) or _arrays(train, other, evaluation)
        if row is not None:
            rows.append(row)
    if not rows:
        raise AbsentFact("the inputs are neither texts nor arrays of 64 or more values")
    return NearDuplicates(training, tuple(rows))


def _texts(train: Contents, other: Contents, evaluation: Loader) -> Near | None:
    from mldoctor.data.kernel import build, probe
    from mldoctor.trainee.tables import texts

    mine, theirs = texts(train), texts(other)
    if not mine or not theirs:
        return None
    index = build(list(theirs.values()))
    places, sources = list(theirs), list(mine)
    matches = [m for m in probe(index, list(mine.values())) if m.kind == "near"]
    equal = {m.small for m in probe(index, list(mine.values())) if m.kind != "near"}
    best: dict[int, tuple[int, int, float]] = {}
    for m in matches:
        if (
            m.small in equal
            or min(_size(theirs[places[m.small]]), _size(mine[sources[m.large]])) < WORDS + 2
        ):
            continue
        if m.small not in best or m.similarity > best[m.small][2]:
            best[m.small] = (sources[m.large], places[m.small], m.similarity)
    half = list(mine.values())
    inside = probe(build(half[::2]), half[1::2])
    within = len({m.large for m in inside}) / max(1, len(half[1::2]))
    pairs = tuple(sorted(best.values(), key=lambda p: -p[2])[:20])
    return Near(evaluation, "texts", len(theirs), len(mine), len(best), pairs, within)


def _size(text: str) -> int:
    return len(text.split())


def _arrays(train: Contents, other: Contents, evaluation: Loader) -> Near | None:
    import numpy as np
    from sklearn.neighbors import NearestNeighbors

    mine, theirs = _matrix(train), _matrix(other)
    if mine is None or theirs is None or mine.shape[1] != theirs.shape[1]:
        return None
    centre, spread = mine.mean(0), float(mine.std())
    mine, theirs = (mine - centre) / max(spread, 1e-12), (theirs - centre) / max(spread, 1e-12)
    search = NearestNeighbors(n_neighbors=2).fit(mine)
    own = search.kneighbors(mine)[0][:, 1]
    typical = float(np.median(own))
    if typical <= 0:
        return None
    distance, place = search.kneighbors(theirs, n_neighbors=1)
    ratio = distance[:, 0] / typical
    hits = np.flatnonzero((ratio < CLOSE) & (ratio > EQUAL))
    pairs = [
        (train.kept[int(place[i, 0])].index, other.kept[int(i)].index, float(ratio[i]))
        for i in hits
    ]
    pairs.sort(key=lambda p: p[2])
    within = float((own < CLOSE * typical).mean())
    return Near(evaluation, "arrays", len(theirs), len(mine), len(hits), tuple(pairs[:20]), within)


def _matrix(found: Contents) -> np.ndarray | None:
    """The only float input as a matrix, None where there are several or none."""
    import numpy as np

    parts = [
        p
        for p in found.parts()
        if isinstance(found.views[0][p], np.ndarray)
        and found.views[0][p].dtype.kind == "f"
        and found.views[0][p].size >= DIMENSIONS
    ]
    if len(parts) != 1:
        return None
    column = found.column(parts[0])
    if any(v.size != column[0].size for v in column):
        return None
    matrix: np.ndarray = np.nan_to_num(np.stack([v.reshape(-1) for v in column]).astype(np.float32))
    if np.abs(matrix).max(initial=0.0) > LARGEST:
        return None
    if matrix.shape[1] > 4096:  # noqa: PLR2004 - distances survive a projection to 256 within a few percent
        generator = np.random.default_rng(0)
        matrix = matrix @ generator.normal(size=(matrix.shape[1], 256)).astype(np.float32)
    return matrix
