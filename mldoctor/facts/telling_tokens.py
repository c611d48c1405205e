"""A place in the tokens of the samples whose token says the label by itself.

A marker that an export writes before each text, or a column of a table that was joined into one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    Words = Sequence[Sequence[Any]]

PLACES = 8
"""Places from either end that are looked at: markers stand before a text or behind it."""

CERTAIN = 0.99
"""Share of the held-out samples for which the token at a place must say the label."""

EACH = 3
"""Different tokens at that place for each class: more are words, and no marker."""

INFORMED = 3.0
"""Standard errors by which the other tokens must beat the commonest label: a task that is made so that
only one token counts has nothing in the others."""


def telling_token(rows: Words, labels: np.ndarray) -> tuple[str, float, float]:
    """The place, held-out accuracy of its token, and that of all other tokens; "" for none.

    Args:
        rows: the tokens of every sample.
        labels: the class of every sample.
    """
    import numpy as np

    classes, counts = np.unique(labels, return_counts=True)
    if counts.min() < 3 or min(map(len, rows)) < 3:  # noqa: PLR2004 - one for each fold, and others beside it
        return "", 0.0, 0.0
    majority = float(counts.max() / counts.sum())
    for place in [p for k in range(PLACES) for p in (k, -1 - k)]:
        if not -min(map(len, rows)) <= place < min(map(len, rows)):
            continue
        given = [row[place] for row in rows]
        if not 1 < len(set(given)) <= EACH * len(classes):
            continue
        alone = _held_out(given, labels)
        if alone < max(CERTAIN, majority):
            continue
        others = _others(rows, set(given), labels)
        error = (majority * (1 - majority) / len(labels)) ** 0.5
        if others <= majority + INFORMED * error:
            return "", 0.0, 0.0
        end = "from the end " if place < 0 else ""
        return f"token {place if place >= 0 else -1 - place} {end}".strip(), alone, others
    return "", 0.0, 0.0


def _held_out(given: list[Any], labels: np.ndarray) -> float:
    """How often the commonest label of a token in one half is that of the token in the other half."""
    right = 0
    for half in (0, 1):
        seen: defaultdict[Any, Counter[int]] = defaultdict(Counter)
        for token, label in zip(given[half::2], labels[half::2].tolist(), strict=True):
            seen[token][label] += 1
        best = {token: votes.most_common(1)[0][0] for token, votes in seen.items()}
        other = zip(given[1 - half :: 2], labels[1 - half :: 2].tolist(), strict=True)
        right += sum(best.get(token) == label for token, label in other)
    return right / len(given)


def _others(rows: Words, without: set[Any], labels: np.ndarray) -> float:
    """Cross-validated accuracy of all tokens but these (Rennie and others, 2003)."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.naive_bayes import ComplementNB
    from sklearn.pipeline import make_pipeline

    left = [[str(token) for token in row if token not in without] for row in rows]
    model = make_pipeline(TfidfVectorizer(analyzer=list, sublinear_tf=True), ComplementNB())
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    try:
        return float(cross_val_score(model, left, labels, cv=folds, error_score="raise").mean())
    except ValueError:  # not one token is left in a fold
        return 0.0
