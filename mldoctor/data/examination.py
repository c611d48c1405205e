"""One examination of data files, from their names to the case that a report is made of."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldoctor import versions
from mldoctor.case import Case
from mldoctor.configuration import project_root
from mldoctor.data.facts import record
from mldoctor.data.files import DataError
from mldoctor.data.splits import Columns, Split, find_columns, matching, read
from mldoctor.errors import SettingsError
from mldoctor.findings import Captured, Location, Run
from mldoctor.registry import select
from mldoctor.suppression.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from mldoctor.data.files import Source
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
)
"""The probes whose facts files can give."""

EVERY: dict[str, dict[str, Any]] = {
    "duplicate-samples": {"min_samples": 1, "min_share": 0.0},
    "conflicting-labels": {"min_groups": 1, "min_share": 0.0},
    "near-duplicate-overlap": {"min_samples": 1},
}
"""Who asks about files wants to know of every case; a script is not alarmed for a handful."""

NAMES = ("training", "validation", "test")


@dataclass(frozen=True, slots=True)
class Request:
    """What to read and which columns mean what; None is for what is found by its name."""

    paths: tuple[Path, ...]
    text: str | None = None
    label: str | None = None
    group: str | None = None
    time: str | None = None
    split: str | None = None
    memory: int = 1 << 30


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
    splits = _read(request, progress)
    made = record(splits, request.memory, progress)
    made.run = Run(
        rows=sum(split.size for split in splits),
        seconds=time.monotonic() - started,
        captured=Captured(loaders=tuple(_shown(split) for split in splits)),
        headline=_skipped(splits),
        step=Location(str(splits[0].source.path), 1),
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
    )


def _read(request: Request, progress: Callable[[str, int], None]) -> list[Split]:
    named: list[tuple[str, Source]] = []
    for position, path in enumerate(request.paths):
        parts = matching(path, request.split if position == 0 else None)
        alone = len(parts) == 1 and request.split is None
        named += [(NAMES[position], parts[0][1])] if alone else parts
    splits: list[Split] = []
    for name, source in named:
        columns = find_columns(source, request.text, request.label, request.group, request.time)
        if splits and _input(columns) != _input(splits[0].columns):
            raise DataError(
                f"{source.path} and {splits[0].source.path} have different inputs: "
                f"{_input(columns)} and {_input(splits[0].columns)}; name the text column with --text"
            )
        splits.append(read(name, source, columns, partial(progress, f"reading {name}")))
    return splits


def _input(columns: Columns) -> str:
    return columns.text or "columns " + ", ".join(columns.features)


def _shown(split: Split) -> str:
    return f"{split.name}: {split.source.path.name}, {split.size:,} rows, input {_input(split.columns)}"


def _skipped(splits: list[Split]) -> str:
    """What could not be read, in one line; empty when everything could."""
    told = [
        f"{count:,} rows of {split.source.path.name} were skipped: {reason} "
        f"(first: {split.source.first[reason]})"
        for split in splits
        for reason, count in split.source.skipped.items()
    ]
    missing = [
        f"{sum(v is None for v in split.labels):,} rows of {split.source.path.name} have no label"
        for split in splits
        if any(v is None for v in split.labels)
    ]
    return "; ".join(told + missing)
