"""Repetition: training samples with the same input, and whether their labels agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mldoctor.errors import AbsentFact
from mldoctor.facts.label_place import LabelPlace
from mldoctor.facts.loaders import Loader, Loaders
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from mldoctor.trainee.contents import Contents
    from mldoctor.trainee.repeats import FewValues

CHANCE = 0.05
"""Rows expected to equal a given row by chance, above which equal ones say nothing (see
`trainee/repeats.py`)."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """Equal inputs within the training data.

    Attributes:
        read, total: samples read, and in all (None for a stream).
        repeated: samples whose input occurs before; entries that a sampler or a `Subset` repeats on
            purpose are left out, and so are short rows of few symbols that recur by chance.
        groups: different inputs that occur more than once.
        pairs: up to 20 (index, index of its first occurrence).
        balancing: all repeated samples are of the classes that would be rare without them.
        labelled: groups whose labels are known.
        conflicts: groups among them with more than one label; rows: the samples in those.
        conflict_pairs: up to 20 (index, index) with different labels.
    """

    training: Loader
    read: int
    total: int | None
    repeated: int
    groups: int
    pairs: tuple[tuple[int, int], ...]
    balancing: bool
    labelled: int
    conflicts: int
    conflict_rows: int
    conflict_pairs: tuple[tuple[int, int], ...]


@fact(Cost.SCAN)
def repetition(trainee: Trainee, loaders: Loaders, place: LabelPlace) -> Repetition:
    """Group the samples by the hash of their input."""
    from mldoctor.trainee.contents import contents
    from mldoctor.trainee.tables import labels

    training = loaders.of("training")[0]
    found = contents(trainee, training.index)
    if found.total is None:
        raise AbsentFact("the training data is a stream, which may repeat itself")
    seen_entries: set[tuple[int, int]] = set()
    groups: dict[bytes, list[int]] = {}
    for position, (digest, origin) in enumerate(zip(found.digests, found.origins, strict=True)):
        if position in found.blank or origin in seen_entries:
            continue
        if origin is not None:
            seen_entries.add(origin)
        groups.setdefault(digest, []).append(position)
    several = _not_by_chance(found, [g for g in groups.values() if len(g) > 1])
    values = None if place.regression else labels(found, place.path)
    known = dict(zip((s.index for s in found.kept), values, strict=True)) if values else {}
    by_group = [[(p, known.get(found.indices[p])) for p in g] for g in several]
    whole = [g for g in by_group if all(label is not None for _, label in g)]
    conflicting = [g for g in whole if len({label for _, label in g}) > 1]
    return Repetition(
        training=training,
        read=found.read,
        total=training.size,
        repeated=sum(len(g) - 1 for g in several),
        groups=len(several),
        pairs=tuple((found.indices[g[1]], found.indices[g[0]]) for g in several[:20]),
        balancing=_balancing(found, known, by_group),
        labelled=len(whole),
        conflicts=len(conflicting),
        conflict_rows=sum(map(len, conflicting)),
        conflict_pairs=tuple(_pair(g, found.indices) for g in conflicting[:20]),
    )


def _not_by_chance(found: Contents, groups: list[list[int]]) -> list[list[int]]:
    from mldoctor.trainee.repeats import FewValues, Repeats

    if not groups:
        return groups
    values = FewValues(found)
    natural = [_natural(found, values, group) for group in groups]
    seen = [n for n in natural if n is not None]
    rest = bool(seen) and sum(seen) >= 0.9 * len(seen)  # of groups of which no sample was kept
    groups = [g for g, n in zip(groups, natural, strict=True) if not (rest if n is None else n)]
    if len(found.rows) < found.read:
        return groups
    model = Repeats(found.rows)
    if not model.applies:
        return groups
    return [g for g in groups if model.expected(found.rows[g[0]]) < CHANCE]


def _natural(found: Contents, values: FewValues, group: list[int]) -> bool | None:
    """Whether a table of few values leads to such equal rows; None when no row of it was kept."""
    for position in group:
        row = values.rows.get(found.indices[position])
        if row is not None:
            return values.expected(row, len(group)) >= CHANCE
    return None


def _balancing(
    found: Contents, known: dict[int, int], groups: list[list[tuple[int, int | None]]]
) -> bool:
    """Whether the repeated samples only fill up classes that are rare without them."""
    different: dict[int, set[bytes]] = {}
    for index, digest in zip(found.indices, found.digests, strict=True):
        if index in known:
            different.setdefault(known[index], set()).add(digest)
    filled = {label for group in groups for _, label in group if label is not None}
    others = [len(rows) for label, rows in different.items() if label not in filled]
    return bool(filled and others) and max(len(different[c]) for c in filled) < min(others)


def _pair(group: list[tuple[int, int | None]], indices: list[int]) -> tuple[int, int]:
    first, label = group[0]
    other = next(p for p, other_label in group if other_label != label)
    return indices[first], indices[other]
