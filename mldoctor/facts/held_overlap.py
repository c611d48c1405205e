"""HeldOverlap: rows that a loop without a DataLoader both trains on and evaluates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mldoctor.errors import AbsentFact
from mldoctor.facts.loaders import Loader
from mldoctor.facts.split_overlap import SplitOverlap, overlap
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from mldoctor.trainee.held_arrays import Held


WHOLE = 0.9
"""Share of the training rows in an evaluation from which on it is a pass over all data, as for a plot
of the fitted curve."""


@dataclass(frozen=True, slots=True)
class HeldOverlap:
    """The overlap of the arrays that are evaluated with the one that is trained on."""

    found: SplitOverlap


@fact(Cost.SCAN)
def held_overlap(trainee: Trainee) -> HeldOverlap:
    """Find the arrays behind the batches, and join their rows."""
    from mldoctor.trainee.contents import read

    splits = trainee.held_splits()
    if len(splits) < 2:  # noqa: PLR2004 - one to train on and one to evaluate
        raise AbsentFact("the arrays that are trained on and evaluated were not found")
    training, *others = (_row(place, held) for place, held in enumerate(splits))
    train, *books = (read(held.loader(), place) for place, held in enumerate(splits))
    found = [overlap(train, book, training, row) for book, row in zip(books, others, strict=True)]
    rows = tuple(row for row in found if row.shared < WHOLE * train.read)
    return HeldOverlap(SplitOverlap(training, rows))


def _row(place: int, held: Held) -> Loader:
    return Loader(
        index=place,
        role="evaluation" if place else "training",
        built=held.site.location(held.name) if held.site else None,
        dataset=held.name,
        size=len(held),
    )
