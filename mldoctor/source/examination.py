"""One examination of source files that are read and not run, to the case a report is made of."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldoctor import sources, versions
from mldoctor.case import Case, judged, near, places, report_of
from mldoctor.checkup import baseline_path
from mldoctor.configuration import project_root
from mldoctor.errors import SettingsError, TargetError
from mldoctor.facts.in_source.sources import SourceFile, Sources
from mldoctor.findings import Location, Run
from mldoctor.record import Record
from mldoctor.registry import needed_facts, select, source_probes
from mldoctor.suppression import baseline
from mldoctor.suppression.rules import Rules
from mldoctor.target import readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mldoctor.registry import Fact
    from mldoctor.settings import Settings

ENVIRONMENT = "pyvenv.cfg"
"""Marks a folder of installed packages, which are not the user's to mend."""

FIRST = 3
"""Files that a report names; the rest are counted."""


def examine(targets: Iterable[str], settings: Settings, command: tuple[str, ...] = ()) -> Case:
    """Read the files and put what they show into a case.

    Args:
        targets: files, and folders whose Python files are meant.
        settings: what to look for, and what is accepted.
        command: how mldoctor was called, for the report.

    Raises:
        TargetError: for a file that is not there, or a folder without Python files.
        SettingsError: when no probe is selected that can judge the source alone.
    """
    started = time.monotonic()
    known = source_probes()
    chosen = select((*settings.select, *settings.extend_select), settings.ignore)
    wanted = {name: probe for name, probe in known.items() if name in chosen}
    if not wanted:
        raise SettingsError(f"no selected probe can judge source alone; these can: {_names(known)}")
    targets = tuple(targets)
    paths = list(dict.fromkeys(path for target in targets for path in _files(target)))
    folder, root = Path.cwd(), project_root(paths[0].parent)
    accepted = baseline_path(settings, root)
    entries = baseline.read(accepted) if accepted else ()
    record, broken = _read(paths, needed_facts(wanted))
    record.run = Run(
        files=len(paths) - len(broken),
        seconds=time.monotonic() - started,
        outcome=_told(broken),
        step=Location(str(paths[0].absolute()), 1),
    )
    case = Case(
        target=" ".join(targets[:FIRST]) + ("" if len(targets) <= FIRST else " ..."),
        script=near(str(paths[0].absolute()), folder),
        record=record,
        chosen=tuple(wanted),
        rules=Rules(settings.accept, settings.per_file_ignores),
        command=command or ("mldoctor", "check", "--static", *targets),
        versions=versions.every(),
        folder=str(folder),
        root=str(root),
    )
    if not record.run.files:
        return case
    shown = {path for finding in judged(case).findings for path in places(finding)}
    case = replace(case, sources={path: sources.read(folder / path) for path in shown})
    seen = {finding.fingerprint for finding in report_of(case).findings}
    # Of a baseline only what is met again counts: the rest was found in runs.
    mine = tuple(entry for entry in entries if entry.fingerprint in seen)
    return replace(case, rules=replace(case.rules, entries=mine))


def _names(known: Iterable[str]) -> str:
    return ", ".join(known)


def _files(target: str) -> Iterator[Path]:
    """The file, or the Python files of a folder, in the order of their names."""
    path = Path(target)
    if not path.is_dir():
        if not path.exists() or path.suffix == ".ipynb":
            readable(path, target)
        yield path
        return
    found = False
    for file in sorted(path.rglob("*.py")):
        inner = file.relative_to(path).parts[:-1]
        places = [path.joinpath(*inner[: depth + 1]) for depth in range(len(inner))]
        hidden = any(part.startswith(".") for part in inner)
        if not hidden and not any((place / ENVIRONMENT).is_file() for place in places):
            found = True
            yield file
    if not found:
        raise TargetError(f"{target}: no Python file is in this folder")


def _read(paths: list[Path], wanted: Mapping[type, Fact]) -> tuple[Record, list[str]]:
    """The facts of all files together, and why some files gave none."""
    record, broken = Record(), []
    rows: dict[type, list[Any]] = {kind: [] for kind in wanted if kind is not Sources}
    for path in paths:
        try:
            readable(path, str(path))
        except TargetError as error:
            broken.append(str(error))
            continue
        text = sources.read(path)
        given = Sources((SourceFile(str(path.absolute()), text),))
        for kind, found in rows.items():
            fact = wanted[kind]
            try:
                found.extend(fact.obtain(*(given for _ in fact.needs)).rows)
            except Exception as error:  # noqa: BLE001 - one fact of one file must not lose the others
                record.crashed[fact.name] = f"{type(error).__name__}: {error} (in {path})"
    record.facts = {
        kind: kind(tuple(found))
        for kind, found in rows.items()
        if kind.__name__ not in record.crashed
    }
    return record, broken


def _told(broken: list[str]) -> str:
    """Which files could not be read; empty where all could."""
    if not broken:
        return ""
    rest = f"; and {len(broken) - FIRST} more" if len(broken) > FIRST else ""
    return f"could not read {'; '.join(broken[:FIRST])}{rest}"
