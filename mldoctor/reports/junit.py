"""The report as JUnit XML: a suite for the script, a case for every selected probe."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from mldoctor.findings import Severity
from mldoctor.reports import _wording as wording
from mldoctor.reports._paint import clean
from mldoctor.reports._source import place_text

if TYPE_CHECKING:
    from mldoctor.findings import Finding, Report
    from mldoctor.reports import Look


def render(report: Report, look: Look) -> str:
    """The report as XML.

    A probe fails where it found something at or above `--fail-on`; what it found below that, and
    symptoms that a cause explains, are in the text of a case that does not fail.
    """
    suite = ET.Element("testsuite", name=_text(report.target))
    _properties(suite, _about(report))
    heads, folded = wording.causes(report)
    symptoms = [symptom for group in folded.values() for symptom in group]
    for name in dict.fromkeys(f.name for f in (*heads, *symptoms)):
        _found(suite, [f for f in report.findings if f.name == name], heads, report, look)
    taken = {f.name for f in report.findings}
    for crashed in report.crashed:
        case = _case(suite, crashed.name)
        ET.SubElement(case, "error", message=_text(crashed.error), type="crashed")
    for name in report.passed:
        _case(suite, name)
    for skipped in report.not_checked:
        reason = f"{skipped.reason}; add {skipped.enable}" if skipped.enable else skipped.reason
        ET.SubElement(_case(suite, skipped.name), "skipped", message=_text(reason))
    for name in dict.fromkeys(s.finding.name for s in report.suppressed):
        if name not in taken:
            of_name = [s for s in report.suppressed if s.finding.name == name]
            case = _case(suite, name, of_name[0].finding, report)
            reason = "; ".join(dict.fromkeys(f"{s.by}: {s.reason}" for s in of_name))
            ET.SubElement(case, "skipped", message=_text(f"suppressed by {reason}"))
    if wording.stopped(report):
        case = ET.SubElement(suite, "testcase", classname="run", name="examination", time="0")
        broken = ET.SubElement(case, "error", type="incomplete")
        broken.set("message", _text(wording.verdict(report)))
        broken.text = _text("\n".join(map(wording.last_drawn, report.run.output_tail)))
    _totals(suite, report)
    return _written(suite)


def _found(
    suite: ET.Element, findings: list[Finding], heads: list[Finding], report: Report, look: Look
) -> None:
    """The case of one probe, with everything it found."""
    case = _case(suite, findings[0].name, findings[0], report)
    rows = [(f"{row.name}", row) for finding in findings for row in finding.evidence]
    _properties(
        case,
        [
            (name, f"{row.measured} (expected {row.expected})" if row.expected else row.measured)
            for name, row in rows
        ],
    )
    own = [finding for finding in findings if finding in heads]
    text = "\n\n".join(_lines(finding, report) for finding in own or findings)
    if not own:
        cause = findings[0].explained_by
        said = f"explained by {cause}: {clean(findings[0].message)}"
        ET.SubElement(case, "skipped", message=_text(said)).text = _text(text)
        return
    failing = look.fail_on != "never" and any(
        (f.severity or Severity.NOTE).rank <= Severity(look.fail_on).rank for f in own
    )
    if failing:
        message = clean(own[0].message)
        ET.SubElement(
            case, "failure", message=_text(message), type=str(own[0].severity)
        ).text = _text(text)
    else:
        ET.SubElement(case, "system-out").text = _text(text)


def _lines(finding: Finding, report: Report) -> str:
    """The concise line of a finding, its evidence and its remedy."""
    name, message = wording.headline(finding)
    lines = [f"{place_text(wording.place(finding, report))}: {name}: {message}"]
    lines += [f"  {wording.evidence(row)}" for row in finding.evidence]
    if finding.remedy:
        lines.append(f"  remedy: {clean(finding.remedy.advice)}")
    return "\n".join(lines)


def _case(
    suite: ET.Element, name: str, finding: Finding | None = None, report: Report | None = None
) -> ET.Element:
    from mldoctor.explain import known

    probe = known().get(name)
    family = finding.family if finding else probe.family if probe else "unknown"
    case = ET.SubElement(suite, "testcase", classname=_text(family), name=_text(name), time="0")
    if finding and report:
        place = wording.place(finding, report)
        case.set("file", _text(place.path))
        case.set("line", str(place.line))
    return case


def _about(report: Report) -> list[tuple[str, str]]:
    run = report.run
    return [
        ("verdict", report.verdict),
        ("updates", str(run.updates)),
        ("device", run.device),
        ("seed", "" if run.seed is None else str(run.seed)),
        *((f"version.{name}", version) for name, version in report.versions.items()),
    ]


def _properties(element: ET.Element, rows: list[tuple[str, str]]) -> None:
    if rows:
        parent = ET.SubElement(element, "properties")
        for name, value in rows:
            ET.SubElement(parent, "property", name=_text(name), value=_text(value))


def _totals(suite: ET.Element, report: Report) -> None:
    seconds = report.run.seconds if math.isfinite(report.run.seconds) else 0.0
    suite.set("tests", str(len(suite.findall("testcase"))))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))
    suite.set("time", f"{seconds:.3f}")


def _written(suite: ET.Element) -> str:
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _text(text: str) -> str:
    """Text without what XML 1.0 cannot hold: control characters, halves of surrogate pairs."""
    whole = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(
        c if c in "\n\t" or (c >= " " and c not in "\x7f\ufffe\uffff") else " " for c in whole
    )
