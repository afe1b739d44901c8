"""Axes: ticks at round numbers, and where a value is in the units of a drawing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

STEPS = (1, 2, 5, 10)  # of ticks, times a power of ten


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A linear axis.

    Args:
        low: value at ``start``.
        high: value at ``end``.
        start: in the units of the drawing.
        end: likewise; below ``start`` on an axis that points up.
        ticks: values with a mark.
    """

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Return where a value is, to a tenth of a unit."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)


def axis_through(values: Sequence[float], start: float, end: float, *, most: int = 6) -> Axis:
    """Return an axis from one tick to another that holds all of some finite values.

    Args:
        values: at least one.
        start: of the axis, in the units of the drawing.
        end: of the axis.
        most: ticks.
    """
    low, high = min(values), max(values)
    if high == low:
        low, high = low - 0.5, high + 0.5
    step = tick_step(high - low, most - 1)
    first, last = math.floor(low / step), math.ceil(high / step)
    ticks = tuple(round(place * step, 6) + 0.0 for place in range(first, last + 1))
    return Axis(low=ticks[0], high=ticks[-1], start=start, end=end, ticks=ticks)


def tick_step(span: float, most: int) -> float:
    """Return the least of 1, 2, 5 times a power of ten that parts a span at most so often."""
    power = 10.0 ** math.floor(math.log10(span / most))
    return next(step * power for step in STEPS if span <= most * step * power * (1 + 1e-9))
