"""One whole examination, from the name of a script to its report: observe, judge.

What `mldoctor check` and the pytest fixture share.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mldoctor import sources, versions
from mldoctor.case import Case, judged, near, places, report_of
from mldoctor.configuration import project_root
from mldoctor.errors import ExitCode, SettingsError
from mldoctor.findings import Location, Severity
from mldoctor.registry import select
from mldoctor.reports._wording import INTERRUPTED
from mldoctor.suppression import baseline
from mldoctor.suppression.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from mldoctor.findings import Report
    from mldoctor.settings import Settings
    from mldoctor.trainee.process import Progress, Target


def checkup(
    target: Target,
    settings: Settings,
    on_progress: Callable[[Progress], None],
    command: tuple[str, ...] = (),
    keep: Callable[[Case], None] = lambda _case: None,
) -> Report:
    """Run the target under observation and judge what was seen.

    Args:
        target: the script or module.
        settings: what to run, for how long, and what is accepted.
        on_progress: called with each report of progress.
        command: how mldoctor was called, for the report.
        keep: called with everything that the report is made from.

    Raises:
        SettingsError: when no probe is selected, since silence would then mean nothing.
    """
    from mldoctor.trainee.process import examine

    chosen = select((*settings.select, *settings.extend_select), settings.ignore)
    if not chosen:
        raise SettingsError("no probe is selected; select and ignore leave none to run")
    folder, root = Path.cwd(), project_root(target.project)
    rules = Rules(settings.accept, settings.per_file_ignores)
    path = baseline_path(settings, root)
    entries = baseline.read(path) if path else ()  # before the run, which a bad file must not cost
    record = examine(target, settings, on_progress)
    if record.run.seed is None:  # the run ended before it could say so
        record.run = replace(record.run, seed=settings.seed)
    script = _script(target)
    if record.run.step is None:
        record.run = replace(record.run, step=Location(str(script), 1))
    case = Case(
        target=target.path_or_module,
        script=near(str(script.absolute()), folder),
        record=record,
        chosen=tuple(chosen),
        options=settings.probes,
        command=command or ("mldoctor", "check", target.path_or_module),
        versions=versions.every(),
        folder=str(folder),
        root=str(root),
    )
    mine = tuple(entry for entry in entries if entry.target == case.project_target)
    case = with_sources(replace(case, rules=replace(rules, entries=mine)), script, target.project)
    keep(case)
    return report_of(case)


def baseline_path(settings: Settings, root: Path) -> Path | None:
    """The baseline file that holds for a project, or None where there is none.

    Raises:
        SettingsError: when a baseline is named that does not exist.
    """
    if settings.baseline == "none":
        return None
    if settings.baseline in {"auto", ""}:
        path = root / baseline.FILE
        return path if path.is_file() else None
    path = Path(settings.baseline)
    if not path.is_file():
        raise SettingsError(f"baseline {path} is not there; write it with mldoctor baseline")
    return path


def _script(target: Target) -> Path:
    from mldoctor.target import module_file

    named = target.path_or_module
    return module_file(named) if target.is_module else Path(named)


def with_sources(case: Case, script: Path, project: Path) -> Case:
    """The case with the texts that its report quotes and its comments stand in."""
    folder = Path(case.folder)
    found = sources.project(script, [project, Path(case.root)])
    texts = {near(str(path), folder): text for path, text in found.items()}
    for finding in judged(case).findings:
        for path in places(finding):
            if path not in texts:
                texts[path] = sources.read(folder / path)
    return replace(case, sources=texts)


def exit_code(report: Report, settings: Settings) -> ExitCode:
    """What the process exits with. Silence about an incomplete run is never success."""
    if report.run.outcome == INTERRUPTED:
        return ExitCode.INTERRUPTED
    worst = report.worst()
    failing = (
        settings.fail_on != "never"
        and worst is not None
        and worst.rank <= Severity(settings.fail_on).rank
    )
    if failing and not settings.exit_zero:
        return ExitCode.FINDINGS
    if report.verdict == "incomplete" or report.run.outcome or not report.run.seen:
        return ExitCode.INCOMPLETE
    if settings.strict and (report.crashed or report.not_checked):
        return ExitCode.INCOMPLETE
    return ExitCode.CLEAN
