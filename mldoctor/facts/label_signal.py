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
from mldoctor.facts.label_place import LabelPlace
from mldoctor.facts.loss_calls import CLASS_LOSSES, LossCalls
from mldoctor.facts.overfit_curve import OverfitCurve
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    import numpy as np

SAMPLES = 1500
MINIMUM = 150
"""Fewer samples cannot tell chance from a weak relation: a two-class accuracy of 60 % on 100
samples has p = 0.03."""

UNDER_UNINFORMED = 0.93
"""A loss on fresh batches under this share of the best constant answer's proves a relation."""

IDS = "samples are a few ids, and what these say about the label no simple model can tell"

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
    trainee: Trainee, loss_calls: LossCalls, place: LabelPlace, control: OverfitCurve
) -> LabelSignal:
    """Look for a relation until one is found."""
    classes = [row for row in loss_calls.rows if row.counts and len(row.counts) > 1]
    if len(classes) != 1:
        raise AbsentFact("no single set of class labels was used")
    counts = classes[0].counts
    total = sum(counts.values())
    uninformed = -sum(n / total * math.log(n / total) for n in counts.values())
    natural = _natural_loss(trainee)
    if natural is not None and natural < UNDER_UNINFORMED * uninformed:
        return LabelSignal("natural steps", natural, uninformed, 0, None, None, None, None, None)
    if not any(info.trained for info in trainee.tape.loaders):
        return _without_loader(trainee, control, natural, uninformed)
    path = control.label_path or place.path
    if control.outcome != "learned":
        raise AbsentFact("the loop does not learn even a fixed set, so its labels cannot be judged")
    if path is None:
        raise AbsentFact("no set of class labels could be told from the inputs")
    data = _table(trainee, path)
    if data is None or len(data[1]) < MINIMUM:
        raise AbsentFact(f"fewer than {MINIMUM} labelled samples could be read")
    accuracy, chance, p_value = _simple_models(*data)
    found = "simple models" if p_value < 0.05 else ""  # noqa: PLR2004 - lenient: it acquits
    real = shuffled = None
    if not found:
        real, shuffled, better = _fresh_batches(trainee, path)
        found = "fresh batches" if better else ""
    return LabelSignal(
        found, natural, uninformed, len(data[1]), accuracy, chance, p_value, real, shuffled
    )


def _without_loader(
    trainee: Trainee, control: OverfitCurve, natural: float | None, uninformed: float
) -> LabelSignal:
    """Collect what the model gets and what the loss compares it with, over more natural updates."""
    if control.outcome not in ("learned", "escaped"):
        raise AbsentFact("the loop does not learn even one batch, so its labels cannot be judged")
    data, losses = _pairs(trainee)
    if data is None or len(data[1]) < MINIMUM:
        raise AbsentFact(f"fewer than {MINIMUM} labelled samples were seen")
    fresh = sum(losses[-10:]) / len(losses[-10:]) if losses else math.nan
    if fresh < UNDER_UNINFORMED * uninformed:
        return LabelSignal("natural steps", fresh, uninformed, 0, None, None, None, None, None)
    accuracy, chance, p_value = _simple_models(*data)
    found = "simple models" if p_value < 0.05 else ""  # noqa: PLR2004 - lenient: it acquits
    return LabelSignal(
        found, natural, uninformed, len(data[1]), accuracy, chance, p_value, None, None
    )


def _pairs(trainee: Trainee) -> tuple[tuple[np.ndarray, np.ndarray] | None, list[float]]:
    """Model inputs and class indices of natural updates, each input once, and the losses."""
    import numpy as np

    from mldoctor.trainee.quiet import takes_hooks
    from mldoctor.trainee.tables import ids_alone, rectangle

    given: list[Any] = []

    def note(_module: Any, args: Any) -> None:
        given.extend(a.detach().cpu() for a in args[:1] if hasattr(a, "detach"))

    rows: dict[bytes, tuple[np.ndarray, int]] = {}
    losses: list[float] = []
    trainee.allow(FRESH_UPDATES)
    handles = [m.register_forward_pre_hook(note) for m in trainee.models if takes_hooks(m)]
    try:
        for step in trainee.drive((), FRESH_UPDATES):
            losses.append(step.loss)
            calls = [
                c
                for c in step.calls
                if c.grad and c.function in CLASS_LOSSES and c.target is not None
            ]
            if len(calls) == 1 and calls[0].target is not None and given:
                target = calls[0].target.reshape(-1).tolist()
                inputs = [g for g in given if g.dim() and g.shape[0] == len(target)]
                for value, label in zip(inputs[0] if inputs else (), target, strict=False):
                    row = value.reshape(-1).numpy()
                    rows[row.tobytes()] = (row, int(label))
            given.clear()
    finally:
        for handle in handles:
            handle.remove()
    if not rows:
        return None, losses
    values = [row for row, _ in rows.values()]
    if ids_alone(values):
        raise AbsentFact(IDS)
    table = rectangle(values)
    return (table, np.asarray([label for _, label in rows.values()])), losses


def _natural_loss(trainee: Trainee) -> float | None:
    """Mean loss of the later batches of the first epoch: each of them was new to the model."""
    tape = trainee.tape
    ends = [
        e.update
        for e in tape.of("batch")
        if e.details.get("end") and e.who is not None and tape.loaders[e.who].trained
    ]
    calls = [c for c in tape.losses if c.grad and c.value is not None]
    fresh = [c for c in calls if ends and c.update < ends[0]]
    values = [c.value for c in fresh if c.function in CLASS_LOSSES or "binary" in c.function]
    tail = [v for v in values[-10:] if v is not None]
    return sum(tail) / len(tail) if tail else None


def _table(trainee: Trainee, path: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray] | None:
    """Raw inputs as rows of a table, and their labels, read from the training dataset."""
    from mldoctor.trainee.contents import contents
    from mldoctor.trainee.tables import table

    loader = next(i for i, info in enumerate(trainee.tape.loaders) if info.trained)
    found = table(contents(trainee, loader), path)
    if found is not None and found.ids:
        raise AbsentFact(IDS)
    return None if found is None else (found.values[:SAMPLES], found.labels[:SAMPLES])


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
    trainee: Trainee, path: tuple[str, ...]
) -> tuple[float | None, float | None, bool]:
    """Mean loss on batches seen once, with real and with shuffled labels, and whether real wins."""
    import statistics

    loader = next(info.loader for info in trainee.tape.loaders if info.trained)
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
