"""Whether the class numbers of two splits mean the same: one split's labels, told from the other's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.facts.loaders import Loader

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    Words = Sequence[Sequence[Any]]

FEWEST = 25
"""Evaluation samples from which a share of them says something."""


@dataclass(frozen=True, slots=True)
class MapCheck:
    """Labels of one evaluation loader, predicted from the training samples.

    Attributes:
        samples: how many were predicted.
        accuracy: share of right answers; permuted: the same under the best renaming of the classes.
        renamed: "2 -> 5" and so on, for the classes that the renaming changes.
        known: share of the training labels that the same way of predicting gets right held out.
    """

    evaluation: Loader
    samples: int
    accuracy: float
    permuted: float
    renamed: tuple[str, ...]
    known: float = 1.0


def by_neighbours(
    evaluation: Loader,
    mine: tuple[np.ndarray, np.ndarray],
    theirs: tuple[np.ndarray, np.ndarray],
    known: float,
) -> MapCheck | None:
    """Label rows of numbers as their nearest training rows are labelled."""
    from sklearn.neighbors import KNeighborsClassifier

    if len(theirs[1]) < FEWEST:
        return None
    guess = KNeighborsClassifier(min(5, len(mine[1]))).fit(*mine).predict(theirs[0])
    return _check(evaluation, guess, mine[1], theirs[1], known)


def by_words(
    evaluation: Loader, mine: tuple[Words, np.ndarray], theirs: tuple[Words, np.ndarray]
) -> MapCheck | None:
    """Label rows of tokens by how often each token stands in each class (Rennie and others, 2003)."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.naive_bayes import ComplementNB
    from sklearn.pipeline import make_pipeline

    labels = mine[1]
    if len(theirs[1]) < FEWEST or np.unique(labels, return_counts=True)[1].min() < 3:  # noqa: PLR2004 - one for each fold
        return None
    model = make_pipeline(TfidfVectorizer(analyzer=_tokens, sublinear_tf=True), ComplementNB())
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    try:
        known = float(cross_val_score(model, mine[0], labels, cv=folds, error_score="raise").mean())
        guess = model.fit(mine[0], labels).predict(theirs[0])
    except ValueError:  # not one token in a fold
        return None
    return _check(evaluation, guess, labels, theirs[1], known)


def _tokens(row: Sequence[Any]) -> list[str]:
    return [str(token) for token in row]


def _check(
    evaluation: Loader, guess: np.ndarray, mine: np.ndarray, theirs: np.ndarray, known: float
) -> MapCheck:
    """Look for a renaming that explains the errors."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]

    classes = np.unique(np.concatenate([mine, theirs]))
    place = {int(c): i for i, c in enumerate(classes)}
    confusion = np.zeros((len(classes), len(classes)), dtype=int)
    for g, t in zip(guess.tolist(), theirs.tolist(), strict=True):
        confusion[place[int(g)], place[int(t)]] += 1
    rows, columns = linear_sum_assignment(-confusion)
    renamed = tuple(
        f"{classes[r]} -> {classes[c]}"
        for r, c in zip(rows, columns, strict=True)
        if r != c and confusion[r, c]
    )
    total = confusion.sum()
    return MapCheck(
        evaluation=evaluation,
        samples=int(total),
        accuracy=float(np.trace(confusion) / total),
        permuted=float(confusion[rows, columns].sum() / total),
        renamed=renamed,
        known=known,
    )
