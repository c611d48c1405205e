"""The facts that probes judge, made from files instead of a script's loaders."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from mldoctor.data.near import near_pairs, within
from mldoctor.errors import AbsentFact
from mldoctor.facts.class_labels import ClassLabels, Labels
from mldoctor.facts.input_parts import InputParts
from mldoctor.facts.input_parts import Split as Part
from mldoctor.facts.loaders import Loader
from mldoctor.facts.loss_calls import LossCalls
from mldoctor.facts.near_duplicates import Near, NearDuplicates
from mldoctor.facts.repetition import Repetition
from mldoctor.facts.split_columns import SplitColumns, groups_of, times_of
from mldoctor.facts.split_overlap import Overlap, SplitOverlap
from mldoctor.findings import Location
from mldoctor.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from mldoctor.data.splits import Split
    from mldoctor.data.words import Hashes

SHOWN = 200


def record(splits: list[Split], memory: int, progress: Callable[[str, int], None]) -> Record:
    """Facts about the first split, and about each of the others against it.

    Args:
        splits: as they were read; the first is the training data.
        memory: bytes that the index of near copies may take.
        progress: called with a stage and the rows done.
    """
    training, others = splits[0], splits[1:]
    loaders = [_loader(i, split) for i, split in enumerate(splits)]
    made = Record()
    made.facts[InputParts] = InputParts(
        tuple(_part(split, loader) for split, loader in zip(splits, loaders, strict=True))
    )
    made.facts[Repetition] = _repetition(training, loaders[0])
    made.facts[LossCalls] = LossCalls(())
    if training.labels:
        read = [_labels(s, loader) for s, loader in zip(splits, loaders, strict=True) if s.labels]
        made.facts[ClassLabels] = ClassLabels(read[0], tuple(read[1:]))
    else:
        made.absent[ClassLabels.__name__] = "the files have no label column (--label)"
    if not others:
        for kind in (SplitOverlap, NearDuplicates, SplitColumns):
            made.absent[kind.__name__] = "only one split was given"
        return made
    pairs = list(zip(others, loaders[1:], strict=True))
    made.facts[SplitOverlap] = SplitOverlap(
        loaders[0], tuple(_overlap(training, other, loader) for other, loader in pairs)
    )
    columns = [_columns(training, other, loader) for other, loader in pairs]
    made.facts[SplitColumns] = SplitColumns(
        loaders[0],
        tuple(g for c in columns for g in c[0]),
        tuple(t for c in columns for t in c[1]),
        (),
    )
    try:
        near = tuple(_near(training, other, loader, memory, progress) for other, loader in pairs)
        made.facts[NearDuplicates] = NearDuplicates(loaders[0], near)
    except AbsentFact as reason:
        made.absent[NearDuplicates.__name__] = str(reason)
    return made


def _loader(index: int, split: Split) -> Loader:
    place = Location(str(split.source.path), 1, label=split.name)
    return Loader(index, split.name, place, split.source.path.name, split.size)


def _part(split: Split, loader: Loader) -> Part:
    return Part(
        loader=loader,
        read=split.size,
        total=split.size,
        kept=split.size,
        different=len(np.unique(split.normal)),
        same_up_to_rounding=False,
        non_finite=0,
        non_finite_index=(),
        non_finite_part="",
        empty=len(split.empty),
        empty_index=tuple(split.empty[:20]),
        empty_how="empty text" if split.columns.text else "no value at all",
    )


def _repetition(split: Split, loader: Loader) -> Repetition:
    """Rows with equal input, by sorting their hashes."""
    blank = set(split.empty)
    order = np.argsort(split.normal, kind="stable")
    values = split.normal[order]
    starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
    ends = np.r_[starts[1:], len(values)]
    several = np.flatnonzero(ends - starts > 1)
    groups = [order[starts[g] : ends[g]].tolist() for g in several]
    groups = [g for g in groups if g[0] not in blank]
    conflicts, known = [], 0
    for group in groups if split.labels else ():
        given = {split.labels[i] for i in group if split.labels[i] is not None}
        known += bool(given)
        if len(given) > 1:
            conflicts.append(group)
    return Repetition(
        training=loader,
        read=split.size,
        total=split.size,
        repeated=sum(len(g) - 1 for g in groups),
        groups=len(groups),
        pairs=tuple((g[1], g[0]) for g in groups[:20]),
        balancing=False,
        labelled=known,
        conflicts=len(conflicts),
        conflict_rows=sum(map(len, conflicts)),
        conflict_pairs=tuple(_conflict(split, g) for g in conflicts[:20]),
    )


def _conflict(split: Split, group: list[int]) -> tuple[int, int]:
    first = split.labels[group[0]]
    return group[0], next(i for i in group if split.labels[i] != first)


def _labels(split: Split, loader: Loader) -> Labels:
    counts = Counter(str(v) for v in split.labels if v is not None)
    total = max(1, sum(counts.values()))
    same = sum(a == b for a, b in zip(split.labels, split.labels[1:], strict=False))
    return Labels(
        loader=loader,
        counts=dict(counts),
        read=total,
        complete=True,
        runs=same / max(1, split.size - 1),
        expected=sum((n / total) ** 2 for n in counts.values()),
    )


def _overlap(train: Split, other: Split, loader: Loader) -> Overlap:
    found = equal_rows(train, other)
    return Overlap(
        evaluation=loader,
        same_object=False,
        read=other.size,
        total=other.size,
        train_read=train.size,
        train_total=train.size,
        shared=len(found),
        same_entries=0,
        pairs=tuple(found[:SHOWN]),
        repeated_in_train=1 - len(np.unique(train.normal)) / train.size,
        texts=train.columns.text is not None,
    )


def equal_rows(train: Split, other: Split) -> list[tuple[int, int]]:
    """(training row, row of the other split) for every row of it that training has, too."""
    keys, place = _first(train.normal)
    at = np.searchsorted(keys, other.normal)
    at[at == len(keys)] = 0
    hit = keys[at] == other.normal
    hit[other.empty] = False
    rows = np.flatnonzero(hit)
    return list(zip(place[at[rows]].tolist(), rows.tolist(), strict=True))


def _first(hashes: Hashes) -> tuple[Hashes, Any]:
    keys, place = np.unique(hashes, return_index=True)
    return keys, place


def _columns(train: Split, other: Split, loader: Loader) -> tuple[list[Any], list[Any]]:
    groups, times = [], []
    if train.groups and other.groups:
        name = train.columns.group or "group"
        pairs = {(str(g), str(y)) for g, y in zip(train.groups, train.labels, strict=False)}
        one = len(pairs) == len({g for g, _ in pairs}) == len({y for _, y in pairs})
        groups.append(
            groups_of(loader, name, train.groups, other.groups, is_label=bool(pairs) and one)
        )
    if train.times and other.times:
        times += times_of(loader, train.columns.time or "time", train.times, other.times)
    return groups, times


def _near(
    train: Split, other: Split, loader: Loader, memory: int, progress: Callable[[str, int], None]
) -> Near:
    pairs = near_pairs(train, other, memory, progress)
    equal = {row for _, row in equal_rows(train, other)}
    best: dict[int, tuple[int, int, float]] = {}
    for there, here, similarity in pairs:
        if here not in equal and (here not in best or similarity > best[here][2]):
            best[here] = (there, here, similarity)
    ordered = sorted(best.values(), key=lambda p: -p[2])
    return Near(
        evaluation=loader,
        kind="images" if train.columns.look else "texts",
        read=other.size,
        train_read=train.size,
        near=len(best),
        pairs=tuple(ordered[:SHOWN]),
        within=within(train) if best else 0.0,
    )
