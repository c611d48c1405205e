"""TrainingLabels: how often each label occurs in the training data."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts.label_place import LabelPlace
from mldoctor.facts.loss_calls import BINARY_LOSSES, CLASS_LOSSES, LossCall, LossCalls
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from mldoctor.trainee.tape import LoaderInfo

SAMPLES = 2000
SECONDS = 3.0
DIFFERENT = 1000
"""More different values than this are no class labels."""


@dataclass(frozen=True, slots=True)
class TrainingLabels:
    """Counts of the labels that were read.

    Attributes:
        counts: occurrences by label.
        possible: how many answers the loss distinguishes.
        source: "the training dataset" or "the targets of the natural steps".
        location: the line of the loss.
    """

    counts: dict[str, int]
    possible: int
    source: str
    location: Location | None


@fact(Cost.SCAN)
def training_labels(trainee: Trainee, loss_calls: LossCalls, place: LabelPlace) -> TrainingLabels:
    """Read labels from the dataset, else count the targets of the natural steps."""
    rows = [
        r for r in loss_calls.rows if r.function in (*CLASS_LOSSES, *BINARY_LOSSES) and r.counts
    ]
    if not rows:
        raise AbsentFact("no loss with class labels was called")
    possible = max(_possible(row) for row in rows)
    training = [info for info in trainee.tape.loaders if info.trained]
    if training and place.path is not None and len(rows) == 1:
        counts = _from_dataset(training[0], place.path, rows[0].ignore_index)
        if counts:
            return TrainingLabels(counts, possible, "the training dataset", rows[0].location)
    if training and place.path is None and len(rows) == 1:
        raise AbsentFact("the labels could not be told apart in the batches")
    rows = [row for row in rows if not _positions(trainee, row)]
    if not rows:
        raise AbsentFact("the labels are places among the compared samples, and no classes")
    total: Counter[str] = Counter()
    for row in rows:
        total.update(row.counts)
    return TrainingLabels(
        dict(total), possible, "the targets of the natural steps", rows[0].location
    )


def _positions(trainee: Trainee, row: LossCall) -> bool:
    """Whether a constant label is the place of the right answer among samples, as in InfoNCE.

    Momentum contrast puts it first in every row of scores (He and others, 2020). What tells it from
    classes: no trained tensor has as many rows or columns as there are answers.
    """
    if row.function not in CLASS_LOSSES or len(row.counts) != 1 or not row.classes:
        return False
    groups = (group for o in trainee.tape.optimizers for group in o.param_groups)
    return not any(row.classes in p.shape for group in groups for p in group["params"])


def _possible(row: LossCall) -> int:
    if row.function in CLASS_LOSSES:
        return row.classes or 2
    return 2


def _from_dataset(
    info: LoaderInfo, path: tuple[str, ...], ignore_index: int | None
) -> dict[str, int]:
    from mldoctor.trainee import batches, samples

    counts: Counter[str] = Counter()
    collate = getattr(info.loader, "collate_fn", None)
    for sample in samples.read(info.loader, SECONDS, SAMPLES):
        value: Any = sample.value
        if sample.origin is not None and collate is not None:
            value = collate([value])
        for place, leaf in batches.leaves(value):
            if tuple(map(str, place)) == path and not isinstance(leaf, list):
                counts.update(str(int(v)) for v in leaf.reshape(-1).tolist())
        if len(counts) > DIFFERENT:
            return {}
    counts.pop(str(ignore_index), None)
    return dict(counts)
