"""Scores of predictions, with every class on its own. All are safe where a class is empty."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import (
    accuracy_score,
    cohen_kappa_score,
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
)

THRESHOLDS = np.arange(0.3, 0.81, 0.05)
"""Candidates for the decision threshold of a label."""


def classification(targets: Any, predicted: Any, classes: list[str]) -> dict[str, Any]:
    """Accuracy, macro-F1 and kappa, each class on its own, and the confusion matrix."""
    indices = list(range(len(classes)))
    return {
        "accuracy": float(accuracy_score(targets, predicted)),
        "macro_f1": float(
            f1_score(targets, predicted, labels=indices, average="macro", zero_division=0)
        ),
        "kappa": float(np.nan_to_num(cohen_kappa_score(targets, predicted, labels=indices))),
        "per_class": _each(targets, predicted, indices, classes),
        "confusion": confusion_matrix(targets, predicted, labels=indices).tolist(),
    }


def multilabel(
    targets: np.ndarray, probabilities: np.ndarray, thresholds: np.ndarray, labels: list[str]
) -> dict[str, Any]:
    """Macro-F1 and the share of right decisions, and each label on its own.

    Args:
        targets: 0 and 1, `[texts, labels]`.
        probabilities: from 0 to 1, `[texts, labels]`.
        thresholds: from where on a label counts as predicted, `[labels]`.
        labels: their names.
    """
    predicted = (probabilities >= thresholds).astype(int)
    return {
        "macro_f1": float(f1_score(targets, predicted, average="macro", zero_division=0)),
        "micro_f1": float(f1_score(targets, predicted, average="micro", zero_division=0)),
        "decisions_right": float((targets == predicted).mean()),
        "per_class": _each(targets, predicted, list(range(len(labels))), labels),
    }


def best_thresholds(targets: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """For each label the threshold with the highest F1; of equal ones that nearest to 0.5."""
    candidates = sorted(THRESHOLDS, key=lambda threshold: abs(threshold - 0.5))
    best = []
    for truth, scores in zip(targets.T, probabilities.T, strict=True):
        f1 = [f1_score(truth, scores >= threshold, zero_division=0) for threshold in candidates]
        best.append(candidates[int(np.argmax(f1))])
    return np.array(best)


def _each(targets: Any, predicted: Any, indices: list[int], names: list[str]) -> dict[str, Any]:
    columns = precision_recall_fscore_support(
        targets, predicted, labels=indices, average=None, zero_division=0
    )
    kinds = ("precision", "recall", "f1", "rows")
    return {
        name: dict(zip(kinds, map(float, row), strict=True))
        for name, row in zip(names, zip(*columns, strict=True), strict=True)
    }
