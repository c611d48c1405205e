"""LabelSignal: is there anything in the inputs that tells the labels?

Cheapest evidence first; each may acquit the labels, none alone convicts them:
(1) the loop's own natural steps bring its loss on batches not seen before clearly under the loss
of the best constant answer; (2) a simple model of the raw inputs, cross-validated, predicts the
labels better than it predicts their permutations; (3) the loop learns the real labels of fresh
batches faster than shuffled ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts.loaders import Loaders
from mldoctor.facts.loss_calls import CLASS_LOSSES, LossCalls
from mldoctor.facts.overfit_curve import OverfitCurve
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee  # noqa: TC001 - the registry reads the annotation

if TYPE_CHECKING:
    import numpy as np

SAMPLES = 1500
MINIMUM = 150
"""Fewer samples cannot tell chance from a weak relation: a two-class accuracy of 60 % on 100
samples has p = 0.03."""

UNDER_UNINFORMED = 0.93
"""A loss on fresh batches under this share of the best constant answer's proves a relation."""

PERMUTATIONS = 200
FRESH_UPDATES = 40


@dataclass(frozen=True, slots=True)
class LabelSignal:
    """Evidence for a relation between inputs and labels.

    Attributes:
        decided_by: "natural steps", "simple models", "fresh batches" or "" when nothing showed one.
        natural_loss: mean loss of the last natural batches; uninformed: best constant answer's.
        samples: how many the simple models saw.
        accuracy: best cross-validated accuracy; chance: its mean over permuted labels.
        p_value: share of permutations that did as well, the smallest over the models.
        real_loss, shuffled_loss: mean loss on fresh batches with real and with shuffled labels.
    """

    decided_by: str
    natural_loss: float | None
    uninformed: float | None
    samples: int
    accuracy: float | None
    chance: float | None
    p_value: float | None
    real_loss: float | None
    shuffled_loss: float | None


@fact(Cost.STEPS)
def label_signal(
    trainee: Trainee, loss_calls: LossCalls, loaders: Loaders, control: OverfitCurve
) -> LabelSignal:
    """Look for a relation until one is found."""
    if control.outcome != "learned":
        raise AbsentFact("the loop does not learn even a fixed set, so its labels cannot be judged")
    classes = [row for row in loss_calls.rows if row.counts and len(row.counts) > 1]
    if len(classes) != 1 or control.label_path is None:
        raise AbsentFact("no single set of class labels could be told from the inputs")
    counts = classes[0].counts
    total = sum(counts.values())
    uninformed = -sum(n / total * math.log(n / total) for n in counts.values())
    natural = _natural_loss(trainee)
    if natural is not None and natural < UNDER_UNINFORMED * uninformed:
        return LabelSignal(
            "natural steps", natural, uninformed, 0, None, None, None, None, None
        )
    data = _table(trainee, loaders, control.label_path)
    if data is None or len(data[1]) < MINIMUM:
        raise AbsentFact(f"fewer than {MINIMUM} labelled samples could be read")
    accuracy, chance, p_value = _simple_models(*data)
    found = "simple models" if p_value < 0.05 else ""  # noqa: PLR2004 - lenient: it acquits
    real = shuffled = None
    if not found:
        real, shuffled, better = _fresh_batches(trainee, control.label_path, loaders)
        found = "fresh batches" if better else ""
    return LabelSignal(
        found, natural, uninformed, len(data[1]), accuracy, chance, p_value, real, shuffled
    )


def _natural_loss(trainee: Trainee) -> float | None:
    calls = [c for c in trainee.tape.losses if c.grad and c.value is not None]
    values = [c.value for c in calls if c.function in CLASS_LOSSES or "binary" in c.function]
    tail = [v for v in values[-10:] if v is not None]
    return sum(tail) / len(tail) if tail else None


def _table(
    trainee: Trainee, loaders: Loaders, path: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray] | None:
    """Raw inputs as rows of a table, and their labels, read from the training dataset."""
    import numpy as np

    from mldoctor.trainee import samples
    from mldoctor.trainee.batches import leaves

    loader = trainee.tape.loaders[loaders.of("training")[0].index].loader
    features: list[np.ndarray] = []
    labels: list[int] = []
    collate = getattr(loader, "collate_fn", None)
    for sample in samples.read(loader, max(1.0, trainee.seconds_left() * 0.1), SAMPLES):
        batch = collate([sample.value]) if collate and sample.origin else sample.value
        label, parts = None, []
        for place, leaf in leaves(batch):
            values = np.asarray(leaf.detach().cpu() if hasattr(leaf, "detach") else leaf)
            if values.dtype.kind not in "fiub":
                continue
            if tuple(map(str, place)) == path:
                label = values.reshape(-1)
            else:
                parts.append(values.reshape(-1))
        if label is None or label.size != 1 or not parts:
            return None
        features.append(np.concatenate(parts))
        labels.append(int(label[0]))
    return (_rectangle(features), np.asarray(labels)) if labels else None


def _rectangle(rows: list[np.ndarray]) -> np.ndarray:
    """Rows of one length: long token rows become counts of their commonest values."""
    import numpy as np

    whole = all(r.dtype.kind in "iub" for r in rows)
    if whole:
        values, numbers = np.unique(np.concatenate(rows), return_counts=True)
        vocabulary = values[np.argsort(-numbers)[:1000]]
        place = {int(v): i for i, v in enumerate(vocabulary)}
        table = np.zeros((len(rows), len(vocabulary)), dtype=np.float32)
        for i, row in enumerate(rows):
            for value, number in zip(*np.unique(row, return_counts=True), strict=True):
                if int(value) in place:
                    table[i, place[int(value)]] = np.log1p(number)
        width = min(min(map(len, rows)), 32)
        return np.hstack([table, np.stack([r[:width] for r in rows]).astype(np.float32)])
    width = min(map(len, rows))
    table = np.stack([r[:width] for r in rows]).astype(np.float32)
    if width > 4096:  # noqa: PLR2004 - what the simple models can take in a second
        generator = np.random.default_rng(0)
        table = table @ generator.normal(size=(width, 512)).astype(np.float32)
    return np.nan_to_num(table)


def _simple_models(table: np.ndarray, labels: np.ndarray) -> tuple[float, float, float]:
    """Best cross-validated accuracy, its value by chance, and its permutation p-value."""
    import numpy as np
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import KFold, cross_val_predict
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    folds = KFold(4, shuffle=True, random_state=0)
    generator = np.random.default_rng(0)
    best = (0.0, 0.0, 1.0)
    for model in (
        ExtraTreesClassifier(100, min_samples_leaf=2, random_state=0),
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=200)),
        make_pipeline(StandardScaler(), KNeighborsClassifier(10)),
    ):
        guess = cross_val_predict(model, table, labels, cv=folds)
        accuracy = float((guess == labels).mean())
        by_chance = [
            float((guess == generator.permutation(labels)).mean()) for _ in range(PERMUTATIONS)
        ]
        p_value = (1 + sum(c >= accuracy for c in by_chance)) / (PERMUTATIONS + 1)
        if p_value < best[2] or best[0] == 0.0:
            best = (accuracy, float(np.mean(by_chance)), p_value)
        if p_value <= 0.01:  # noqa: PLR2004 - a relation is proven
            break
    return best


def _fresh_batches(
    trainee: Trainee, path: tuple[str, ...], loaders: Loaders
) -> tuple[float | None, float | None, bool]:
    """Mean loss on batches seen once, with real and with shuffled labels, and whether real wins."""
    import statistics

    loader = trainee.tape.loaders[loaders.of("training")[0].index].loader
    fresh = []
    for batch in loader:
        fresh.append(batch)
        if len(fresh) >= FRESH_UPDATES:
            break
    if len(fresh) < 8:  # noqa: PLR2004 - too few batches to compare
        return None, None, False
    trainee.allow(2 * FRESH_UPDATES)
    runs = []
    for feed in (fresh, [_shuffled(b, path) for b in fresh]):
        losses = [s.loss for s in trainee.drive(feed, len(feed))]
        runs.append(losses[len(losses) // 3 :])
    if min(map(len, runs)) < 4:  # noqa: PLR2004 - the budget ended
        return None, None, False
    real, shuffled = map(statistics.fmean, runs)
    error = math.sqrt(sum(statistics.variance(r) / len(r) for r in runs))
    return real, shuffled, real < shuffled - 2 * error


def _shuffled(batch: Any, path: tuple[str, ...]) -> Any:
    """The batch with its labels permuted among its samples."""
    import torch

    from mldoctor.trainee import batches

    def permute(place: batches.Path, leaf: Any) -> Any:
        if tuple(map(str, place)) != path or not isinstance(leaf, torch.Tensor):
            return leaf
        return leaf[torch.randperm(len(leaf), device=leaf.device)]

    return batches.replace_leaves(batch, permute)
