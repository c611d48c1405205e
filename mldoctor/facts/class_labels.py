"""ClassLabels: one label a sample, counted in every split, and their order in the dataset."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass

from mldoctor.errors import AbsentFact
from mldoctor.facts.label_place import LabelPlace
from mldoctor.facts.loaders import Loader, Loaders
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of one loader's dataset.

    Attributes:
        counts: occurrences by label, as text; read: how many labels.
        complete: every sample of the dataset was read.
        runs: share of neighbours in the dataset with the same label; expected: of a random order.
    """

    loader: Loader
    counts: dict[str, int]
    read: int
    complete: bool
    runs: float
    expected: float


@dataclass(frozen=True, slots=True)
class ClassLabels:
    """The training data, and what evaluates."""

    training: Labels
    evaluations: tuple[Labels, ...]


@fact(Cost.SCAN)
def class_labels(trainee: Trainee, loaders: Loaders, place: LabelPlace) -> ClassLabels:
    """Count the labels of the kept samples where the loss takes its target from."""
    if place.regression:
        raise AbsentFact("the targets are no classes")
    training = _labels(trainee, loaders.of("training")[0], place)
    if training is None:
        raise AbsentFact("the training samples have no class label of their own")
    others = [_labels(trainee, loader, place) for loader in loaders.evaluating()]
    return ClassLabels(training, tuple(o for o in others if o is not None))


def _labels(trainee: Trainee, loader: Loader, place: LabelPlace) -> Labels | None:
    from mldoctor.trainee.contents import contents
    from mldoctor.trainee.tables import labels

    found = contents(trainee, loader.index)
    values = labels(found, place.path)
    if not values:
        return None
    ordered = [
        label for _, label in sorted(zip((s.index for s in found.kept), values, strict=True))
    ]
    counts = Counter(ordered)
    same = sum(a == b for a, b in itertools.pairwise(ordered))
    return Labels(
        loader=loader,
        counts={str(label): n for label, n in counts.items()},
        read=len(ordered),
        complete=found.total is not None and len(found.kept) >= found.total,
        runs=same / max(1, len(ordered) - 1),
        expected=sum((n / len(ordered)) ** 2 for n in counts.values()),
    )
