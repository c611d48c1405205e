"""SplitShift: can a classifier tell the training inputs from the evaluation inputs?"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mldoctor.errors import AbsentFact
from mldoctor.facts.channel_order import ChannelOrder, channel_order
from mldoctor.facts.label_place import LabelPlace
from mldoctor.facts.loaders import Loader, Loaders
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from mldoctor.trainee.contents import Contents

SAMPLES = 600
MINIMUM = 40
COLUMNS = 64
"""Longer rows are no table of features."""
SUMMARIES = ("mean", "standard deviation", "lowest value", "highest value")


@dataclass(frozen=True, slots=True)
class Shift:
    """One evaluation loader against the training data.

    Attributes:
        part: the part of the samples that was compared.
        train, other: samples compared, balanced over the classes where these are known.
        auc: of a classifier that is to tell the splits apart, cross-validated; low, high: its 95 %
            interval (Hanley and McNeil, 1982).
        feature: what tells them apart best.
        train_mean, train_spread, other_mean, other_spread: of the values of that part.
        distance: between the two means, in standard deviations of the training values;
        ratio: of the standard deviations, the larger over the smaller.
        channels: of pictures in colour, whether their channels are in the same order.
    """

    evaluation: Loader
    part: str
    train: int
    other: int
    auc: float
    low: float
    high: float
    feature: str
    train_mean: float
    train_spread: float
    other_mean: float
    other_spread: float
    distance: float
    ratio: float
    channels: ChannelOrder | None = None


@dataclass(frozen=True, slots=True)
class SplitShift:
    """Every evaluation loader."""

    training: Loader
    rows: tuple[Shift, ...]


@fact(Cost.SCAN)
def split_shift(trainee: Trainee, loaders: Loaders, place: LabelPlace) -> SplitShift:
    """A two-sample test by a classifier, over the numeric part with the most values."""
    from mldoctor.trainee.contents import contents

    training = loaders.of("training")[0]
    train = contents(trainee, training.index)
    rows = []
    for evaluation in loaders.evaluating():
        row = _shift(train, contents(trainee, evaluation.index), evaluation, place.path)
        if row is not None:
            rows.append(row)
    if not rows:
        raise AbsentFact("no evaluation data with numeric inputs like those of training")
    return SplitShift(training, tuple(rows))


def _shift(
    train: Contents, other: Contents, evaluation: Loader, place: tuple[str, ...] | None
) -> Shift | None:
    part = _part(train, other, place)
    if part is None:
        return None
    mine, theirs = _balanced(train, other, part, place)
    found = shift_of(evaluation, part, mine, theirs)
    return None if found is None else replace(found, channels=channel_order(mine, theirs))


def shift_of(
    evaluation: Loader,
    part: str,
    mine: list[np.ndarray],
    theirs: list[np.ndarray],
    columns: Sequence[str] = (),
) -> Shift | None:
    """Whether a classifier tells inputs of two splits apart; None for too few of them.

    Args:
        evaluation: the other split.
        part: what is compared.
        mine: inputs of the training split.
        theirs: inputs of the other.
        columns: names of the values of an input.
    """
    import numpy as np
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    if min(len(mine), len(theirs)) < MINIMUM:
        return None
    names, left, right = _summaries(mine, theirs)
    names = list(columns) if len(columns) == len(names) else names
    table = np.vstack([left, right])
    split = np.r_[np.zeros(len(left)), np.ones(len(right))]
    model = ExtraTreesClassifier(80, min_samples_leaf=3, random_state=0, class_weight="balanced")
    folds = StratifiedKFold(4, shuffle=True, random_state=0)
    score = cross_val_predict(model, table, split, cv=folds, method="predict_proba")[:, 1]
    auc = float(roc_auc_score(split, score))
    error = _error(auc, len(left), len(right))
    best = int(np.argmax(model.fit(table, split).feature_importances_))
    a, b = (
        np.concatenate([v.reshape(-1) for v in mine]),
        np.concatenate([v.reshape(-1) for v in theirs]),
    )
    spread, other_spread = float(a.std()), float(b.std())
    tiny = 1e-12
    return Shift(
        evaluation=evaluation,
        part=part,
        train=len(left),
        other=len(right),
        auc=auc,
        low=max(0.0, auc - 1.96 * error),
        high=min(1.0, auc + 1.96 * error),
        feature=names[best],
        train_mean=float(a.mean()),
        train_spread=spread,
        other_mean=float(b.mean()),
        other_spread=other_spread,
        distance=float(abs(a.mean() - b.mean()) / max(spread, tiny)),
        ratio=max(spread, other_spread, tiny) / max(min(spread, other_spread), tiny),
    )


def _part(train: Contents, other: Contents, place: tuple[str, ...] | None) -> str | None:
    """The part with the most values that is a float input in both splits."""
    import numpy as np

    target = ".".join(place) if place else None
    shared = [p for p in train.parts() if p in other.parts() and p != target]
    numeric = [
        p
        for p in shared
        if all(
            isinstance(c.views[0][p], np.ndarray)
            and c.views[0][p].dtype.kind == "f"
            and c.views[0][p].size > 1
            for c in (train, other)
        )
    ]
    return max(numeric, key=lambda p: train.views[0][p].size, default=None)


def _balanced(
    train: Contents, other: Contents, part: str, place: tuple[str, ...] | None
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Samples of both splits, as many of each class, so that class balance alone tells nothing."""
    from mldoctor.trainee.tables import labels

    return balanced(
        train.column(part), other.column(part), labels(train, place), labels(other, place)
    )


def balanced(
    left: list[np.ndarray],
    right: list[np.ndarray],
    mine: list[int] | None,
    theirs: list[int] | None,
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Samples of two splits, as many of each class where the labels are known."""
    import random

    draw = random.Random(0)  # noqa: S311 - a sample, no secret
    if mine is None or theirs is None or len(set(mine)) > 100:  # noqa: PLR2004 - too many to balance
        return (
            draw.sample(left, min(SAMPLES, len(left))),
            draw.sample(right, min(SAMPLES, len(right))),
        )
    a, b = [], []
    for label in sorted(set(mine) & set(theirs)):
        one = [v for v, y in zip(left, mine, strict=True) if y == label]
        two = [v for v, y in zip(right, theirs, strict=True) if y == label]
        count = min(len(one), len(two), SAMPLES)
        a += draw.sample(one, count)
        b += draw.sample(two, count)
    return a[: 2 * SAMPLES], b[: 2 * SAMPLES]


def _summaries(
    mine: list[np.ndarray], theirs: list[np.ndarray]
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Columns of short rows, figures of larger samples."""
    import numpy as np

    first = mine[0]
    if (
        first.ndim == 1
        and first.size <= COLUMNS
        and all(v.shape == first.shape for v in (*mine, *theirs))
    ):
        names = [f"column {i}" for i in range(first.size)]
        return names, np.nan_to_num(np.stack(mine)), np.nan_to_num(np.stack(theirs))

    def figures(values: list[np.ndarray]) -> np.ndarray:
        rows = [[v.mean(), v.std(), v.min(), v.max()] for v in values if v.size]
        return np.nan_to_num(np.asarray(rows, dtype=np.float32))

    return list(SUMMARIES), figures(mine), figures(theirs)


def _error(auc: float, a: int, b: int) -> float:
    """Standard error of an AUC (Hanley and McNeil, Radiology 143, 1982)."""
    q1, q2 = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    spread = auc * (1 - auc) + (a - 1) * (q1 - auc * auc) + (b - 1) * (q2 - auc * auc)
    return math.sqrt(max(0.0, spread) / (a * b))
