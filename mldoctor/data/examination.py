"""One examination of data files, from their names to the case that a report is made of."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldoctor import versions
from mldoctor.case import Case
from mldoctor.configuration import project_root
from mldoctor.data.engines import choose
from mldoctor.data.facts import quoted, record
from mldoctor.data.files import DataError, Source
from mldoctor.data.splits import INDEX, Split, find_columns, matching, read
from mldoctor.errors import SettingsError
from mldoctor.findings import Captured, Location, Run
from mldoctor.registry import select
from mldoctor.suppression.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from mldoctor.data.engines import Executor
    from mldoctor.data.scan import Columns
    from mldoctor.settings import Settings

PROBES = (
    "split-overlap",
    "same-dataset-evaluated",
    "near-duplicate-overlap",
    "group-overlap",
    "time-overlap",
    "empty-sample",
    "constant-input",
    "duplicate-samples",
    "conflicting-labels",
    "missing-class",
    "unshuffled-training",
    "leaking-feature",
    "noisy-labels",
    "label-map-mismatch",
    "split-shift",
)
"""The probes whose facts files can give."""

EVERY: dict[str, dict[str, Any]] = {
    "duplicate-samples": {"min_samples": 1, "min_share": 0.0},
    "conflicting-labels": {"min_groups": 1, "min_share": 0.0},
    "near-duplicate-overlap": {"min_samples": 1},
    "same-dataset-evaluated": {"min_samples": 1},
    "split-overlap": {"whole": 1.01},
}
"""Who asks about files wants to know of every case; a script is not alarmed for a handful."""

NAMES = ("training", "validation", "test")


@dataclass(frozen=True, slots=True)
class Request:
    """What to read and which columns mean what; None is for what is found by its name.

    Attributes:
        paths: files or folders, or addresses of files elsewhere.
        memory: bytes that the index of near copies may take.
        engine: one of `mldoctor.data.engines.ENGINES`; address: of a Ray cluster.
    """

    paths: tuple[Path | str, ...]
    text: str | None = None
    label: str | None = None
    group: str | None = None
    time: str | None = None
    split: str | None = None
    memory: int = 1 << 30
    engine: str = "auto"
    address: str | None = None


def examine(
    request: Request,
    settings: Settings,
    progress: Callable[[str, int], None],
    command: tuple[str, ...] = (),
) -> Case:
    """Read the splits, compare them, and put the facts into a case.

    Raises:
        DataError: when a file or a column cannot be used.
        SettingsError: when no probe that looks at files is selected.
    """
    chosen = [
        n
        for n in select((*settings.select, *settings.extend_select), settings.ignore)
        if n in PROBES
    ]
    if not chosen:
        raise SettingsError(f"no probe of data files is selected; these are: {', '.join(PROBES)}")
    started = time.monotonic()
    executor = choose(
        request.engine, request.address, [s for _, s in _sources(replace(request, split=None))]
    )
    try:
        splits = read_splits(request, executor, progress)
        made = record(splits, request.memory, executor, progress)
        if settings.include_examples:
            quoted(made, splits, executor)
    finally:
        executor.close()
    made.run = Run(
        rows=sum(split.size for split in splits),
        seconds=time.monotonic() - started,
        captured=Captured(loaders=tuple(_shown(split, executor.name) for split in splits)),
        headline=_skipped(splits),
        step=Location(splits[0].source.shown, 1),
    )
    folder = Path.cwd()
    options = {name: dict(table) for name, table in EVERY.items()}
    for name, table in settings.probes.items():
        options[name] = {**options.get(name, {}), **table}
    target = " ".join(str(path) for path in request.paths)
    return Case(
        target=target,
        script=str(request.paths[0]),
        record=made,
        chosen=tuple(chosen),
        options=options,
        rules=Rules(settings.accept, settings.per_file_ignores),
        command=command or ("mldoctor", "data", target),
        versions=versions.every(),
        folder=str(folder),
        root=str(project_root(folder)),
        # A report quotes the lines that a finding points at: of data, there is nothing to quote.
        sources={split.source.shown: "" for split in splits},
    )


def _sources(request: Request, executor: Executor | None = None) -> list[tuple[str, Source]]:
    named: list[tuple[str, Source]] = []
    for position, path in enumerate(request.paths):
        parts = matching(path, request.split if position == 0 else None, executor)
        alone = len(parts) == 1 and (request.split is None or position > 0)
        named += [(NAMES[position], parts[0][1])] if alone else parts
    return named


def read_splits(
    request: Request, executor: Executor, progress: Callable[[str, int], None]
) -> list[Split]:
    """The last split first: each is read past the indexes of those that follow it, once."""
    named = _sources(request, executor)
    columns = [
        find_columns(
            source, request.text, request.label, request.group, request.time, executor=executor
        )
        for _, source in named
    ]
    columns = [columns[0], *(_matched(columns[0], c) for c in columns[1:])]
    for found, (_, source) in zip(columns[1:], named[1:], strict=True):
        if _input(found) != _input(columns[0]):
            raise DataError(
                f"{source.shown} and {named[0][1].shown} have different inputs: "
                f"{_input(found)} and {_input(columns[0])}; --text names a column that both have"
            )
    memory = request.memory if columns[0].text and not columns[0].look else 0
    indexes: dict[int, Any] = {}
    splits: list[Split] = []
    for number in reversed(range(len(named))):
        (name, source), told = named[number], partial(progress, f"reading {named[number][0]}")
        given = read(
            name,
            source,
            columns[number],
            told,
            executor=executor,
            indexes=indexes,
            memory=memory * (number > 0),
        )
        if given.index is not None:
            memory -= min(memory, given.weight * INDEX)
            indexes[number] = executor.broadcast(given.index), given.index_rows
            given.index = None
        splits.append(given)
    return splits[::-1]


def _matched(first: Columns, other: Columns) -> Columns:
    """The columns of another split, which may lack the label or have an index beside its features."""
    both = tuple(n for n in first.features if n in other.features)
    if first.features and both == first.features:
        return replace(other, features=first.features)
    return other


def _input(columns: Columns) -> str:
    return columns.text or "columns " + ", ".join(columns.features)


def _shown(split: Split, engine: str) -> str:
    by = "" if engine == "local" else f", read by {'Daft on Ray' if engine == 'ray' else 'Daft'}"
    return f"{split.name}: {split.shown}, {split.size:,} rows, input {_input(split.columns)}{by}"


def _skipped(splits: list[Split]) -> str:
    """What could not be read or was odd, in one line; empty when there is nothing to tell."""
    told: dict[str, None] = {}
    for split in splits:
        for reason, count in split.source.skipped.items():
            first = split.source.first[reason]
            told[f"{count:,} rows of {split.shown} were skipped: {reason} (first: {first})"] = None
    for split in splits:
        missing = sum(v is None for v in split.labels)
        if missing:
            told[f"{missing:,} rows of {split.shown} have no label"] = None
        if split.mixed:
            named = f"column {split.columns.text!r}"
            told[f"{split.mixed:,} rows of {split.shown} hold no text in {named}"] = None
    return "; ".join(told)
