"""Plots by pygal: lines, a row for each layer, bars."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.findings import number
from mldoctor.reports._axes import band, borders, ends, lonely, powers, rectangle, shaped, thinned
from mldoctor.reports._paint import clean
from mldoctor.reports._svg import COLOURS, inline, safe

if TYPE_CHECKING:
    from mldoctor.findings import Curve

WIDTH, HEIGHT = 820, 310
POINTS = 600
"""Most points of one line: more than a screen can show would only make the page heavy."""
ROWS = 200
"""Most rows of the table below a plot."""
LEVELS = 60
"""Most rows of a plot that has a row for each layer."""
_LONGEST = 46
"""Characters of a name beside a plot; the table below has it in full."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawn curve.

    Attributes:
        svg: the drawing, with its title and a description in words; empty without finite values.
        key: what each line or bar is called, with the class of the style sheet that draws it.
    """

    svg: str
    key: tuple[tuple[str, str], ...]


def plot(curve: Curve, place: int = 0) -> Plot:
    """Draw lines, a row for each category, or bars.

    Args:
        curve: what to draw, of any kind but "grid", which is a table.
        place: its number on the page, which keeps its title apart from the others.
    """
    if not any(shaped(curve, value) is not None for _, vs in curve.series for value in vs):
        return Plot("", ())
    draw = _bars if curve.kind == "bars" else _levels if curve.categories else _lines
    chart, key = draw(curve), _named(curve)
    if curve.expected is not None:
        key.append(("expected", f"expected {_range(curve.expected)}"))
    words = "; ".join(name for _, name in key)
    title = f"{curve.title} {curve.y_label} over {curve.x_label}"
    return Plot(inline(chart.render_tree(), len(curve.series), place, title, words), tuple(key))


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


def _lines(curve: Curve) -> Any:
    """Values over their position; a line breaks where a value is not finite."""
    pygal = _library()

    low, high = ends(curve)
    longest = max([2, *(len(values) for _, values in curve.series)])
    chart = pygal.XY(
        **_look(HEIGHT, number),
        **powers("y", curve, low, high),
        range=(low, high),
        xrange=(1, longest),
        x_labels=list(range(1, longest + 1)) if longest <= COLOURS else None,
        x_title=safe(curve.x_label),
        y_title=safe(curve.y_label),
    )
    for name, values in curve.series:
        points = [(at, shaped(curve, value)) for at, value in thinned(values, POINTS)]
        chart.add(safe(name), points, show_dots=lonely([y for _, y in points]))
    if curve.expected is not None:
        bottom, top = band(curve, low, high)
        chart.add("", rectangle(1, bottom, longest, top), fill=True)
    return chart


def _levels(curve: Curve) -> Any:
    """A row for each category, from the top: layers in their order."""
    pygal = _library()

    low, high = ends(curve)
    # One line decides which of too many rows are drawn: its extremes stay.
    longest = max((values for _, values in curve.series), key=len)
    shown = [at - 1 for at, _ in thinned(longest, LEVELS)]
    first, last = 0.5, 0.5 - len(shown)
    chart = pygal.XY(
        **_look(90 + 22 * len(shown), number),
        **powers("x", curve, low, high),
        xrange=(low, high),
        range=(last, first),
        y_labels=[
            {"value": -row, "label": safe(_ending(_category(curve, at)))}
            for row, at in enumerate(shown)
        ]
        or None,
        x_title=safe(curve.y_label),
    )
    for name, values in curve.series:
        points = [
            (shaped(curve, values[at]) if at < len(values) else None, -row)
            for row, at in enumerate(shown)
        ]
        chart.add(safe(name), [point for point in points if point[0] is not None], show_dots=True)
    if curve.expected is not None:
        left, right = band(curve, low, high)
        chart.add("", rectangle(left, last, right, first), fill=True)
    return chart


def _bars(curve: Curve) -> Any:
    """Groups of bars with their values, from the top; a line where the expected range begins."""
    pygal = _library()
    from pygal.util import compute_scale

    groups = max((len(values) for _, values in curve.series), default=0)
    low, high = ends(curve)
    limits = [limit for limit in borders(curve) if low <= limit <= high]
    ticks = [
        tick
        for tick in compute_scale(
            low, high, logarithmic=False, order_min=None, min_scale=3, max_scale=7
        )
        if all(abs(tick - limit) > (high - low) / 12 for limit in limits)
    ]
    chart = pygal.HorizontalBar(
        **_look(90 + groups * (14 + 18 * len(curve.series)), number),
        range=(low, high),
        y_labels=sorted([*ticks, *limits]),
        y_labels_major=limits or [high + 1],  # drawn as the border of the expected range
        print_values=True,
        print_values_position="top",
        x_labels=[safe(_ending(_category(curve, at))) for at in reversed(range(groups))],
        x_title=safe(curve.y_label),
        y_title=safe(curve.x_label),
    )
    for name, values in curve.series:
        padded = [*values, *[math.nan] * (groups - len(values))]
        chart.add(safe(name), [v if math.isfinite(v) else None for v in reversed(padded)])
    return chart


def _look(height: int, shown: Any) -> dict[str, Any]:
    """What all drawings share; sizes are told to pygal so that it leaves room for the words."""
    from pygal.style import Style

    return {
        "js": (),
        "no_prefix": True,
        "show_legend": False,
        "show_dots": False,
        "allow_interruptions": True,
        "width": WIDTH,
        "height": height,
        "margin": 12,
        "dots_size": 4,
        "min_scale": 3,
        "max_scale": 7,
        "value_formatter": shown,
        "x_value_formatter": shown,
        "style": Style(
            label_font_size=12, major_label_font_size=12, title_font_size=12, value_font_size=12
        ),
    }


def _named(curve: Curve) -> list[tuple[str, str]]:
    """The key: names, and for lines where they begin and end."""
    key = []
    for at, (name, values) in enumerate(curve.series):
        finite = [value for value in values if math.isfinite(value)]
        over_time = curve.kind == "line" and not curve.categories and len(finite) > 1
        told = f": {number(finite[0])} to {number(finite[-1])}" if over_time else ""
        key.append((f"s{at % COLOURS}", name + told))
    return key


def _range(expected: tuple[float | None, float | None]) -> str:
    low, high = expected
    if low is None:
        return "anything" if high is None else f"up to {number(high)}"
    return f"from {number(low)}" if high is None else f"{number(low)} to {number(high)}"


def _category(curve: Curve, at: int) -> str:
    return curve.categories[at] if at < len(curve.categories) else number(at + 1)


def _ending(name: str) -> str:
    """A name that fits beside the plot: of a long one its end, where layers differ."""
    name = clean(name)
    return name if len(name) <= _LONGEST else f"…{name[1 - _LONGEST :]}"


def _library() -> Any:
    """pygal, without the finder that its import puts among those of Python.

    It only serves pygal's own plug-ins, in a form that others who walk `sys.meta_path` do not expect.
    """
    import pygal

    sys.meta_path[:] = [f for f in sys.meta_path if not isinstance(f, pygal.PluginImportFixer)]
    return pygal
