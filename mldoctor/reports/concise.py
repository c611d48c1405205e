"""One line per finding that stands on its own, as compilers print them; nothing wrapped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mldoctor.reports import _wording as wording
from mldoctor.reports._paint import SEVERITY_STYLES, Line, Span, clean, line, paint
from mldoctor.reports._source import place_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mldoctor.findings import Finding, Report
    from mldoctor.reports import Look


def render(report: Report, look: Look) -> str:
    """The findings, one line each; nothing for a clean run.

    Symptoms that a cause explains are folded into that cause's line. A run that could not be
    examined in full has one line that says so, lest silence be read as health.
    """
    heads, _ = wording.causes(report)
    lines = [_line(finding, report.target) for finding in heads]
    stopped = wording.stopped(report)
    if stopped and not look.quiet:
        lines.append(line(clean(report.target), f": incomplete: {stopped}"))
    return paint(lines, color=look.color)


def render_every(report: Report, findings: Iterable[Finding] | None = None) -> str:
    """Every finding, folded ones too, and what cut the run short: for a failed assertion."""
    chosen = report.findings if findings is None else tuple(findings)
    lines = [_line(finding, report.target) for finding in chosen]
    stopped = wording.stopped(report)
    if stopped:
        lines.append(line(clean(report.target), f": incomplete: {stopped}"))
    return paint(lines, color=False)


def _line(finding: Finding, target: str) -> Line:
    name, message = wording.headline(finding)
    place = place_text(finding.location) if finding.location else target
    style = SEVERITY_STYLES.get(str(finding.severity), "")
    return line(clean(place), ": ", Span(name, style), ": ", message)
