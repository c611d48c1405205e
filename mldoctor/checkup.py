"""One whole examination, from the name of a script to its report: observe, judge.

What `mldoctor check` and the pytest fixture share.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mldoctor import versions
from mldoctor.errors import ExitCode, SettingsError
from mldoctor.examine import judge
from mldoctor.findings import Finding, Location, Severity
from mldoctor.registry import select
from mldoctor.reports._wording import INTERRUPTED, examined

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
) -> Report:
    """Run the target under observation and judge what was seen.

    Raises:
        SettingsError: when no probe is selected, since silence would then mean nothing.
    """
    from mldoctor.trainee.process import examine

    chosen = select((*settings.select, *settings.extend_select), settings.ignore)
    if not chosen:
        raise SettingsError("no probe is selected; select and ignore leave none to run")
    record = examine(target, settings, on_progress)
    if record.run.seed is None:  # the run ended before it could say so
        record.run = replace(record.run, seed=settings.seed)
    report = judge(record, chosen, settings.probes, target.path_or_module)
    return replace(
        report,
        verdict=report.verdict if examined(report) else "incomplete",
        findings=tuple(_near(finding) for finding in report.findings),
        command=command or ("mldoctor", "check", target.path_or_module),
        versions=versions.every(),
    )


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
    if report.verdict == "incomplete" or report.run.outcome or not report.run.updates:
        return ExitCode.INCOMPLETE
    if settings.strict and (report.crashed or report.not_checked):
        return ExitCode.INCOMPLETE
    return ExitCode.CLEAN


def _near(finding: Finding) -> Finding:
    """The finding with its places relative to the working folder, as the user would type them."""
    return replace(finding, location=_short(finding.location), also=_short(finding.also))


def _short(place: Location | None) -> Location | None:
    if place is None or not Path(place.path).is_absolute():
        return place
    here = Path.cwd()
    for path in (Path(place.path), Path(place.path).resolve()):
        if path.is_relative_to(here):
            return replace(place, path=str(path.relative_to(here)))
    return place
