"""Annotations for GitHub Actions: workflow commands that put findings beside their lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mldoctor.reports import _wording as wording
from mldoctor.reports._paint import clean
from mldoctor.reports._source import is_on_one_line, lines_of, span

if TYPE_CHECKING:
    from mldoctor.findings import Finding, Report
    from mldoctor.reports import Look

LIMIT = 10
"""GitHub shows at most ten errors, ten warnings and ten notices of one step."""

_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}


def render(report: Report, look: Look) -> str:  # noqa: ARG001 - annotations have one look
    """One workflow command for each cause, most important first; nothing for a clean run."""
    heads, folded = wording.causes(report)
    lines = []
    stopped = wording.stopped(report)
    if stopped:
        lines.append(_command("error", {"title": "mldoctor"}, wording.verdict(report)))
    for severity, command in _COMMANDS.items():
        chosen = [head for head in heads if str(head.severity) == severity]
        room = LIMIT - bool(stopped and severity == "error")
        for at, head in enumerate(chosen[:room]):
            more = len(chosen) - room if at == room - 1 else 0
            text = _told(head, folded.pop(head.name, []))
            if more > 0:
                text += f"\n{wording.counted(more, f'more {severity}')}: see the log of this step."
            lines.append(_command(command, _place(head, report), text))
    return "".join(line + "\n" for line in lines)


def _told(finding: Finding, symptoms: list[Finding]) -> str:
    lines = [clean(finding.message)]
    lines += [wording.evidence(row) for row in finding.evidence]
    if symptoms:
        lines.append(f"explains {', '.join(symptom.name for symptom in symptoms)}")
    if finding.remedy:
        lines.append(f"remedy: {clean(finding.remedy.advice)}")
    return "\n".join(lines)


def _place(finding: Finding, report: Report) -> dict[str, str]:
    place = wording.place(finding, report)
    found = {"file": clean(place.path), "line": str(place.line)}
    source = lines_of(place.path, report.sources)
    # With columns GitHub drops the annotation of a code span that goes over several lines.
    if 1 <= place.line <= len(source) and is_on_one_line(place, source):
        start, end = span(place, source)
        found |= {"endLine": str(place.line), "col": str(start + 1), "endColumn": str(end)}
    return found | {"title": finding.name}


def _command(command: str, properties: dict[str, str], text: str) -> str:
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{command} {written}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
