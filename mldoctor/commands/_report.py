"""Put a report where it was asked for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mldoctor.commands._output import colored, notice, save, width, write
from mldoctor.reports import Look, choose, render
from mldoctor.reports import _wording as wording
from mldoctor.reports._paint import clean

if TYPE_CHECKING:
    from mldoctor.findings import Report
    from mldoctor.settings import Settings


def show(report: Report, settings: Settings) -> None:
    """Put the report where it was asked for.

    Where standard output does not itself say how the run went (one line per finding, JSON, a
    file), the first and last lines of the full report go to standard error as a notice.
    """
    file = Path(settings.output) if settings.output else None
    chosen = choose(settings.output_format, terminal=sys.stdout.isatty(), file=file is not None)
    look = Look(
        width=None if file else width(sys.stdout),
        color=colored(settings.color, sys.stdout) and file is None,
        quiet=settings.quiet,
        verbose=settings.verbose,
        show_skipped=settings.show_skipped,
        show_suppressed=settings.show_suppressed,
    )
    text = render(report, chosen, look)
    apart = chosen != "full" or file is not None
    if apart and not settings.quiet:
        notice(wording.header(report))
    if file:
        save(text, file)
    else:
        write(text)
    stopped = wording.incomplete(report)
    if stopped and (apart or settings.quiet):
        notice(
            "\n".join([stopped, *("  " + wording.last_drawn(t) for t in report.run.output_tail)])
        )
    if apart and not settings.quiet:
        if wording.examined(report):
            notice(wording.summary(report))
        if report.verdict == "healthy" and report.run.headline:
            notice(clean(report.run.headline))
        if file:
            notice(f"Report: {settings.output}")
