"""The facts that probes judge, made from files instead of a script's loaders."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from mldoctor.data.near import near_pairs, within
from mldoctor.data.relations import relations, samples, shifts
from mldoctor.data.scan import Quote
from mldoctor.errors import AbsentFact
from mldoctor.facts.batch_order import BatchOrder
from mldoctor.facts.class_labels import ClassLabels, Labels
from mldoctor.facts.input_parts import InputParts
from mldoctor.facts.input_parts import Split as Part
from mldoctor.facts.loaders import Loader
from mldoctor.facts.loss_calls import LossCalls
from mldoctor.facts.near_duplicates import Near, NearDuplicates
from mldoctor.facts.repetition import Repetition
from mldoctor.facts.simple_relations import SimpleRelations
from mldoctor.facts.split_columns import SplitColumns, groups_of, times_of
from mldoctor.facts.split_overlap import EXAMPLE, RECURS, Overlap, SplitOverlap
from mldoctor.facts.split_shift import SplitShift
from mldoctor.findings import Location
from mldoctor.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from mldoctor.data.engines import Executor
    from mldoctor.data.splits import Split
    from mldoctor.data.words import Hashes

BATCH = 32

QUOTED = 3

SHOWN = 10_000
"""Pairs that a report holds; the rest are only counted."""


def quoted(made: Record, splits: list[Split], executor: Executor) -> None:
    """Put the texts of the first pairs into the facts, for a report that may quote data."""
    for kind in (SplitOverlap, NearDuplicates):
        fact = made.facts.get(kind)
        if fact is None or splits[0].columns.text is None or splits[0].columns.look:
            continue
        wanted: list[set[int]] = [set() for _ in splits]
        for row in fact.rows:
            first = row.against.index if row.against else 0
            for a, b, *_ in row.pairs[:QUOTED]:
                wanted[first].add(int(splits[first].raw[a]))
                wanted[row.evaluation.index].add(int(splits[row.evaluation.index].raw[b]))
        texts: list[dict[int, str]] = [{} for _ in splits]
        for split, hashes, found in zip(splits, wanted, texts, strict=True):
            work = Quote(split.columns, frozenset(hashes))
            read = executor.map(work, split.source, split.columns.wanted) if hashes else ()
            for _rows, some in read:
                found.update(some or {})
        rows = []
        for row in fact.rows:
            first, other = row.against.index if row.against else 0, row.evaluation.index
            shown = [
                (a, texts[first].get(int(splits[first].raw[a]), "")[:EXAMPLE],
                 texts[other].get(int(splits[other].raw[b]), "")[:EXAMPLE])
                for a, b, *_ in row.pairs[:QUOTED]
            ]  # fmt: skip
            rows.append(replace(row, examples=tuple(shown)))
        made.facts[kind] = replace(fact, rows=tuple(rows))


def record(
    splits: list[Split],
    memory: int,
    executor: Executor,
    progress: Callable[[str, int], None],
) -> Record:
    """Facts about the first split, and about each of the others against it.

    Args:
        splits: as they were read; the first is the training data.
        memory: bytes that the index of near copies may take.
        executor: reads again where the index did not fit.
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
        made.facts[BatchOrder] = _order(training, loaders[0])
    else:
        for name in (ClassLabels.__name__, BatchOrder.__name__):
            made.absent[name] = "the files have no label column (--label)"
    _relate(made, splits, loaders)
    if not others:
        for kind in (SplitOverlap, NearDuplicates, SplitColumns):
            made.absent[kind.__name__] = "only one split was given"
        return made
    named = list(zip(splits, loaders, strict=True))
    made.facts[SplitOverlap] = SplitOverlap(
        loaders[0], tuple(_overlap(*one, *two) for one, two in combinations(named, 2))
    )
    columns = [_columns(training, other, loader) for other, loader in named[1:]]
    made.facts[SplitColumns] = SplitColumns(
        loaders[0],
        tuple(g for c in columns for g in c[0]),
        tuple(t for c in columns for t in c[1]),
        (),
    )
    if training.columns.text is None:
        made.absent[NearDuplicates.__name__] = (
            "near copies are looked for among texts and images (--text names a column)"
        )
        return made
    search = partial(near_pairs, memory=memory, progress=progress, executor=executor)
    made.facts[NearDuplicates] = NearDuplicates(
        loaders[0],
        tuple(
            _near(*one, *two, search=search, executor=executor)
            for one, two in combinations(named, 2)
        ),
    )
    return made


def _relate(made: Record, splits: list[Split], loaders: list[Loader]) -> None:
    """The facts that simple models of a sample of the rows give, or why they cannot."""
    wanted = {SimpleRelations: relations, SplitShift: shifts}
    try:
        drawn = samples(splits)
    except AbsentFact as reason:
        made.absent.update({kind.__name__: str(reason) for kind in wanted})
        return
    for kind, obtain in wanted.items():
        try:
            made.facts[kind] = obtain(splits, drawn, loaders)
        except AbsentFact as reason:
            made.absent[kind.__name__] = str(reason)


def _loader(index: int, split: Split) -> Loader:
    place = Location(split.source.shown, 1, label=split.name)
    return Loader(index, split.name, place, split.shown, split.size)


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


def _order(training: Split, loader: Loader) -> BatchOrder:
    """Whether a loop that takes the rows as they stand would meet one class at a time."""
    labels = [v for v in training.labels if v is not None]
    counts = Counter(labels)
    total = max(1, len(labels))
    same = sum(a == b for a, b in pairwise(labels))
    batches = [labels[i : i + BATCH] for i in range(0, len(labels) - BATCH + 1, BATCH)]
    return BatchOrder(
        pure=sum(len(set(batch)) == 1 for batch in batches),
        labelled=len(batches),
        classes=len(counts),
        expected_pure=len(batches) * sum((n / total) ** BATCH for n in counts.values()),
        sampler="the file",
        sequential=True,
        dataset_classes=len(counts),
        runs=same / max(1, len(labels) - 1),
        expected=sum((n / total) ** 2 for n in counts.values()),
        built=loader.built,
        site=None,
        file=True,
    )


def _overlap(first: Split, of: Loader, second: Split, loader: Loader) -> Overlap:
    found = equal_rows(first, second)
    keys, times = np.unique(first.normal, return_counts=True)
    recurring = keys[times >= RECURS]
    return Overlap(
        evaluation=loader,
        same_object=False,
        read=second.size,
        total=second.size,
        train_read=first.size,
        train_total=first.size,
        shared=len(found),
        same_entries=0,
        pairs=tuple(found[:SHOWN]),
        repeated_in_train=1 - len(keys) / first.size,
        texts=first.columns.text is not None,
        against=None if of.index == 0 else of,
        sayings=int(
            np.isin(second.normal[[b for _, b in found if second.short[b]]], recurring).sum()
        ),
        verbatim=int((first.raw[[a for a, _ in found]] == second.raw[[b for _, b in found]]).sum())
        if found
        else 0,
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
    first: Split,
    of: Loader,
    second: Split,
    loader: Loader,
    *,
    search: Callable[[Split, Split], list[tuple[int, int, float]]],
    executor: Executor,
) -> Near:
    met = first.near.get(loader.index)
    pairs = search(first, second) if met is None else met
    equal = {row for _, row in equal_rows(first, second)}
    best: dict[int, tuple[int, int, float]] = {}
    for there, here, similarity in pairs:
        if here not in equal and (here not in best or similarity > best[here][2]):
            best[here] = (there, here, similarity)
    ordered = sorted(best.values(), key=lambda p: (-p[2], p[1], p[0]))
    return Near(
        evaluation=loader,
        kind="images" if first.columns.look else "texts",
        read=second.size,
        train_read=first.size,
        near=len(best),
        pairs=tuple(ordered[:SHOWN]),
        within=within(first, executor) if best else 0.0,
        against=None if of.index == 0 else of,
    )
