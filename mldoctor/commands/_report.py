"""Put a report everywhere it was asked for."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldoctor import versions
from mldoctor.commands._output import append, colored, notice, prepare, save, width, write
from mldoctor.errors import OutputError
from mldoctor.findings import Report, Run
from mldoctor.privacy import redacted, without_samples
from mldoctor.reports import Look, choose, render
from mldoctor.reports import _wording as wording
from mldoctor.reports._changes import read_base
from mldoctor.reports._paint import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mldoctor.case import Case
    from mldoctor.settings import Settings

SUMMARY_LIMIT = 1024 * 1024
"""Bytes that GitHub takes of the summary of one step; a longer one is dropped as a whole."""
_LEAST_SUMMARY = 1000


def show(
    report: Report,
    settings: Settings,
    case: Case | None = None,
    base: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> None:
    """Put the report where it was asked for: first on the terminal, then in files.

    Where standard output does not itself say how the run went (one line per finding, JSON, a
    file), the first and last lines of the full report go to standard error as a notice.

    Args:
        report: what is shown.
        settings: where and how.
        case: what `--save-record` saves.
        base: the JSON report to compare with.
        environ: the environment, `os.environ` unless given.

    Raises:
        OutputError: when files could not be written, after everything else was.
    """
    environ = os.environ if environ is None else environ
    report = redacted(report, environ) if settings.redact else report
    report = report if settings.include_examples else without_samples(report)
    file = Path(settings.output) if settings.output else None
    chosen = choose(settings.output_format, terminal=sys.stdout.isatty(), file=file is not None)
    apart = chosen != "full" or file is not None
    if apart and not settings.quiet:
        notice(wording.header(report))
    if not file:
        look = replace(
            _look(settings, base),
            width=width(sys.stdout),
            color=colored(settings.color, sys.stdout),
        )
        write(render(report, chosen, look))
        if settings.output_format == "auto" and environ.get("GITHUB_ACTIONS") == "true":
            write(render(report, "github", look))
    if apart:
        _notices(report, settings)
    failures = _written(_files(report, settings, case, base, environ))
    if failures:
        raise OutputError("; ".join(map(str, failures)))
    if file and not settings.quiet:
        notice(f"Report: {settings.output}")


def leave(report: Report, settings: Settings) -> None:
    """Put the report of an examination that failed into its files, so that none of them is missing.

    What cannot be written is not said: the failure itself is being told.
    """
    report = redacted(report) if settings.redact else report
    _written(_files(report, settings, None, None, os.environ))


def unfinished(target: str, command: tuple[str, ...], failure: BaseException) -> Report:
    """The report of an examination that ended in a failure of mldoctor, or in Ctrl-C."""
    interrupted = isinstance(failure, KeyboardInterrupt)
    outcome = wording.INTERRUPTED if interrupted else f"mldoctor failed: {type(failure).__name__}"
    return Report(
        target=target,
        verdict="incomplete",
        run=Run(outcome=outcome),
        command=command,
        versions=versions.every(),
    )


def base_of(settings: Settings) -> Mapping[str, Any] | None:
    """The report that `--compare` names, read before a run may overwrite it."""
    return read_base(Path(settings.compare)) if settings.compare else None


def prepare_files(settings: Settings) -> None:
    """Make sure that every file can be written, before a long examination starts."""
    wanted = [("--output", settings.output), ("--save-record", settings.save_record)]
    for item in settings.report:
        output_format, _, path = item.partition("=")
        wanted.append((f"--report {output_format}", path))
    for option, path in wanted:
        if path:
            prepare(Path(path), option)


def _look(settings: Settings, base: Mapping[str, Any] | None) -> Look:
    return Look(
        quiet=settings.quiet,
        verbose=settings.verbose,
        show_skipped=settings.show_skipped,
        show_suppressed=settings.show_suppressed,
        fail_on=settings.fail_on,
        base=base,
    )


def _notices(report: Report, settings: Settings) -> None:
    stopped = wording.incomplete(report)
    if stopped:
        lines = ["  " + wording.last_drawn(text) for text in report.run.output_tail]
        notice("\n".join([stopped, *lines]))
    if settings.quiet:
        return
    if wording.examined(report):
        notice(wording.summary(report))
    if report.verdict == "healthy" and report.run.headline:
        notice(clean(report.run.headline))


def _files(
    report: Report,
    settings: Settings,
    case: Case | None,
    base: Mapping[str, Any] | None,
    environ: Mapping[str, str],
) -> Iterator[Callable[[], None]]:
    """What remains to be written, each on its own, so that one failure does not hide the others."""
    look = _look(settings, base)
    if settings.output:
        chosen = choose(settings.output_format, terminal=False, file=True)
        yield lambda: save(render(report, chosen, look), Path(settings.output), "--output")
    for item in settings.report:
        output_format, _, path = item.partition("=")
        yield lambda f=output_format, p=path: save(  # type: ignore[misc] # mypy: lambda defaults
            render(report, f, replace(look, quiet=False)), Path(p), f"--report {f}"
        )
    if settings.save_record and case is not None:
        yield lambda: save(_record(case), Path(settings.save_record), "--save-record")
    if settings.summary and environ.get("GITHUB_STEP_SUMMARY"):
        yield lambda: _summarise(report, look, Path(environ["GITHUB_STEP_SUMMARY"]))


def _record(case: Case) -> str:
    from mldoctor.case import written

    return written(case)


def _summarise(report: Report, look: Look, path: Path) -> None:
    from mldoctor.reports.markdown import document

    room = SUMMARY_LIMIT - (path.stat().st_size if path.is_file() else 0) - 1
    if room > _LEAST_SUMMARY:
        append(document(report, look, room), path, "GITHUB_STEP_SUMMARY")


def _written(files: Iterator[Callable[[], None]]) -> list[OutputError]:
    failures = []
    for file in files:
        try:
            file()
        except OutputError as error:
            failures.append(error)
    return failures
