"""The report as one HTML page: opens anywhere, needs no network and no script."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldoctor.findings import number
from mldoctor.reports import _wording as wording
from mldoctor.reports._paint import clean
from mldoctor.reports._plots import plot, table
from mldoctor.reports._source import chosen_lines, lines_of, place_text, span

if TYPE_CHECKING:
    from jinja2 import Template

    from mldoctor.findings import Curve, Finding, Location, Report
    from mldoctor.reports import Look

_TEMPLATE = Path(__file__).with_name("_page.html.jinja")
_DIFF = {"+": "added", "-": "removed", "@": "place"}


def render(report: Report, look: Look) -> str:  # noqa: ARG001 - a page has one look
    """The page. Everything that came from the script is escaped by the template engine."""
    heads, folded = wording.causes(report)
    found = {finding.name for finding in report.findings}
    loose = [curve for curve in report.curves if curve.finding not in found]
    text = _template().render(
        title=f"mldoctor: {clean(report.target)}",
        report=report,
        run=report.run,
        header=wording.header(report).split("  "),
        tone=str(report.worst() or report.verdict),
        tiles=_tiles(report),
        verdict=wording.verdict(report),
        tail=[wording.last_drawn(line) for line in report.run.output_tail],
        doubts=wording.doubts(report),
        causes=[_cause(head, folded.pop(head.name, []), report) for head in heads],
        plots=[_plot(curve, report) for curve in loose],
        unchecked=wording.unchecked(report),
        suppressed=report.suppressed,
        selected=wording.selected(report),
        command=wording.shell(report.command),
        share=wording.to_share(report),
        place_text=place_text,
        clean=clean,
    )
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["capitalize_first"] = lambda text: text[:1].upper() + text[1:]
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))


def _tiles(report: Report) -> list[tuple[str, str]]:
    """The counts of the summary as figures; nothing for a run that could not be examined."""
    if not wording.examined(report):
        return []
    heads, folded = wording.causes(report)
    explained = sum(map(len, folded.values()))
    counts = [
        (len(heads), "cause" if len(heads) == 1 else "causes"),
        (explained, "symptom explained" if explained == 1 else "symptoms explained"),
        (len(report.passed), "probes found nothing"),
        (len(report.not_checked) + len(report.crashed), "probes could not judge"),
    ]
    return [(number(count), what) for count, what in (counts if heads else counts[2:])]


def _cause(finding: Finding, symptoms: list[Finding], report: Report) -> dict[str, Any]:
    diff = finding.remedy.diff if finding.remedy else None
    places = [place for place in (finding.location, finding.also) if place]
    anchor = (finding.fingerprint or f"{finding.name}-{report.findings.index(finding)}").replace(
        ":", "-"
    )
    return {
        "finding": finding,
        "anchor": f"{finding.name}-{anchor}",
        "symptoms": symptoms,
        "sources": _sources(places, report),
        "diff": [(_kind(line), clean(line)) for line in diff.splitlines()] if diff else [],
        "plots": [
            _plot(curve, report)
            for curve in report.curves
            if curve.finding in {finding.name, *(symptom.name for symptom in symptoms)}
        ],
        "verified": wording.verification(finding, report),
    }


def _kind(line: str) -> str:
    """The class of a line of a diff; the names of the files at its head are no change."""
    return "place" if line.startswith(("--- ", "+++ ")) else _DIFF.get(line[:1], "")


def _plot(curve: Curve, report: Report) -> dict[str, Any]:
    headings, rows, left_out = table(curve)
    place = next(at for at, other in enumerate(report.curves) if other is curve)
    drawn = None if curve.kind == "grid" else plot(curve, place)
    return {
        "curve": curve,
        "svg": drawn.svg if drawn else "",
        "key": [(kind, clean(name)) for kind, name in drawn.key] if drawn else [],
        "grid": _grid(curve) if drawn is None else [],
        "headings": headings,
        "rows": rows,
        "left_out": left_out,
    }


def _grid(curve: Curve) -> list[tuple[str, list[dict[str, Any]]]]:
    """The rows of a confusion matrix: each cell with its share of the row, the expected ones marked."""
    rows = []
    for name, values in curve.series:
        total = sum(value for value in values if math.isfinite(value) and value > 0)
        cells = [
            {
                "text": number(value),
                "share": f"{value / total if math.isfinite(value) and value > 0 else 0:.2f}",
                "expected": column < len(curve.categories) and curve.categories[column] == name,
            }
            for column, value in enumerate(values)
        ]
        rows.append((clean(name), cells))
    return rows


def _sources(places: list[Location], report: Report) -> list[dict[str, Any]]:
    """Excerpts, one for each file: its lines with the marked part of each."""
    result = []
    for path in dict.fromkeys(place.path for place in places):
        mine = [place for place in places if place.path == path]
        source = lines_of(path, report.sources)
        inside = [place for place in mine if 1 <= place.line <= len(source)]
        shown = chosen_lines([place.line for place in inside], source)
        rows = []
        for at, line in enumerate(shown):
            marked = [place for place in inside if place.line == line]
            rows.append(
                {
                    "number": line,
                    "gap": at > 0 and line != shown[at - 1] + 1,
                    "pieces": _pieces(source[line - 1], [span(p, source) for p in marked]),
                    "labels": [clean(place.label) for place in marked if place.label],
                }
            )
        result.append({"place": place_text(mine[0]), "rows": rows})
    return result


def _pieces(text: str, spans: list[tuple[int, int]]) -> list[tuple[bool, str]]:
    """A line in parts, each marked or not."""
    pieces: list[tuple[bool, str]] = []
    at = 0
    for start, end in sorted(spans):
        if start < at:  # two places overlap: the first mark stands for both
            continue
        pieces += [(False, clean(text[at:start])), (True, clean(text[start:end]))]
        at = end
    return [piece for piece in (*pieces, (False, clean(text[at:]))) if piece[1]]
