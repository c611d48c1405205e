"""Axes of plots: which part of the numbers is shown, where they stand, and which are written."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_TICKS = 5
_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Scale:
    """One axis: values from `low` to `high` stand from `start` to `end` in the picture."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Where a value stands; what lies outside stands at the edge."""
        low, high, value = (self._shape(v) for v in (self.low, self.high, value))
        share = (value - low) / (high - low)
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)

    def shows(self, value: float) -> bool:
        """Whether a value can stand on this axis at all."""
        return math.isfinite(value) and (value > 0 or not self.logarithmic)

    def ticks(self) -> list[float]:
        """The round values to write at the axis."""
        if self.logarithmic:
            low, high = (round(math.log10(v)) for v in (self.low, self.high))
            every = max(1, math.ceil((high - low) / _TICKS))
            return [10.0**power for power in range(low, high + 1, every)]
        step = _round_step((self.high - self.low) / _TICKS)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(at * step, 12) for at in range(first, last + 1)]

    def _shape(self, value: float) -> float:
        return math.log10(max(value, 1e-300)) if self.logarithmic else value


def scale(values: Iterable[float], start: float, end: float, *, logarithmic: bool = False) -> Scale:
    """The axis that shows all finite values, with round ends."""
    shown = [v for v in values if math.isfinite(v) and (v > 0 or not logarithmic)]
    if not shown:
        return Scale(0.1 if logarithmic else 0.0, 1.0, start, end, logarithmic)
    low, high = min(shown), max(shown)
    if logarithmic:
        bottom, top = math.floor(math.log10(low)), math.ceil(math.log10(high))
        return Scale(10.0**bottom, 10.0 ** max(top, bottom + 1), start, end, logarithmic)
    if low == high:
        room = abs(low) * 0.1 or 1.0
        low, high = low - room, high + room
    step = _round_step((high - low) / _TICKS)
    return Scale(math.floor(low / step) * step, math.ceil(high / step) * step, start, end)


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in _STEPS if step * power >= rough * (1 - 1e-9))
