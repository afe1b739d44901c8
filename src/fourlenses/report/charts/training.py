"""How trainings went: one drawing for each entry of `methods`, dataset and measure.

Lines are means of the seeds over the steps that all of them have, bands go from the least to the
most. A line ends where a value is not finite.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fourlenses.plotting.spacing import spaced
from fourlenses.report.charts.curves import shortened
from fourlenses.report.charts.scale import Axis, axis_through, tick_step
from fourlenses.report.records.history import Curve
from fourlenses.study import methods, names
from fourlenses.study.encoders import entry_of, split_start
from fourlenses.study.vocabulary import RANDOM_INIT

WIDTH, HEIGHT = 350, 190
LEFT, RIGHT, TOP, BOTTOM = 40, 126, 12, 36
LABEL_GAP = 13
MOST_LETTERS = 22
MOST_POINTS = 60  # of a line: more than that are within a unit of each other
SHADES = 4
MEASURES = {"loss": "loss", "knn_top1": "kNN on training images, %"}


@dataclass(frozen=True, kw_only=True)
class Line:
    """The trainings of one source.

    Args:
        label: what sets the source apart from the others of the drawing.
        shade: of the colour, 0 the darkest, for the most images.
        points: of a polyline.
        band: of a polygon round it; empty for one seed.
        label_y: where its label is.
        words: what a pointer shows.
    """

    label: str
    shade: int
    points: str
    band: str
    label_y: float
    words: str


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """The lines of one measure.

    Args:
        title: entry and dataset.
        measure: of `MEASURES`.
        steps: axis to the right.
        values: axis upwards.
        lines: the longest last.
        words: all of it, for who cannot see it.
    """

    title: str
    measure: str
    steps: Axis
    values: Axis
    lines: list[Line]
    words: str


def drawings(runs: Sequence[tuple[str, dict[str, Curve]]]) -> list[Drawing]:
    """Return the drawings of a study, by entry, then dataset.

    Args:
        runs: `<method>/<source>/seed<k>` of each, with its history.
    """
    groups: dict[tuple[str, str], dict[tuple[str, str], list[dict[str, Curve]]]] = {}
    for name, history in runs:
        method, source = name.split("/")[:2]
        if method != RANDOM_INIT and methods.known(method) and history["loss"]:
            group = groups.setdefault((entry_of(method), _first_dataset(source)), {})
            group.setdefault((method, source), []).append(history)
    return [
        drawing
        for entry, dataset in sorted(groups, key=lambda key: (methods.rank(key[0]), key[1]))
        for drawing in _of_group(entry, dataset, groups[entry, dataset])
    ]


def _of_group(
    entry: str, dataset: str, sources: dict[tuple[str, str], list[dict[str, Curve]]]
) -> Iterator[Drawing]:
    title = f"{methods.label(entry)} on {names.dataset(dataset)}"
    ordered = sorted(sources, key=lambda key: (key[0], -_images(key[1]), key[1]))
    for measure, described in MEASURES.items():
        # a list: labels are rounded, and those of two sources may be one
        curves = [
            (_label(method, source, entry), curve)
            for method, source in ordered
            if (curve := _of_seeds([history[measure] for history in sources[method, source]]))
        ]
        if curves:
            yield _drawing(title, described, curves)


Ends = dict[int, tuple[float, float, float, int]]  # step -> mean, least, most, seeds


def _of_seeds(seeds: Sequence[Curve]) -> Ends:
    """Mean, least and most over seeds, up to the first value that is not finite."""
    curve: Ends = {}
    for step in sorted(set.intersection(*map(set, seeds))):
        values = [seed[step] for seed in seeds]
        if not all(map(math.isfinite, values)):
            break
        curve[step] = sum(values) / len(values), min(values), max(values), len(values)
    return curve


def _drawing(title: str, measure: str, curves: list[tuple[str, Ends]]) -> Drawing:
    steps = _steps(max(max(curve) for _, curve in curves))
    every = [end for _, curve in curves for point in curve.values() for end in point[1:3]]
    values = axis_through(every, HEIGHT - BOTTOM, TOP, most=5)
    ends = [values.at(curve[max(curve)][0]) for _, curve in curves]
    by_end = sorted(range(len(ends)), key=lambda index: ends[index])
    places = spaced(
        [ends[index] for index in by_end],
        [LABEL_GAP] * len(by_end),
        low=TOP - 6,
        high=HEIGHT - BOTTOM + 6,
    )
    place_of = dict(zip(by_end, places, strict=True))
    lines = [
        _line(
            label, curve, shade=min(index, SHADES - 1), axes=(steps, values), place=place_of[index]
        )
        for index, (label, curve) in enumerate(curves)
    ]
    words = "; ".join(line.words for line in lines)
    return Drawing(
        title=title,
        measure=measure,
        steps=steps,
        values=values,
        lines=lines,
        words=f"{title}: {measure} over training steps. {words}.",
    )


def _steps(last: int) -> Axis:
    """From 0 to the last step, with ticks at round numbers up to there."""
    last = max(last, 1)  # of a history without steps, rows are counted from 0
    step = tick_step(last, 4)
    ticks = tuple(place * step for place in range(math.floor(last / step) + 1))
    return Axis(low=0, high=last, start=LEFT, end=WIDTH - RIGHT, ticks=ticks)


def _line(label: str, curve: Ends, *, shade: int, axes: tuple[Axis, Axis], place: float) -> Line:
    steps, values = axes
    kept = _thinned(sorted(curve))
    first, last = curve[kept[0]], curve[kept[-1]]
    band = ""
    if last[3] > 1:
        least = [f"{steps.at(step)},{values.at(curve[step][1])}" for step in kept]
        most = [f"{steps.at(step)},{values.at(curve[step][2])}" for step in reversed(kept)]
        band = " ".join(least + most)
    seeds = f"{last[3]} seed{'' if last[3] == 1 else 's'}"
    return Line(
        label=shortened(label, MOST_LETTERS),
        shade=shade,
        points=" ".join(f"{steps.at(step)},{values.at(curve[step][0])}" for step in kept),
        band=band,
        label_y=round(place, 1),
        words=f"{label}: {first[0]:.3g} to {last[0]:.3g} at step {kept[-1]:,}, {seeds}",
    )


def _thinned(steps: list[int]) -> list[int]:
    """At most `MOST_POINTS`, the first and the last among them."""
    if len(steps) <= MOST_POINTS:
        return steps
    stride = (len(steps) - 1) / (MOST_POINTS - 1)
    return [steps[round(place * stride)] for place in range(MOST_POINTS)]


def _images(source: str) -> float:
    """Images of all parts of a source; all of a dataset are more than any number."""
    return sum(math.inf if size is None else size for _, size in names.source_parts(source))


def _first_dataset(source: str) -> str:
    return names.source_parts(source)[0][0]


def _label(method: str, source: str, entry: str) -> str:
    """What sets a source apart from others of its dataset: `4k, JPEG 10`, `2k + EuroSAT 2k`."""
    base, start = split_start(source)
    (_, size), *others = names.source_parts(base)
    parts = [names.count(size) if size is not None else "all"]
    parts += [
        names.dataset(name) + ("" if number is None else f" {names.count(number)}")
        for name, number in others
    ]
    label = " + ".join(parts)
    if "@" in base:
        label += f", {names.corruption(base.rpartition('@')[2])}"
    if start:
        label += f", from {start}"
    if method != entry:
        label += f", {methods.DERIVED[method.removeprefix(f'{entry}_')]}"
    return label
