"""BatchOrder: whether training batches follow the order of the labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mldoctor.errors import AbsentFact
from mldoctor.facts.delivery import Delivery
from mldoctor.facts.label_place import LabelPlace
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from mldoctor.facts.class_labels import ClassLabels, Labels


@dataclass(frozen=True, slots=True)
class BatchOrder:
    """Labels in the order in which training met them.

    Attributes:
        pure: updates whose labels were all of one class; labelled: updates with class labels;
            classes: different ones over all updates; expected_pure: updates of one class if the
            same labels came in random order.
        sampler: class of what chooses the entries, "" without a loader.
        sequential: entries come in the order of the dataset.
        dataset_classes: different labels in the dataset, 0 when they were not read.
        runs: share of neighbours in the dataset with the same label; expected: of a random order.
        built: the line of the loader; site: the line of the loss.
        file: these are the rows of a file in batches of 32; whoever reads it may shuffle.
    """

    pure: int
    labelled: int
    classes: int
    expected_pure: float
    sampler: str
    sequential: bool
    dataset_classes: int
    runs: float
    expected: float
    built: Location | None
    site: Location | None
    file: bool = False


@fact(Cost.SCAN)
def batch_order(trainee: Trainee, delivery: Delivery, place: LabelPlace) -> BatchOrder:
    """Join what the losses were given with the order of the dataset."""
    if not delivery.labelled:
        raise AbsentFact("no loss with class indices was computed")
    training = next((row for row in delivery.rows if row.role == "training"), None)
    read = _read(trainee, place) if training and training.sequential else None
    return BatchOrder(
        pure=delivery.pure,
        labelled=delivery.labelled,
        classes=delivery.classes,
        expected_pure=delivery.expected_pure,
        sampler=training.sampler if training else "",
        sequential=bool(training and training.sequential),
        dataset_classes=len(read.counts) if read else 0,
        runs=read.runs if read else 0.0,
        expected=read.expected if read else 0.0,
        built=training.built if training else None,
        site=delivery.site,
    )


def _read(trainee: Trainee, place: LabelPlace) -> Labels | None:
    from mldoctor.facts.class_labels import class_labels
    from mldoctor.facts.loaders import loaders

    try:
        found: ClassLabels = class_labels(trainee, loaders(trainee), place)
    except AbsentFact:
        return None
    return found.training
