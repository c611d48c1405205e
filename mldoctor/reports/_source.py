"""Source excerpts: the lines of a finding exactly as written, with its places marked."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mldoctor import sources
from mldoctor.reports._paint import SEVERITY_STYLES, Line, Span, clean, columns, line, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mldoctor.findings import Finding, Location

MAX_LINES = 6


class Mark(NamedTuple):
    """A place to mark, the sign to do it with, and its style."""

    place: Location
    sign: str
    style: str


def excerpt(
    finding: Finding, width: int | None, texts: Mapping[str, str] | None = None
) -> list[Line]:
    """The places of a finding: its path, its source lines, and a mark under each place.

    Args:
        finding: what is shown.
        width: columns of the terminal; None wraps nothing.
        texts: sources as they were during the run; files that are not in it are read.
    """
    texts = texts or {}
    if finding.location is None:
        return []
    style = SEVERITY_STYLES.get(str(finding.severity), "")
    main = Mark(finding.location, "^", style)
    if finding.also is None:
        return _snippet("-->", [main], width, texts)
    other = Mark(finding.also, "-", "blue")
    if finding.also.path == finding.location.path:
        return _snippet("-->", [main, other], width, texts)
    return [*_snippet("-->", [main], width, texts), *_snippet(":::", [other], width, texts)]


def _snippet(
    arrow: str, marks: Sequence[Mark], width: int | None, texts: Mapping[str, str]
) -> list[Line]:
    first = marks[0].place
    source = lines_of(first.path, texts)
    inside = [mark for mark in marks if 1 <= mark.place.line <= len(source)]
    numbers = chosen_lines([mark.place.line for mark in inside], source)
    gutter = len(str(max(numbers, default=0)))
    heading = line(" " * gutter, Span(f"{arrow} ", "blue"), clean(place_text(first)))
    if not numbers:
        return [heading]
    bar = line(Span(" " * gutter + " |", "blue"))
    lines = [heading, bar]
    previous = numbers[0] - 1
    for number in numbers:
        if number != previous + 1:
            lines.append(line(Span("...", "blue")))
        previous = number
        text = clean(source[number - 1])
        lines.append(line(Span(f"{number:>{gutter}} | ", "blue"), text))
        for mark in sorted(inside, key=lambda mark: mark.place.column):
            if mark.place.line == number:
                lines += _marked(mark, source, gutter, width)
    return [*lines, bar]


def place_text(place: Location) -> str:
    """A location as `path:line:column`."""
    return f"{place.path}:{place.line}:{place.column}"


def chosen_lines(places: Iterable[int], source: Sequence[str]) -> list[int]:
    """The line numbers to show: each place with a neighbour, no blank edges, at most six."""
    wanted = sorted(set(places))
    if not wanted:
        return []
    low, high = wanted[0], wanted[-1]
    before = low if len(wanted) > 1 else low - 1
    numbers = [n for n in range(before, high + 2) if 1 <= n <= len(source)]
    if len(numbers) > MAX_LINES:  # two places far apart: each with its neighbour, a gap between
        numbers = [n for n in (low, low + 1, high - 1, high, high + 1) if n <= len(source)]
    while numbers and numbers[0] < low and not source[numbers[0] - 1].strip():
        numbers.pop(0)
    while numbers and numbers[-1] > high and not source[numbers[-1] - 1].strip():
        numbers.pop()
    return numbers


def _marked(mark: Mark, source: Sequence[str], gutter: int, width: int | None) -> list[Line]:
    place = mark.place
    text = source[place.line - 1]
    start, end = span(place, source)
    # Tabs stay tabs, so that the mark stands under its text whatever a tab is worth.
    lead = "".join(c if c == "\t" else " " * columns(c) for c in clean(text[:start]))
    under = mark.sign * max(1, columns(clean(text[start:end])))
    edge = " " * gutter + " | "
    label = clean(place.label)
    here = columns(edge + lead + under) + 1
    if not label or width is None or here + columns(label) <= width:
        return [line(Span(edge, "blue"), lead, Span(f"{under} {label}".rstrip(), mark.style))]
    below = wrapped(label, width, columns(edge))
    return [
        line(Span(edge, "blue"), lead, Span(under, mark.style)),
        *(line(Span(edge, "blue"), Span(part, mark.style)) for part in below),
    ]


def span(place: Location, source: Sequence[str]) -> tuple[int, int]:
    """Where the code at a place starts and ends on its line, counted from 0."""
    text = source[place.line - 1]
    indent = len(text) - len(text.lstrip())
    # Column 1 also stands for "somewhere on this line".
    start = min(max(place.column - 1, indent), max(len(text) - 1, 0))
    return start, max(_end(place.line, start, source), start + 1)


def is_on_one_line(place: Location, source: Sequence[str]) -> bool:
    """Whether the expression at a place ends on the line it starts on."""
    start, _ = span(place, source)
    ends = _ends(place.line, start, source)
    return not ends or max(ends)[0] == place.line


def _end(number: int, start: int, source: Sequence[str]) -> int:
    """Where the expression that starts there ends, else where the code of that line ends."""
    text = source[number - 1]
    ends = _ends(number, start, source)
    if not ends:
        return len(text.split(" #", maxsplit=1)[0].rstrip())
    last, offset = max(ends)
    if last > number:
        return len(text.rstrip())
    return len(text.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "replace"))


def _ends(number: int, start: int, source: Sequence[str]) -> list[tuple[int, int]]:
    """Line and byte column of the end of every expression that starts at this place."""
    column = len(source[number - 1][:start].encode("utf-8", "surrogatepass"))
    parsed = sources.tree("\n".join(source))
    return [
        (node.end_lineno or number, node.end_col_offset or 0)
        for node in (() if parsed is None else ast.walk(parsed))
        if isinstance(node, ast.expr) and node.lineno == number and node.col_offset == column
    ]


def lines_of(path: str, texts: Mapping[str, str]) -> list[str]:
    """The lines of a source file; none if it cannot be read."""
    text = texts[path] if path in texts else sources.read(Path(path))
    return text.split("\n") if text else []
