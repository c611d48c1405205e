"""A case: everything that a report is made from, so that it can be made again without training."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldoctor.configuration import shown
from mldoctor.edits import with_diffs
from mldoctor.errors import MldoctorError
from mldoctor.examine import judge
from mldoctor.findings import Evidence, Finding, Location, Report, Skipped, Verdict
from mldoctor.record import Record, as_data, from_data
from mldoctor.reports._wording import examined
from mldoctor.suppression.baseline import Entry
from mldoctor.suppression.fingerprints import project_path, stamped
from mldoctor.suppression.rules import Rules, applied

if TYPE_CHECKING:
    from collections.abc import Mapping

RECORD_VERSION = 1

READ = Evidence("how this was seen", "in the source; nothing was run")


class RecordError(MldoctorError):
    """A saved record cannot be read."""


@dataclass(frozen=True, slots=True)
class Case:
    """One examination, before it is judged.

    Attributes:
        target: what was examined, as the user named it.
        script: its file, as the report shows it.
        chosen: the probes to run, by name.
        options: thresholds by probe name.
        rules: what is accepted.
        folder: the working folder, which paths in the report are relative to.
        root: the folder of the project, which paths in fingerprints are relative to.
        sources: text of the script, of the project's modules that it imports, and of the files
            that findings point at, by the paths that the report shows.
    """

    target: str
    script: str
    record: Record
    chosen: tuple[str, ...]
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    rules: Rules = field(default_factory=Rules)
    command: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    folder: str = "."
    root: str = "."
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def project_target(self) -> str:
        """The script relative to the project, as a baseline names it."""
        return self.in_project(self.script)

    def in_project(self, path: str) -> str:
        """A path that the report shows, relative to the project."""
        return project_path(path, Path(self.folder), Path(self.root))


def judged(case: Case) -> Report:
    """The findings on a case, with places as the report shows them; nothing is accepted yet."""
    from mldoctor.registry import probes, source_probes

    read = case.record.run.files > 0
    known = source_probes() if read else probes()
    report = judge(
        case.record,
        {name: known[name] for name in case.chosen if name in known},
        case.options,
        case.target,
    )
    gone = [name for name in case.chosen if name not in known]
    missing = tuple(Skipped(name, "this installation has no such probe") for name in gone)
    folder = Path(case.folder)
    run = replace(report.run, step=_near(report.run.step, folder))
    return replace(
        report,
        findings=tuple(
            replace(
                f,
                location=_near(f.location, folder),
                also=_near(f.also, folder),
                evidence=(*f.evidence, *((READ,) if read else ())),
            )
            for f in report.findings
        ),
        not_checked=(*report.not_checked, *missing),
        run=run,
        command=case.command,
        versions=dict(case.versions),
    )


def report_of(case: Case) -> Report:
    """The report on a case. Pure: the same case gives the same report."""
    report = replace(judged(case), sources=dict(case.sources))
    complete = examined(report) and bool(report.run.seen) and not report.run.outcome
    report = _stamped(report, case)
    # What a comment accepts is often to be seen in a run only: reading alone finds none unused.
    whole = complete and not report.run.files
    report = applied(report, case.rules, case.script, case.in_project, complete=whole)
    report = _stamped(report, case)
    verdict: Verdict = "healthy" if complete else "incomplete"
    report = replace(report, verdict="findings" if report.findings else verdict)
    return with_diffs(report)


def _stamped(report: Report, case: Case) -> Report:
    """Fingerprints for the findings that have none yet."""
    fresh = [f for f in report.findings if not f.fingerprint]
    done = iter(stamped(fresh, case.script, case.sources, Path(case.folder), Path(case.root)))
    return replace(
        report, findings=tuple(f if f.fingerprint else next(done) for f in report.findings)
    )


def near(path: str, folder: Path) -> str:
    """A path relative to the working folder where it lies below it, as the user would type it."""
    if not Path(path).is_absolute():
        return path
    for whole in (Path(path), Path(path).resolve()):
        if whole.is_relative_to(folder):
            return str(whole.relative_to(folder))
    return path


def _near(place: Location | None, folder: Path) -> Location | None:
    return place and replace(place, path=near(place.path, folder))


def places(finding: Finding) -> list[str]:
    """The paths that a finding points at."""
    return [place.path for place in (finding.location, finding.also) if place]


def written(case: Case) -> str:
    """The case as the text of a file."""
    data = {
        "record_version": RECORD_VERSION,
        "target": case.target,
        "script": case.script,
        "chosen": list(case.chosen),
        "options": case.options,
        "rules": asdict(case.rules),
        "command": list(case.command),
        "versions": dict(case.versions),
        "folder": case.folder,
        "root": case.root,
        "sources": dict(case.sources),
        "record": as_data(case.record),
    }
    return json.dumps(data) + "\n"


def read(path: Path) -> Case:
    """The case in a file that `--save-record` wrote.

    Raises:
        RecordError: when the file is no such record.
    """
    place = f"record {shown(path)}"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecordError(f"{place} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise RecordError(f"{place} is not JSON: {error}; write it with --save-record") from error
    if not isinstance(data, dict) or "record_version" not in data:
        raise RecordError(f"{place} is no record; write one with mldoctor check --save-record")
    if data["record_version"] != RECORD_VERSION:
        raise RecordError(
            f"{place} has version {data['record_version']!r}, this mldoctor reads version "
            f"{RECORD_VERSION}; write it again with --save-record"
        )
    try:
        return _case(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RecordError(
            f"{place} does not fit this version of mldoctor ({type(error).__name__}: {error}); "
            "write it again with --save-record"
        ) from error


def _case(data: dict[str, Any]) -> Case:
    rules = data["rules"]
    return Case(
        target=data["target"],
        script=data["script"],
        record=from_data(data["record"]),
        chosen=tuple(data["chosen"]),
        options={
            name: {key: tuple(v) if isinstance(v, list) else v for key, v in table.items()}
            for name, table in data["options"].items()
        },
        rules=Rules(
            accept=rules["accept"],
            per_file={glob: tuple(names) for glob, names in rules["per_file"].items()},
            entries=tuple(Entry(**entry) for entry in rules["entries"]),
        ),
        command=tuple(data["command"]),
        versions=data["versions"],
        folder=data["folder"],
        root=data["root"],
        sources=data["sources"],
    )
