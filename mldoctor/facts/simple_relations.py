"""SimpleRelations: what simple models of the raw inputs know about the labels.

One column that gives the label away, labels that contradict their neighbours, and class numbers
that mean something else in another split.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from mldoctor.errors import AbsentFact
from mldoctor.facts.label_maps import MapCheck, by_neighbours, by_words
from mldoctor.facts.label_place import LabelPlace
from mldoctor.facts.loaders import Loader, Loaders
from mldoctor.facts.telling_tokens import telling_token
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from mldoctor.facts.label_maps import Words
    from mldoctor.trainee.tables import Table

MINIMUM = 100
NEIGHBOURS = 10
AGREE = 9
"""Neighbours of ten that must share another label before a label counts as doubtful: by chance, at
five in six for the right label, nine of ten others agree on a wrong one once in a million."""

KNOWN = 0.7
"""Share of a class's labels that neighbours must confirm before they may contradict others of it."""

ASKED = 0.01
"""Share of doubtful labels from which a second opinion is worth its import."""

WIDEST = 400
"""More columns are no table of features."""


@dataclass(frozen=True, slots=True)
class SimpleRelations:
    """Relations between raw inputs and labels of the training data.

    Attributes:
        training: the loader.
        samples: training samples used; classes: different labels.
        agreement: share of the labels that the vote of the nearest other samples confirms.
        doubtful: samples whose neighbours agree on another label, and up to 20 of their indices.
        leaking: name of a column that gives the label by itself, or of a place among the tokens
            whose token does, "" for none.
        leaking_accuracy: held-out accuracy from that column alone; others_accuracy: from all others.
        apart: how far the classes stand apart in that column, in its standard deviations: the least
            distance from the 95th percentile of one class to the 5th of the next. A cut through
            values that lie close together gives 0.1 to 0.2; a class of one value infinity.
        majority: share of the commonest label.
        maps: one row per evaluation loader.
        second: of the doubtful samples, those that cleanlab doubts on the same votes; None where it
            is not installed or was not asked.
        tokens: samples are tokens, and `leaking` is a place among them.
    """

    training: Loader
    samples: int
    classes: int
    agreement: float
    doubtful: int
    doubtful_index: tuple[int, ...]
    leaking: str
    leaking_accuracy: float
    others_accuracy: float
    majority: float
    maps: tuple[MapCheck, ...]
    second: int | None = None
    apart: float = 0.0
    tokens: bool = False


@fact(Cost.SCAN)
def simple_relations(trainee: Trainee, loaders: Loaders, place: LabelPlace) -> SimpleRelations:
    """Fit nearest neighbours and single-column trees on at most 2000 samples."""
    from mldoctor.trainee.contents import contents
    from mldoctor.trainee.tables import table, words

    if place.regression:
        raise AbsentFact("the targets are no classes")
    training = loaders.of("training")[0]
    found = table(contents(trainee, training.index), place.path)
    if found is None:
        raise AbsentFact("the training samples are no inputs with one class label each")
    mine = words(contents(trainee, training.index), place.path)
    others = []
    for evaluation in loaders.evaluating():
        read = contents(trainee, evaluation.index)
        other = table(read, place.path)
        if other is not None:
            theirs = words(read, place.path) if mine is not None else None
            others.append((evaluation, other, theirs))
    return relations_of(training, found, others, mine)


def check_labels(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The classes and how often each occurs.

    Raises:
        AbsentFact: when simple models could learn nothing from so few of them.
    """
    import numpy as np

    if len(labels) < MINIMUM:
        raise AbsentFact(f"fewer than {MINIMUM} labelled samples could be read")
    classes, counts = np.unique(labels, return_counts=True)
    if len(classes) < 2 or len(classes) > len(labels) / 10:  # noqa: PLR2004 - something to tell apart
        raise AbsentFact("the labels are one class, or too many classes for the samples")
    return classes, counts


def relations_of(
    training: Loader,
    found: Table,
    evaluations: Sequence[tuple[Loader, Table, Words | None]],
    mine: Words | None = None,
) -> SimpleRelations:
    """Fit the simple models on a table, and try them on those of the other splits.

    Args:
        training: the split to learn from.
        found: its inputs and labels.
        evaluations: the other splits: their tables, and their rows as tokens where they are words.
        mine: the rows of the training split as tokens, where they are words.

    Raises:
        AbsentFact: when there are too few labels, or too many classes.
    """
    classes, counts = check_labels(found.labels)
    scaled, centre, scale = _standardised(found.values)
    agreement, doubtful, votes = _neighbours(scaled, found.labels)
    leaking, alone, others, apart = _leak(found)
    placed = mine is not None and not leaking
    if mine is not None and placed:
        leaking, alone, others = telling_token(mine, found.labels)
    maps = []
    for evaluation, other, theirs in evaluations:
        if mine is not None and theirs is not None:
            maps.append(by_words(evaluation, (mine, found.labels), (theirs, other.labels)))
        elif other.values.shape[1:] == found.values.shape[1:]:
            seen = (other.values - centre) / scale
            maps.append(
                by_neighbours(evaluation, (scaled, found.labels), (seen, other.labels), agreement)
            )
    return SimpleRelations(
        training=training,
        samples=len(found.labels),
        classes=len(classes),
        agreement=agreement,
        doubtful=len(doubtful),
        doubtful_index=tuple(int(found.index[i]) for i in doubtful[:20]),
        leaking=leaking,
        leaking_accuracy=alone,
        others_accuracy=others,
        majority=float(counts.max() / counts.sum()),
        maps=tuple(m for m in maps if m is not None),
        second=_second(found.labels, votes, doubtful),
        apart=apart,
        tokens=placed and bool(leaking),
    )


def _standardised(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distances mean nothing before the scales are equal."""
    centre, scale = values.mean(0), values.std(0)
    scale[scale < 1e-8 * max(1.0, float(abs(values).max(initial=0.0)))] = 1.0
    return (values - centre) / scale, centre, scale


def _second(labels: np.ndarray, votes: np.ndarray, doubtful: list[int]) -> int | None:
    """How many doubtful labels cleanlab doubts, too; asked only where there are enough to tell of."""
    import importlib.util

    import numpy as np

    if len(doubtful) < ASKED * len(labels) or importlib.util.find_spec("cleanlab") is None:
        return None
    from cleanlab.filter import find_label_issues

    codes = np.unique(labels, return_inverse=True)[1]
    shares = (votes + 0.1) / (votes + 0.1).sum(1, keepdims=True)
    return int(find_label_issues(codes, shares, n_jobs=1)[doubtful].sum())


def _neighbours(values: np.ndarray, labels: np.ndarray) -> tuple[float, list[int], np.ndarray]:
    """Agreement with the vote of the nearest others, the positions that they contradict, and votes."""
    import numpy as np
    from sklearn.neighbors import NearestNeighbors

    count = min(NEIGHBOURS, len(labels) - 1)
    search = NearestNeighbors(n_neighbors=count + 1).fit(values)
    near = search.kneighbors(values, return_distance=False)
    codes = np.unique(labels, return_inverse=True)[1]
    votes = np.zeros((len(labels), codes.max() + 1), dtype=int)
    for i, row in enumerate(near):
        others = row[row != i][:count]
        votes[i] += np.bincount(codes[others], minlength=votes.shape[1])
    best = votes.argmax(1)
    doubtful = np.flatnonzero((best != codes) & (votes.max(1) >= min(AGREE, count)))
    # The confident joint: a class counts for a sample where its vote exceeds that class's own mean
    # (Northcutt, Jiang and Chuang, Confident Learning, 2021).
    bar = np.array([votes[codes == c, c].mean() for c in range(votes.shape[1])])
    confident = votes[doubtful, best[doubtful]] >= bar[best[doubtful]]
    # A class that its own neighbours seldom confirm lies within another one: that is no noise.
    known = np.array([(best[codes == c] == c).mean() for c in range(votes.shape[1])]) >= KNOWN
    confident &= known[codes[doubtful]]
    return float((best == codes).mean()), doubtful[confident].tolist(), votes


def _leak(found: Table) -> tuple[str, float, float, float]:
    """The best single column, what it and all others give, and how far apart its classes stand."""
    import numpy as np
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.tree import DecisionTreeClassifier

    columns = found.values.shape[1]
    if not found.names or not 3 <= columns <= WIDEST:  # noqa: PLR2004 - of one or two columns, one may well decide
        return "", 0.0, 0.0, 0.0
    rows = np.linspace(0, len(found.labels) - 1, min(len(found.labels), 1000)).astype(int)
    values, labels = found.values[rows], found.labels[rows]  # throughout: they may be sorted
    counts = np.unique(labels, return_counts=True)[1]
    if len(counts) < 2 or counts.min() < 3:  # noqa: PLR2004 - two classes, and a label for every fold
        return "", 0.0, 0.0, 0.0
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    leaves = max(8, 2 * len(np.unique(labels)))
    tree = DecisionTreeClassifier(max_leaf_nodes=leaves, min_samples_leaf=2, random_state=0)
    fits = [tree.fit(values[:, [c]], labels).score(values[:, [c]], labels) for c in range(columns)]
    best = int(np.argmax(fits))
    if fits[best] < 0.97:  # noqa: PLR2004 - the probe asks for more
        return "", 0.0, 0.0, 0.0
    alone = float(cross_val_score(tree, values[:, [best]], labels, cv=folds).mean())
    rest = np.delete(values, best, axis=1)
    forest = ExtraTreesClassifier(60, min_samples_leaf=2, random_state=0)
    others = float(cross_val_score(forest, rest, labels, cv=folds).mean())
    return found.names[best], alone, others, _apart(values[:, best], labels)


def _apart(column: np.ndarray, labels: np.ndarray) -> float:
    import numpy as np

    groups = sorted((column[labels == c] for c in np.unique(labels)), key=np.median)
    if any(np.unique(g, return_counts=True)[1].max() >= len(g) / 2 for g in groups):
        return float("inf")
    steps = [np.quantile(b, 0.05) - np.quantile(a, 0.95) for a, b in pairwise(groups)]
    return float(min(steps) / (column.std() or 1.0))
