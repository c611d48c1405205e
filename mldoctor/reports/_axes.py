"""Where the values of a curve stand in its plot: the ends of the axis, its labels, which are drawn."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mldoctor.findings import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mldoctor.findings import Curve

MOST_POWERS = 6
"""Powers of ten that are written at an axis."""


def ends(curve: Curve) -> tuple[float, float]:
    """The part of the value axis that shows all values: from zero, or whole decades."""
    every = [shaped(curve, value) for _, values in curve.series for value in values]
    shown = [value for value in every if value is not None]
    low, high = min(shown), max(shown)
    # The border of the expected range is shown where it does not dwarf the values.
    room = max(high - low, 1.0 if curve.logarithmic else high, -low)
    limits = [
        limit for limit in (shaped(curve, end) for end in borders(curve)) if limit is not None
    ]
    near = [limit for limit in limits if low - room <= limit <= high + room]
    low, high = min([low, *near]), max([high, *near])
    if curve.logarithmic:
        return math.floor(low), max(math.ceil(high), math.floor(low) + 1)
    low, high = min(0.0, low), max(0.0, high)
    return low, high if high > low else low + 1.0


def borders(curve: Curve) -> list[float]:
    """The ends of the expected range that are not open."""
    return [end for end in curve.expected or () if end is not None]


def powers(which: str, curve: Curve, low: float, high: float) -> dict[str, Any]:
    """Labels of a value axis: powers of ten where it is logarithmic, else pygal's own."""
    if not curve.logarithmic:
        return {}
    every = max(1, math.ceil((high - low) / MOST_POWERS))
    written = range(int(low), int(high) + 1, every)
    return {f"{which}_labels": [{"value": p, "label": number(10.0**p)} for p in written]}


def shaped(curve: Curve, value: float) -> float | None:
    """Where a value stands on its axis; None where it cannot."""
    if not math.isfinite(value) or (curve.logarithmic and value <= 0):
        return None
    return math.log10(value) if curve.logarithmic else value


def band(curve: Curve, low: float, high: float) -> tuple[float, float]:
    """The expected range on the value axis, open ends at the borders of the plot."""
    start, end = curve.expected or (None, None)
    bottom = low if start is None else shaped(curve, start)
    top = high if end is None else shaped(curve, end)
    bottom, top = (low if bottom is None else bottom), (high if top is None else top)
    return min(max(low, bottom), high), min(max(low, top), high)


def rectangle(left: float, bottom: float, right: float, top: float) -> list[tuple[float, float]]:
    """The corners of a filled range, back to the first."""
    return [(left, bottom), (left, top), (right, top), (right, bottom), (left, bottom)]


def thinned(values: Sequence[float], most: int) -> list[tuple[int, float]]:
    """Positions from 1 and values; of many, the lowest and highest of each stretch."""
    every = math.ceil(len(values) / (most // 2))
    points = list(enumerate(values, start=1))
    if len(values) <= most:
        return points
    kept: list[tuple[int, float]] = []
    for start in range(0, len(points), every):
        stretch = points[start : start + every]
        finite = [point for point in stretch if math.isfinite(point[1])]
        if len(finite) < len(stretch):
            kept.append(next(p for p in stretch if not math.isfinite(p[1])))
        if finite:
            kept += {min(finite, key=lambda p: p[1]), max(finite, key=lambda p: p[1])}
    return sorted(kept)


def lonely(values: Sequence[float | None]) -> bool:
    """Whether a value stands between gaps, where a line would not show it."""
    padded = [None, *values, None]
    return any(
        here is not None and before is None and after is None
        for before, here, after in zip(padded, padded[1:], padded[2:], strict=False)
    )
