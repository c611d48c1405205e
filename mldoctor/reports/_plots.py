"""Plots as inline SVG: no script, no network, colours from the page's style sheet."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from mldoctor.findings import number
from mldoctor.reports._paint import clean
from mldoctor.reports._scales import Scale, scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mldoctor.findings import Curve

WIDTH, HEIGHT = 680, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 150, 16, 52
POINTS = 600
"""Most points of one line: more than a screen can show would only make the page heavy."""
ROWS = 200
"""Most rows of the table below a plot."""
_SERIES = 6
"""Colours and dashes of the style sheet, after which they begin anew."""


def svg(curve: Curve) -> str:
    """The plot of a curve. Lines differ in dash as well as in colour, and carry their names."""
    draw = {"line": _lines, "bars": _bars, "grid": _grid}[curve.kind]
    label = escape(clean(f"{curve.title} {curve.y_label} over {curve.x_label}"), quote=True)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}" '
        f'preserveAspectRatio="xMinYMin meet">{"".join(draw(curve))}</svg>'
    )


def table(curve: Curve) -> tuple[list[str], list[list[str]], int]:
    """The numbers of a plot: headings, rows, and how many rows were left out between them."""
    longest = max((len(values) for _, values in curve.series), default=0)
    every = max(1, math.ceil(longest / ROWS))
    chosen = [*range(0, longest, every)]
    if longest and chosen[-1] != longest - 1:
        chosen.append(longest - 1)
    headings = [curve.x_label, *(name for name, _ in curve.series)]
    rows = [
        [_category(curve, at)]
        + [number(values[at], 4) if at < len(values) else "" for _, values in curve.series]
        for at in chosen
    ]
    return headings, rows, longest - len(chosen)


def _category(curve: Curve, at: int) -> str:
    return curve.categories[at] if at < len(curve.categories) else number(at + 1)


def _lines(curve: Curve) -> list[str]:
    ends = [v for v in curve.expected or () if v is not None]
    every = [v for _, values in curve.series for v in values]
    y = scale([*every, *ends], HEIGHT - _BOTTOM, _TOP, logarithmic=curve.logarithmic)
    longest = max((len(values) for _, values in curve.series), default=1)
    x = Scale(1, max(2, longest), _LEFT, WIDTH - _RIGHT)
    parts = [*_expected(curve, y), *_frame(curve, x, y)]
    taken: list[float] = []
    for at, (name, values) in enumerate(curve.series):
        parts += _line(at, values, x, y)
        shown = [v for v in values if y.shows(v)]
        if shown:
            parts.append(_end_label(at, name, y.at(shown[-1]), taken))
    if not any(y.shows(v) for v in every):
        parts.append(_text(_LEFT + 20, 60, "no finite values", "label"))
    return parts


def _line(at: int, values: Sequence[float], x: Scale, y: Scale) -> list[str]:
    """One line; it breaks where a value is not finite."""
    pieces: list[list[str]] = [[]]
    for position, value in _thinned(values):
        if y.shows(value):
            pieces[-1].append(f"{x.at(position):.1f},{y.at(value):.1f}")
        elif pieces[-1]:
            pieces.append([])
    return [
        f'<polyline class="series s{at % _SERIES}" points="{" ".join(piece)}"/>'
        if len(piece) > 1
        else _dot(at, piece[0])
        for piece in pieces
        if piece
    ]


def _dot(at: int, point: str) -> str:
    x, y = point.split(",")
    return f'<circle class="dot s{at % _SERIES}" cx="{x}" cy="{y}" r="3"/>'


def _thinned(values: Sequence[float]) -> list[tuple[int, float]]:
    """Positions from 1 and values; of many, the lowest and highest of each stretch."""
    every = math.ceil(len(values) / (POINTS // 2))
    points = list(enumerate(values, start=1))
    if every <= 1:
        return points
    kept: list[tuple[int, float]] = []
    for start in range(0, len(points), every):
        stretch = points[start : start + every]
        finite = [point for point in stretch if math.isfinite(point[1])]
        if len(finite) < len(stretch):
            kept.append(next(p for p in stretch if not math.isfinite(p[1])))
        if finite:
            ends = {min(finite, key=lambda p: p[1]), max(finite, key=lambda p: p[1])}
            kept += ends
    return sorted(kept)


def _expected(curve: Curve, y: Scale) -> list[str]:
    """The range of a sound run, as a band with its name."""
    if curve.expected is None:
        return []
    low, high = curve.expected
    bottom = y.at(low) if low is not None and y.shows(low) else y.start
    top = y.at(high) if high is not None and y.shows(high) else y.end
    height = max(bottom - top, 2.0)
    said = "expected" if low is None and high is None else f"expected {_range(low, high)}"
    width = WIDTH - _LEFT - _RIGHT
    at = min(max(top + 14, _TOP + 12), HEIGHT - _BOTTOM - 4)
    return [
        f'<rect class="expected" x="{_LEFT}" y="{top:.1f}" width="{width}" height="{height:.1f}"/>',
        _text(_LEFT + 6, at, said, "band"),
    ]


def _range(low: float | None, high: float | None) -> str:
    if low is None:
        return f"up to {number(high or 0.0)}"
    return f"from {number(low)}" if high is None else f"{number(low)} to {number(high)}"


def _frame(curve: Curve, x: Scale | None, y: Scale) -> list[str]:
    parts = []
    for tick in y.ticks():
        at = y.at(tick)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
        )
        parts.append(_text(_LEFT - 8, at + 4, number(tick), "tick", "end"))
    if x is not None:
        parts += [
            _text(x.at(tick), HEIGHT - _BOTTOM + 18, number(tick), "tick", "middle")
            for tick in x.ticks()
            if tick == int(tick)
        ]
    middle = (_TOP + HEIGHT - _BOTTOM) / 2
    parts.append(_text((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 10, curve.x_label, "label", "middle"))
    parts.append(
        f'<text class="label" text-anchor="middle" transform="translate(14 {middle:.0f}) '
        f'rotate(-90)">{escape(clean(curve.y_label))}</text>'
    )
    return parts


def _end_label(at: int, name: str, y: float, taken: list[float]) -> str:
    """The name of a line at its end, moved down where another name stands."""
    while any(abs(y - other) < 14 for other in taken):  # noqa: PLR2004 - height of a line of text
        y += 14
    taken.append(y)
    return _text(WIDTH - _RIGHT + 8, y + 4, _short(name), f"name s{at % _SERIES}")


def _bars(curve: Curve) -> list[str]:
    every = [v for _, values in curve.series for v in values]
    ends = [v for v in curve.expected or () if v is not None]
    y = scale([0.0, *every, *ends], HEIGHT - _BOTTOM, _TOP)
    parts = [*_expected(curve, y), *_frame(curve, None, y)]
    groups = max((len(values) for _, values in curve.series), default=0)
    step = (WIDTH - _LEFT - _RIGHT) / max(groups, 1)
    bar = step * 0.8 / max(len(curve.series), 1)
    named = max(1, math.ceil(groups / 12))
    for group in range(groups):
        for at, (_, values) in enumerate(curve.series):
            if group < len(values) and y.shows(values[group]):
                top, base = sorted((y.at(values[group]), y.at(0.0)))
                left = _LEFT + step * (group + 0.1) + bar * at
                parts.append(
                    f'<rect class="bar s{at % _SERIES}" x="{left:.1f}" y="{top:.1f}" '
                    f'width="{bar:.1f}" height="{base - top:.1f}"/>'
                )
        if group % named == 0:
            middle = _LEFT + step * (group + 0.5)
            said = _short(_category(curve, group), max(3, int(step * named / 7)))
            parts.append(_text(middle, HEIGHT - _BOTTOM + 18, said, "tick", "middle"))
    taken: list[float] = []
    for at, (name, _) in enumerate(curve.series):
        y_at = _TOP + 14 + 16 * at
        swatch = f'<rect class="bar s{at % _SERIES}" x="{WIDTH - _RIGHT + 8}" y="{y_at - 9}" '
        parts.append(f'{swatch}width="10" height="10"/>')
        parts.append(_text(WIDTH - _RIGHT + 24, y_at, _short(name, 16), "name"))
        taken.append(y_at)
    return parts


def _grid(curve: Curve) -> list[str]:
    """A table of shares by row, darker where more: a confusion matrix."""
    columns = max((len(values) for _, values in curve.series), default=0) or 1
    rows = max(len(curve.series), 1)
    wide = (WIDTH - _LEFT - _RIGHT) / columns
    high = (HEIGHT - _TOP - _BOTTOM) / rows
    parts = []
    for row, (name, values) in enumerate(curve.series):
        total = sum(v for v in values if math.isfinite(v)) or 1.0
        y = _TOP + row * high
        parts.append(_text(_LEFT - 8, y + high / 2 + 4, _short(name, 8), "tick", "end"))
        for column, value in enumerate(values):
            x = _LEFT + column * wide
            share = value / total if math.isfinite(value) else 0.0
            parts.append(
                f'<rect class="cell" x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" '
                f'height="{high:.1f}" fill-opacity="{0.06 + 0.74 * max(0.0, share):.2f}"/>'
            )
            if min(wide / 8, high / 1.2) > 3:  # noqa: PLR2004 - room for a number
                parts.append(
                    _text(x + wide / 2, y + high / 2 + 4, number(value), "in-cell", "middle")
                )
    for column in range(columns):
        said = _short(_category(curve, column), max(2, int(wide / 7)))
        x = _LEFT + (column + 0.5) * wide
        parts.append(_text(x, HEIGHT - _BOTTOM + 18, said, "tick", "middle"))
    parts += _frame(curve, None, Scale(0, 1, HEIGHT, HEIGHT))[-2:]
    return parts


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    shown = escape(clean(text))
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{shown}</text>'


def _short(text: str, length: int = 18) -> str:
    """A name that fits beside the plot; the table below has it in full."""
    text = clean(text)
    return text if len(text) <= length else text[: length - 1] + "…"
