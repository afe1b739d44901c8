"""The chart of a target: lines over numbers of labels, or dots in rows where there is one number.

Lines are labelled at their ends. What was measured with one number of labels alone is a point.
"""

import math
from dataclasses import dataclass, field

from fourlenses.plotting.spacing import spaced
from fourlenses.report.charts.scale import Axis, axis_through
from fourlenses.report.charts.series import Point, Series
from fourlenses.study import names

WIDTH, HEIGHT = 640, 340
LEFT, RIGHT, TOP, BOTTOM = 46, 224, 14, 44
BEND, KEY, TEXT = 14, 20, 28  # units from the lines' panel to the end of a leader, marker and text
ROW, ROWS_LEFT, ROWS_RIGHT = 21, 296, 54  # of a chart of dots
LABEL_GAP = 14
MOST_LETTERS = {"lines": 34, "dots": 42}
DODGE, MOST_DODGE = 5, 40  # units between points of the same number of labels, and of all of them


@dataclass(kw_only=True)
class Mark:
    """A measured value of a drawing, in its units, with the words that a pointer shows."""

    x: float
    y: float
    low: float
    high: float
    words: str


@dataclass(kw_only=True)
class Drawn:
    """A series of a drawing.

    Args:
        series: whose marks these are.
        marks: in the order of its points.
        line: points of a polyline; empty for one mark.
        band: points of a polygon round it.
        label: at its end, shortened.
        label_y: where.
        leader: points of a thin line from the end of the line to its label; it is level inside the
            panel and bends outside of it.
    """

    series: Series
    marks: list[Mark]
    line: str = ""
    band: str = ""
    label: str = ""
    label_y: float = 0.0
    leader: str = ""


@dataclass(kw_only=True)
class Chart:
    """A drawing.

    Args:
        kind: lines or dots.
        height: units; all are `WIDTH` wide.
        values: the axis of accuracies, percent.
        labels: of the other axis: where, and what stands there.
        chance: where the accuracy of guessing is; None where it is not known or beyond the axis.
        words: all of it, for who cannot see it.
    """

    kind: str
    height: float
    values: Axis
    drawn: list[Drawn]
    words: str
    labels: list[tuple[float, str]] = field(default_factory=list)
    chance: float | None = None


def chart(target: str, series: list[Series], chance: float | None) -> Chart | None:
    """Return the chart of a target; None where nothing was measured.

    Args:
        target: its name for readers.
        series: as from `series_of`.
        chance: percent.
    """
    if not series:
        return None
    if max(len(one.points) for one in series) > 1:
        return _lines(target, series, chance)
    return _dots(target, series, chance)


def _lines(target: str, series: list[Series], chance: float | None) -> Chart:
    values = _axis(series, chance, (HEIGHT - BOTTOM, TOP))
    sizes = sorted({point.labels for one in series for point in one.points})
    places = {size: _on_log_axis(size, sizes) for size in sizes}
    single = [one for one in series if len(one.points) == 1]
    drawn = []
    for one in series:
        aside = 0.0
        if one in single:
            gap = min(DODGE, MOST_DODGE / len(single))
            aside = gap * (single.index(one) - (len(single) - 1) / 2)
        marks = [
            Mark(
                x=round(places[point.labels] + aside, 1),
                y=values.at(point.top1),
                low=values.at(point.low),
                high=values.at(point.high),
                words=_words(one, point),
            )
            for point in one.points
        ]
        drawn.append(Drawn(series=one, marks=marks))
        if len(marks) > 1:
            drawn[-1].line = " ".join(f"{mark.x},{mark.y}" for mark in marks)
            ends = [(mark.x, mark.low) for mark in marks]
            ends += [(mark.x, mark.high) for mark in reversed(marks)]
            drawn[-1].band = " ".join(f"{x},{y}" for x, y in ends)
            drawn[-1].label = shortened(one.label, MOST_LETTERS["lines"])
    _place_labels([one for one in drawn if one.line])
    axis = [(places[size], names.count(size)) for size in _apart(sizes, places)]
    return Chart(
        kind="lines",
        height=HEIGHT,
        values=values,
        drawn=drawn,
        words=_in_words(target, series),
        labels=axis,
        chance=_chance(chance, values),
    )


def _dots(target: str, series: list[Series], chance: float | None) -> Chart:
    ranked = sorted(series, key=lambda one: -one.points[0].top1)
    height = TOP + ROW * len(ranked) + BOTTOM
    values = _axis(series, chance, (ROWS_LEFT, WIDTH - ROWS_RIGHT))
    drawn = []
    for place, one in enumerate(ranked):
        point = one.points[0]
        mark = Mark(
            x=values.at(point.top1),
            y=TOP + ROW * (place + 0.5),
            low=values.at(point.low),
            high=values.at(point.high),
            words=_words(one, point),
        )
        label = shortened(one.label, MOST_LETTERS["dots"])
        drawn.append(Drawn(series=one, marks=[mark], label=label, label_y=mark.y))
    return Chart(
        kind="dots",
        height=height,
        values=values,
        drawn=drawn,
        words=_in_words(target, ranked),
        chance=_chance(chance, values),
    )


def _axis(series: list[Series], chance: float | None, ends: tuple[float, float]) -> Axis:
    """Of accuracies; from 0 or chance where that is near."""
    values = [end for one in series for point in one.points for end in (point.low, point.high)]
    low, high = min(values), max(values)
    if low < (high - low) / 2:
        values.append(0.0)
    elif chance is not None and low - chance < (high - low) / 3:
        values.append(chance)
    return axis_through(values, *ends)


def _on_log_axis(size: int, sizes: list[int]) -> float:
    low, high = math.log(max(sizes[0], 1)), math.log(max(sizes[-1], 1))
    share = (math.log(max(size, 1)) - low) / (high - low) if high > low else 0.5
    return round(LEFT + 24 + share * (WIDTH - LEFT - RIGHT - 44), 1)


def _apart(sizes: list[int], places: dict[int, float]) -> list[int]:
    """Those whose numbers do not touch, the largest always."""
    kept: list[int] = []
    for size in reversed(sizes):
        if not kept or places[kept[-1]] - places[size] > 34:
            kept.append(size)
    return kept[::-1]


def _place_labels(lines: list[Drawn]) -> None:
    """Place the labels at the right of the panel, with the leaders to them."""
    lines = sorted(lines, key=lambda one: one.marks[-1].y)
    ends = [one.marks[-1].y for one in lines]
    places = spaced(ends, [LABEL_GAP] * len(ends), low=TOP - 3, high=HEIGHT - BOTTOM + 7)
    edge = WIDTH - RIGHT
    for one, place in zip(lines, places, strict=True):
        end = one.marks[-1]
        one.label_y = round(place, 1)
        corners = [(round(end.x + 6, 1), end.y), (edge, end.y), (edge + BEND, one.label_y)]
        one.leader = " ".join(f"{x},{y}" for x, y in corners)


def _chance(chance: float | None, values: Axis) -> float | None:
    known = chance is not None and values.low <= chance <= values.high
    return values.at(chance) if known and chance is not None else None


def shortened(text: str, most: int) -> str:
    """Return a text of at most that many letters, the last one … where some are left out."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _words(series: Series, point: Point) -> str:
    seeds = f"{point.seeds} seed{'' if point.seeds == 1 else 's'}"
    return (
        f"{series.label}: {point.top1:.1f} % ({point.low:.1f} to {point.high:.1f}) "
        f"with {point.labels:,} labels, {seeds}; {point.run}"
    )


def _in_words(target: str, series: list[Series]) -> str:
    """Every number of a chart as text."""
    parts = []
    for one in series:
        numbers = ", ".join(f"{point.top1:.1f}" for point in one.points)
        labels = ", ".join(f"{point.labels:,}" for point in one.points)
        parts.append(f"{one.label}: {numbers} % with {labels} labels")
    return f"Top-1 accuracy on {target}. {'; '.join(parts)}."
