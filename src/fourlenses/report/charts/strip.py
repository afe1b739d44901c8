"""Comparisons as dots on an axis of points, one axis for all rows of a page."""

from collections.abc import Sequence
from dataclasses import dataclass

from fourlenses.report.charts.scale import Axis, axis_through

WIDTH = 230
MARGIN = 14
LANE, RADIUS = 8, 3.6
MOST_INTERVALS = 4  # more than that in one row cover each other
AXIS_HEIGHT = 18


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A difference in points.

    Args:
        estimate: points, above 0 in favour of the option that its row names.
        low: end of its 95 % interval.
        high: likewise.
        tone: class of its colour: yes, no, level or open.
        words: what a pointer shows.
        reason: why it is open; empty where it is not.
    """

    estimate: float
    low: float
    high: float
    tone: str
    words: str
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Dot:
    """A comparison of a drawing, in its units; low and high are None without an interval."""

    x: float
    y: float
    low: float | None
    high: float | None
    tone: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Strip:
    """A row of dots, `WIDTH` wide.

    Args:
        dots: the comparisons.
        height: units, without the axis.
        words: all of it, for who cannot see it.
    """

    dots: list[Dot]
    height: float
    words: str


def common_axis(rows: Sequence[Sequence[Comparison]]) -> Axis | None:
    """Return an axis with 0 that holds every row; None where there is no comparison."""
    ends = [0.0]
    for row in rows:
        for one in row:
            ends += [one.estimate, *((one.low, one.high) if len(row) <= MOST_INTERVALS else ())]
    if len(ends) == 1:
        return None
    return axis_through(ends, MARGIN, WIDTH - MARGIN, most=5)


def strip(row: Sequence[Comparison], axis: Axis) -> Strip:
    """Return a row of dots; those that would cover each other are one above the other."""
    lanes: list[float] = []  # where the last dot of each lane is
    placed = []
    for one in sorted(row, key=lambda comparison: comparison.estimate):
        x = axis.at(one.estimate)
        gap = 2 * RADIUS + 1 if len(row) > MOST_INTERVALS else WIDTH
        lane = next((i for i, last in enumerate(lanes) if x - last >= gap), len(lanes))
        lanes[lane:] = [x, *lanes[lane + 1 :]]
        placed.append((one, x, lane))
    height = LANE * max(len(lanes), 1) + 6
    with_intervals = len(row) <= MOST_INTERVALS
    dots = [
        Dot(
            x=x,
            y=height - 7 - LANE * lane,
            low=axis.at(one.low) if with_intervals else None,
            high=axis.at(one.high) if with_intervals else None,
            tone=one.tone,
            words=one.words,
        )
        for one, x, lane in placed
    ]
    words = "; ".join(one.words for one in row)
    return Strip(dots=dots, height=height, words=words)
