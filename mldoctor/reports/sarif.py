"""The report as SARIF 2.1.0, for code-scanning tabs: one result per cause, with where it leads."""

from __future__ import annotations

import json
from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mldoctor.findings import Severity
from mldoctor.reports import _wording as wording
from mldoctor.reports._paint import clean
from mldoctor.reports._source import lines_of, span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mldoctor.findings import Finding, Location, Report
    from mldoctor.registry import Probe
    from mldoctor.reports import Look

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
# A probe is promoted to stable only with no false alarm on the healthy suite.
_PRECISION = {"stable": "high", "incubating": "medium"}
_PROBLEM_SEVERITY = {"error": "error", "warning": "warning", "note": "recommendation"}


def render(report: Report, look: Look) -> str:  # noqa: ARG001 - SARIF has one look
    """The report as indented SARIF.

    Suppressed findings are left out: code scanning opens an alert for every result, whatever its
    `suppressions` say.
    """
    data = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [_run(report)]}
    return json.dumps(data, indent=2, allow_nan=False) + "\n"


def _run(report: Report) -> dict[str, Any]:
    heads, folded = wording.causes(report)
    rules = list(dict.fromkeys(head.name for head in heads))
    return {
        "tool": {
            "driver": {
                "name": "mldoctor",
                "semanticVersion": report.versions.get("mldoctor", "0"),
                "rules": [_rule(name, heads) for name in rules],
            }
        },
        # What stands before the last slash is the category under which a code-scanning tab
        # replaces the results of an earlier run.
        "automationDetails": {"id": f"mldoctor/{_text(_uri(report.target))}/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(report)],
        "results": [
            _result(head, folded.pop(head.name, []), report, rules.index(head.name))
            for head in heads
        ],
    }


def _rule(name: str, findings: Iterable[Finding]) -> dict[str, Any]:
    from mldoctor.explain import known, parse

    probe = known().get(name)
    seen = next((f.severity for f in findings if f.name == name and f.severity), None)
    level = (probe.severity if probe else seen) or Severity.WARNING
    page = parse(probe.page) if probe else None
    summary = page.summary if page else name
    finds = page.sections.get("What it finds", "") if page else ""
    return {
        "id": name,
        "shortDescription": {"text": _message(" ".join(summary.split()))},
        "fullDescription": {"text": _message(" ".join((finds or summary).split()))},
        "help": _help(name, probe),
        "defaultConfiguration": {"level": str(level)},
        "properties": {
            "tags": ["training", *([probe.family] if probe else [])],
            "precision": _PRECISION.get(probe.status if probe else "", "medium"),
            "problem.severity": _PROBLEM_SEVERITY[level],
        },
    }


def _help(name: str, probe: Probe | None) -> dict[str, str]:
    """The probe's page; a probe of a package that is gone has none."""
    from mldoctor.explain import as_markdown

    hint = f"mldoctor explain {name}"
    if probe is None:
        return {"text": hint, "markdown": f"`{hint}`"}
    page = as_markdown(probe)
    return {"text": _braces(page), "markdown": _braces(page)}


def _result(finding: Finding, symptoms: list[Finding], report: Report, rule: int) -> dict[str, Any]:
    place = wording.place(finding, report)
    result: dict[str, Any] = {
        "ruleId": finding.name,
        "ruleIndex": rule,
        "level": str(finding.severity or Severity.WARNING),
        "message": {"text": _message(_told(finding, symptoms))},
        "locations": [_location(place, report)],
        "partialFingerprints": {"mldoctor/v1": finding.fingerprint or _unstamped(finding, report)},
    }
    steps = [(place, place.label or finding.message)]
    if finding.also is not None:
        steps.append((finding.also, finding.also.label or "belongs to it"))
        result["relatedLocations"] = [_location(finding.also, report, steps[-1][1])]
    steps += [(wording.place(s, report), f"{s.name}: {s.message}") for s in symptoms]
    if len(steps) > 1:
        flow = [{"location": _location(at, report, said)} for at, said in steps]
        result["codeFlows"] = [
            {
                "message": {"text": "From the cause to what it leads to."},
                "threadFlows": [{"locations": flow}],
            }
        ]
    return result


def _told(finding: Finding, symptoms: list[Finding]) -> str:
    """The message: its first sentence stands alone, as lists of alerts show no more."""
    parts = [clean(finding.message).rstrip(".") + "."]
    parts += [wording.evidence(row) + "." for row in finding.evidence]
    if symptoms:
        parts.append(f"It explains {', '.join(s.name for s in symptoms)}.")
    if finding.remedy:
        parts.append(f"Remedy: {clean(finding.remedy.advice)}.")
    return "\n".join(parts)


def _unstamped(finding: Finding, report: Report) -> str:
    """A fingerprint for a report that was made without its sources."""
    return f"{finding.name}:{report.target}:{finding.subject}"


def _invocation(report: Report) -> dict[str, Any]:
    notes = [_notification(c.name, f"crashed: {c.error}", "error") for c in report.crashed]
    notes += [_notification(s.name, f"not checked: {s.reason}", "note") for s in report.not_checked]
    stopped = wording.stopped(report)
    if stopped:
        notes.append({"level": "error", "message": {"text": _message(wording.verdict(report))}})
    return {
        "executionSuccessful": not stopped,
        "arguments": [_text(word) for word in report.command[1:]],
        "toolExecutionNotifications": notes,
        "properties": {
            "updates": report.run.updates,
            "device": _text(report.run.device),
            "seed": report.run.seed,
        },
    }


def _notification(name: str, said: str, level: str) -> dict[str, Any]:
    return {"level": level, "message": {"text": _message(f"{name}: {said}")}}


def _location(place: Location, report: Report, said: str = "") -> dict[str, Any]:
    region: dict[str, int] = {"startLine": place.line, "startColumn": 1, "endLine": place.line}
    source = lines_of(place.path, report.sources)
    if 1 <= place.line <= len(source):
        start, end = span(place, source)
        region |= {"startColumn": start + 1, "endColumn": max(end, start + 1) + 1}
    else:
        region |= {"startColumn": place.column, "endColumn": place.column + 1}
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(place.path)},
            "region": region,
        }
    }
    if said:
        location["message"] = {"text": _message(clean(said))}
    return location


def _uri(path: str) -> str:
    """A path as the reference that SARIF wants: relative, with forward slashes, encoded."""
    pure = PurePath(path)
    if pure.is_absolute():
        return pure.as_uri()
    return quote(str(PurePosixPath(*pure.parts)).encode("utf-8", "backslashreplace"))


def _message(text: str) -> str:
    """Text that no reader takes for a placeholder or an embedded link (3.11.5 and 3.11.6)."""
    return _braces(_text(text)).replace("](", "] (")


def _braces(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _text(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
