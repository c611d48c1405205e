"""`mldoctor probes`: every probe there is."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mldoctor.commands._output import colored, width, write

if TYPE_CHECKING:
    from mldoctor.reports import Look


# Below this width the needs of a probe get a line of their own, indented by so much.
_ROOM = 20
_BELOW = 6


class ListFormat(StrEnum):
    """The forms of a list."""

    TEXT = "text"
    JSON = "json"


def probes(
    *,
    output_format: Annotated[
        ListFormat, typer.Option(help="The form of the list.")
    ] = ListFormat.TEXT,
) -> None:
    """List all probes: name, severity, status, cost and the facts they need.

    \b
    Examples:
      mldoctor probes
      mldoctor probes --output-format json
    """  # noqa: D301 - \b is a mark of the help formatter, and must reach it
    from mldoctor.explain import cost_of
    from mldoctor.registry import probes as registered
    from mldoctor.reports import Look

    rows = [
        {
            "name": probe.name,
            "family": probe.family,
            "severity": str(probe.severity),
            "kind": "symptom" if probe.symptom else "cause",
            "status": probe.status,
            "since": probe.since,
            "cost": cost_of(probe),
            "needs": [need.__name__ for need in probe.needs],
            "package": probe.package,
        }
        for probe in registered().values()
    ]
    if output_format is ListFormat.JSON:
        write(json.dumps(rows, indent=2) + "\n")
    else:
        write(_table(rows, Look(width=width(sys.stdout), color=colored("auto", sys.stdout))))


def _table(rows: list[dict[str, Any]], look: Look) -> str:
    from mldoctor.reports._paint import SEVERITY_STYLES, Line, Span, line, paint, wrapped

    keys = ("name", "severity", "status", "cost")
    wide = {key: max((len(row[key]) for row in rows), default=0) for key in keys}
    indent = sum(wide.values()) + 2 * len(keys) + 2
    narrow = look.width is not None and look.width - indent < _ROOM
    lines: list[Line] = []
    family = ""
    for row in rows:
        if row["family"] != family:
            family = row["family"]
            lines += (
                [line(), line(Span(f"{family}/", "bold"))]
                if lines
                else [line(Span(f"{family}/", "bold"))]
            )
        needs = ", ".join(row["needs"])
        if row["package"] != "mldoctor":
            needs += f" (from {row['package']})"
        name, severity, status, cost = (f"{row[key]:<{wide[key]}}" for key in keys)
        styled = Span(severity, SEVERITY_STYLES[row["severity"]])
        start = (f"  {name}  ", styled, f"  {status}  {cost}")
        if narrow:
            lines.append(line(*start))
            lines += [line(" " * _BELOW, part) for part in wrapped(needs, look.width, _BELOW)]
        else:
            first, *rest = wrapped(needs, look.width, indent)
            lines.append(line(*start, f"  {first}"))
            lines += [line(" " * indent, part) for part in rest]
    return paint(lines, color=look.color)
