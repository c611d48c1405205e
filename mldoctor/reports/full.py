"""The report for a person at a terminal: source, evidence, what it explains, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mldoctor.reports import _wording as wording
from mldoctor.reports._paint import (
    SEVERITY_STYLES,
    Line,
    Span,
    clean,
    columns,
    line,
    padded,
    paint,
    wrapped,
)
from mldoctor.reports._source import excerpt, place_text

if TYPE_CHECKING:
    from mldoctor.findings import Evidence, Finding, Report
    from mldoctor.reports import Look

SHOWN_UNCHECKED = 4
_BOLD = "bold"
_MIN_NAME = 16
_DIFF_STYLES = {"+": "green", "-": "red"}


def render(report: Report, look: Look) -> str:
    """The full report as text."""
    heads, folded = wording.causes(report)
    blocks = [_finding(head, folded.pop(head.name, []), report, look) for head in heads]
    if look.quiet:
        return paint(_joined(blocks), color=look.color)
    top = [line(Span(part, _BOLD)) for part in wrapped(wording.header(report), look.width)]
    sections = [*blocks, *_sections(report, look)]
    stopped = wording.incomplete(report)
    if stopped:
        top += _text(stopped, look)
        top += [line("  ", wording.last_drawn(text)) for text in report.run.output_tail]
    end: list[Line] = []
    if not stopped or wording.examined(report):
        end = _text(wording.summary(report), look)
    if heads:
        edits = [h for h in heads if h.remedy and h.remedy.diff and h.verified is not False]
        if edits and not report.run.files:  # a fix is tried in runs
            apply = wording.again(report.command, "--fix")
            if look.width is not None and len(apply) + len("Apply: ") > look.width:
                apply = wording.shell(report.command[:1], "check", "TARGET", "--fix")
            end.append(line(f"Apply: {apply}"))
        end.append(line(f"Read: mldoctor explain {heads[0].name}"))
    elif report.run.headline and not stopped:
        end += _text(report.run.headline, look)
    if not sections and not report.run.output_tail:
        return paint([*top, *end], color=look.color)
    return paint(_joined([top, *sections, end]), color=look.color)


def _joined(blocks: list[list[Line]]) -> list[Line]:
    """The blocks with one empty line between them."""
    lines: list[Line] = []
    for block in filter(None, blocks):
        lines += [line(), *block] if lines else block
    return lines


def _text(text: str, look: Look, indent: int = 0, hanging: int | None = None) -> list[Line]:
    first, *rest = wrapped(text, look.width, max(indent, hanging or 0))
    further = indent if hanging is None else hanging
    return [line(" " * indent, first), *(line(" " * further, part) for part in rest)]


def _finding(finding: Finding, symptoms: list[Finding], report: Report, look: Look) -> list[Line]:
    name, message = wording.headline(finding)
    style = SEVERITY_STYLES.get(str(finding.severity), "")
    first, *rest = wrapped(f"{name}: {message}", look.width)
    lines = [line(Span(name, style), Span(first.removeprefix(name), _BOLD))]
    lines += [line("  ", Span(part, _BOLD)) for part in rest]
    lines += excerpt(finding, look.width, report.sources)
    lines += _evidence(finding.evidence, look)
    if symptoms:
        lines.append(line("   ", Span("explains", _BOLD)))
        wide = max(columns(symptom.name) for symptom in symptoms)
        for symptom in symptoms:
            lines += _symptom(symptom, wide, look)
    lines += _remedy(finding, report, look)
    return lines


def _evidence(rows: tuple[Evidence, ...], look: Look) -> list[Line]:
    if not rows:
        return []
    table = [("evidence", "measured", "expected")]
    table += [("  " + clean(r.name), clean(r.measured), clean(r.expected)) for r in rows]
    widths = [max(columns(row[i]) for row in table) for i in range(3)]
    if not any(row.expected for row in rows):
        table[0], widths[2] = ("evidence", "measured", ""), 0
    if look.width is not None:  # names give way first, they can break at a space
        room = look.width - 3 - 2 - 2 - widths[1] - widths[2]
        widths[0] = max(min(widths[0], room), min(widths[0], _MIN_NAME))
        if 3 + sum(widths) + 4 > look.width:
            return _stacked(rows, look)
    lines: list[Line] = []
    for i, (name, measured, expected) in enumerate(table):
        indent = "   " if i == 0 else "     "
        first, *rest = wrapped(name.strip(), widths[0] if i and look.width else None, 2 * (i > 0))
        cells = padded(measured, widths[1]) + "  " + expected
        start = padded(indent + first, 3 + widths[0])
        if i == 0:
            lines.append(line(Span(start + "  " + cells, _BOLD)))
        else:
            lines.append(line(start + "  " + cells))
            lines += [line(indent + "  ", part) for part in rest]
    return lines


def _stacked(rows: tuple[Evidence, ...], look: Look) -> list[Line]:
    """Evidence too wide for a table: each row's name, then what was measured and expected."""
    lines = [line("   ", Span("evidence", _BOLD))]
    for row in rows:
        lines += _text(row.name, look, 5, 7)
        lines += _text(f"measured  {clean(row.measured)}", look, 7, 17)
        if row.expected:
            lines += _text(f"expected  {clean(row.expected)}", look, 7, 17)
    return lines


def _symptom(symptom: Finding, wide: int, look: Look) -> list[Line]:
    """The symptom in the words the user knows it by, with the number that shows it."""
    indent = 5 + wide + 2
    first, *rest = _text(symptom.message, look, indent)
    lines = [line("     ", padded(symptom.name, wide), "  ", first[1].text), *rest]
    rows = symptom.evidence if look.verbose else symptom.evidence[:1]
    for row in rows:
        expected = f" (expected {row.expected})" if row.expected else ""
        lines += _text(f"{row.name}: {row.measured}{expected}", look, indent, indent + 2)
    return lines


def _remedy(finding: Finding, report: Report, look: Look) -> list[Line]:
    lines: list[Line] = []
    if finding.remedy is not None:
        advice = wrapped(f"remedy: {clean(finding.remedy.advice)}", look.width, 5)
        lines.append(line("   ", Span("remedy", _BOLD), advice[0].removeprefix("remedy")))
        lines += [line("     ", part) for part in advice[1:]]
        for changed in (finding.remedy.diff or "").splitlines():
            if changed.startswith(("--- ", "+++ ", "@@ ")):
                continue  # the place is above; --diff prints what patch takes
            lines.append(line("     ", Span(clean(changed), _DIFF_STYLES.get(changed[:1], ""))))
        if finding.remedy.recipe:
            lines.append(line("     see recipe ", clean(finding.remedy.recipe)))
    tried = wording.verification(finding, report)
    if tried:
        lines += _text(tried, look, 3, 5)
    return lines


def _sections(report: Report, look: Look) -> list[list[Line]]:
    sections = []
    if look.verbose and report.passed:
        sections.append(_passed(report, look))
    # A clean report stays three lines; what crashed inside mldoctor is never left out of it.
    vacuous = report.run.updates and not report.run.outcome and not wording.examined(report)
    if report.findings or report.crashed or look.show_skipped or vacuous:
        sections.append(_unchecked(report, look))
    if look.show_suppressed and report.suppressed:
        sections.append(_suppressed(report, look))
    return sections


def _passed(report: Report, look: Look) -> list[Line]:
    from mldoctor.explain import cost_of
    from mldoctor.registry import probes

    known = probes()
    rows = [(name, cost_of(known[name]) if name in known else "") for name in report.passed]
    title = f"Found nothing: {len(rows)} of {wording.counted(wording.selected(report), 'probe')}"
    return [line(Span(title, _BOLD)), *_columns(rows, look)]


def _unchecked(report: Report, look: Look) -> list[Line]:
    rows = wording.unchecked(report)
    if not rows:
        return []
    total = wording.counted(wording.selected(report), "probe")
    crashed = f" ({len(report.crashed)} crashed)" if report.crashed else ""
    title = f"Not checked: {len(rows)} of {total}{crashed}"
    shown = rows
    if not look.show_skipped and len(rows) > SHOWN_UNCHECKED + 1:
        shown = rows[: max(SHOWN_UNCHECKED, len(report.crashed))]
    more = len(rows) - len(shown)
    if more:
        command = report.command or ("mldoctor", "check", report.target)
        shown = [*shown, (f"{more} more", wording.again(command, "--show-skipped"))]
    return [line(Span(title, _BOLD)), *_columns(shown, look)]


def _suppressed(report: Report, look: Look) -> list[Line]:
    rows = []
    for item in report.suppressed:
        place = item.finding.location
        where = f"{place_text(place)}: " if place else ""
        rows.append((item.finding.name, f"{where}{item.reason}"))
    return [line(Span(f"Suppressed: {len(rows)}", _BOLD)), *_columns(rows, look)]


def _columns(rows: list[tuple[str, str]], look: Look) -> list[Line]:
    wide = max(columns(name) for name, _ in rows)
    lines: list[Line] = []
    for name, text in rows:
        first, *rest = _text(text, look, 2 + wide + 2)
        lines += [line("  ", padded(name, wide), "  ", first[1].text), *rest]
    return lines
