"""Task granularity (the paper's Figure 5): accuracy from coarse labels to fine.

Classifiers are trained once on the finest labels; the evaluation coarsens predictions and labels,
so a level is a way of counting, not another training. One panel per target, as wide as its levels
ask for: above, top-1 per level of contrastive, supervised and random-init encoders, and chance;
below, contrastive minus supervised with its 95 % interval, grey where the contrastive encoder is
not trained enough to tell. A level is labelled with its number of labels. Hollow markers are
published numbers on the same dataset, level and protocol. Levels go from coarse to fine
(`table.levels_in_order`).

Of each method one encoder is shown: clean pretraining on the target's dataset if there is any, the
most pretraining images, the most labelled images. For supervised it is the better, at the finest
level, of training end to end on the labels and of a linear classifier on the features of a
supervised encoder that was given no more labels.
"""

import textwrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fourlenses.analysis import bands, published_comparison, table
from fourlenses.analysis.contrasts import Evidence
from fourlenses.core.errors import UserError
from fourlenses.findings import selection
from fourlenses.findings.comparison import UNTRAINED, above_floor, trained_enough
from fourlenses.plotting import (
    chance,
    colours,
    ends,
    footer,
    panels,
    published_markers,
    style,
    ticks,
)
from fourlenses.study import methods, names
from fourlenses.study.vocabulary import EXTERNAL

NAME = "granularity"
KEYS = ["target", "method", "source", "pretrain_images", "labelled_images", "protocol", "level"]
# of supervised encoders, in the legend; trained ones are called by their protocol
LEVEL, LEAST_PANEL = 0.125, 0.72  # inches: of a level whose name is upright, and of a panel
MARGIN, BETWEEN = 1.5, 0.2  # inches for the labels at both sides of a row, and between panels
HOW = {"linear": "linear", "linear_augmented": "linear"}
NO_ENCODER = (
    "has no linear or scratch evaluation of clean pretraining for the lens granularity; add one "
    "to the study"
)


def numbers_drawn(evidence: Evidence, trained_margin: float = 5.0) -> pd.DataFrame:
    """Return one row per point; a contrastive row also has its `gap`, contrastive minus supervised,
    with the gap's interval, in points.

    Args:
        evidence: the study's table.
        trained_margin: points above the random encoder at the finest level, for an encoder to say
            anything; `trained` says whether it is.
    """
    metrics = evidence.metrics
    rows = table.rows_for(metrics, NAME)
    encoders = rows_shown(metrics)
    numbers = bands.over_seeds(encoders, KEYS, evidence)
    positions = {
        (target, level): position
        for target, group in rows.groupby("target")
        for position, level in enumerate(table.levels_in_order(group))
    }
    levels = zip(numbers["target"], numbers["level"], strict=True)
    numbers["place"] = [positions[level] for level in levels]
    numbers["_method"] = numbers["method"].map(methods.rank)
    numbers = numbers.sort_values(["target", "_method", "place"], ignore_index=True)
    numbers = numbers.drop(columns="_method")
    gaps = [_gap(encoders, row, evidence) for row in numbers.itertuples()]
    bounds = ["gap", "gap_low", "gap_high"]
    numbers = numbers.join(pd.DataFrame(gaps, numbers.index, columns=bounds, dtype=float))
    numbers["chance"] = chance.top1_by_chance(numbers, rows, ["target", "level"])
    numbers["labels"] = _labels_of_levels(numbers, rows)
    numbers["trained"] = _trained(numbers, encoders, evidence, margin=trained_margin)
    return _with_published(numbers, metrics)


def _labels_of_levels(numbers: pd.DataFrame, rows: pd.DataFrame) -> list[float]:
    """Return how many labels the level of each row has; nan where the table does not say."""
    counts = pd.to_numeric(rows["n_classes"], errors="coerce")
    known = counts.groupby([rows["target"], rows["level"]]).max().to_dict()
    return [known[key] for key in zip(numbers["target"], numbers["level"], strict=True)]


def _trained(
    numbers: pd.DataFrame, encoders: pd.DataFrame, evidence: Evidence, *, margin: float
) -> list[bool]:
    """Return whether the encoder of each row is above the random one by more than its interval and
    the margin, at the finest level; a baseline is."""
    finest = table.at_finest(encoders)
    enough: dict[tuple[str, str], bool] = {}
    for (target, method), rows in finest.groupby(["target", "method"]):
        above = None
        if methods.is_contrastive(method):
            random = selection.random_encoder(evidence.metrics, rows)
            above = above_floor(rows, random, evidence)
        enough[target, method] = above is None or trained_enough(above, margin)
    keys = zip(numbers["target"], numbers["method"], strict=True)
    return [enough.get(key, True) for key in keys]


def rows_shown(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the encoder that is shown of each target and method, at all levels.

    Raises:
        UserError: there are none.
    """
    rows = table.rows_for(metrics, NAME)
    clean = rows[rows["corruption"] == "none"]
    # of external encoders each, of a method of the study the one with the most images
    each = clean["source"].where(clean["method"] == EXTERNAL, "")
    shown = [
        _encoder(group, method)
        for (_, method, _), group in clean.groupby(["target", "method", each], sort=False)
    ]
    shown = [group for group in shown if len(group)]
    if not shown:
        raise UserError(f"{table.where(metrics)} {NO_ENCODER}")
    return pd.concat(shown)


def _encoder(rows: pd.DataFrame, method: str) -> pd.DataFrame:
    """Return the rows of the encoder and protocol of a method that are shown for a target."""
    if method == "supervised":
        for same in selection.most_labels_first(rows):
            supervised = [some for _, some in selection.supervised(selection.described(same))]
            if supervised:
                return max(supervised, key=lambda some: some.loc[some["is_finest"], "top1"].mean())
    rows = selection.linear(rows)
    in_domain = [
        names.is_in_domain(source, target)
        for source, target in zip(rows["source"], rows["target"], strict=True)
    ]
    rows = rows[in_domain] if any(in_domain) else rows
    for column in ("labelled_images", "pretrain_images"):
        rows = rows[rows[column] == rows[column].max()]
    return rows[rows["source"] == rows["source"].min()] if len(rows) else rows


def sides(
    encoders: pd.DataFrame, target: str, method: str, *, level: str
) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Return the supervised rows and those of a contrastive method at a level.

    None where the method is not contrastive, or they have no seed in common.
    """
    rows = encoders[(encoders["target"] == target) & (encoders["level"] == level)]
    supervised, contrastive = rows[rows["method"] == "supervised"], rows[rows["method"] == method]
    if methods.is_contrastive(method) and selection.share_seeds(supervised, contrastive):
        return supervised, contrastive
    return None


def _gap(encoders: pd.DataFrame, row: Any, evidence: Evidence) -> tuple[float, float, float]:
    """Return contrastive minus supervised with its bounds, over the seeds that both have."""
    both = sides(encoders, row.target, row.method, level=row.level)
    if not both:
        return (float("nan"),) * 3
    supervised, contrastive = both
    gap = evidence.difference(contrastive, supervised)
    return gap.estimate, gap.low, gap.high


def _with_published(numbers: pd.DataFrame, metrics: pd.DataFrame) -> pd.DataFrame:
    """Add the paper's top-1 for the same target, method, level and protocol as `published_top1`,
    and its gap where the paper has both sides."""
    keys = ["target", "method", "level", "protocol"]
    published = published_comparison.published_rows(metrics, NAME)
    top1 = published.set_index(keys)["top1"].to_dict()
    nothing = float("nan")
    numbers["published_top1"] = [
        top1.get(key, nothing) for key in zip(*(numbers[key] for key in keys), strict=True)
    ]
    supervised = numbers[numbers["method"] == "supervised"]
    supervised = supervised.set_index(["target", "level"])["published_top1"].to_dict()
    levels = zip(numbers["target"], numbers["level"], strict=True)
    gaps = numbers["published_top1"] - [supervised.get(key, nothing) for key in levels]
    numbers["published_gap"] = gaps.where(numbers["method"].map(methods.is_contrastive))
    return numbers


@style.context()
def draw(evidence: Evidence, trained_margin: float = 5.0) -> tuple[Figure, pd.DataFrame]:
    """Return the figure of the granularity lens and the numbers in it."""
    numbers = numbers_drawn(evidence, trained_margin)
    targets = sorted(numbers["target"].unique())
    n_levels = numbers.groupby("target")["level"].nunique()
    rows_of_targets = _in_rows({target: int(n_levels[target]) for target in targets})
    has_gap = numbers["gap"].notna().any()
    height = (3.3 if has_gap else 2.2) * len(rows_of_targets) + 0.4
    figure = style.new_figure(len(targets), height=height)
    style.layout(figure, w_pad=style.FAR)
    labelled: set[str] = set()
    for subfigure, shown in zip(
        figure.subfigures(len(rows_of_targets), 1, squeeze=False)[:, 0],
        rows_of_targets,
        strict=True,
    ):
        widths = [_width(int(n_levels[target])) for target in shown]
        look: style.Look = {"squeeze": False, "sharey": "row", "width_ratios": widths}
        look["height_ratios"] = [2, 1][: 1 + has_gap]
        grid = subfigure.subplots(1 + has_gap, len(shown), **look)
        for column, target in enumerate(shown):
            _column(grid[:, column], numbers[numbers["target"] == target])
        _label_rows(grid, numbers)
        labelled |= _at_ends(grid[0, -1], numbers[numbers["target"] == shown[-1]])
    panels.legend_below(figure, columns=2 if len(targets) == 1 else 5, without=labelled)
    seeds = numbers.loc[numbers["method"] != "random", "seeds"]
    footer.write(
        figure, footer.text(evidence, numbers["method"], seeds, lens="granularity", targets=targets)
    )
    return figure, numbers


def _width(n_levels: int) -> float:
    """Return the inches that a panel of this number of levels asks for."""
    return max(LEAST_PANEL, LEVEL * n_levels + 0.1)


def _in_rows(n_levels: dict[str, int]) -> list[list[str]]:
    """Return the targets, row by row, so that each row fits into the width of the figure."""
    room = style.width(len(n_levels)) - MARGIN
    rows: list[list[str]] = [[]]
    for target in n_levels:
        widths = [_width(n_levels[name]) + BETWEEN for name in (*rows[-1], target)]
        if rows[-1] and sum(widths) > room:
            rows.append([])
        rows[-1].append(target)
    return rows


def _column(column: np.ndarray, rows: pd.DataFrame) -> None:
    """Draw the panels of a target."""
    levels = rows.drop_duplicates("level").sort_values("place")
    for (method, _), points in rows.groupby(["method", "source"], sort=False):
        _lines(column, points, method)
    _chance(column[0], levels)
    for axes in column:
        _levels_axis(axes, levels, last=axes is column[-1])
        panels.accuracy_axis(axes)
    column[0].set_title(names.dataset(rows["target"].iloc[0]))


def _label_rows(grid: np.ndarray, numbers: pd.DataFrame) -> None:
    grid[0, 0].set_ylabel("top-1 accuracy, %")
    if len(grid) == 1:
        return
    entries = methods.in_order(numbers.loc[numbers["gap"].notna(), "method"])
    contrastive = methods.label(entries[0]) if len(entries) == 1 else "contrastive"
    grid[1, 0].set_ylabel(f"{contrastive} minus\nsupervised, points\n({panels.BETTER_UP})")
    for axes in grid[1]:
        axes.axhline(0, color="black", linewidth=0.6)


def _lines(column: np.ndarray, points: pd.DataFrame, method: str) -> None:
    """Draw a method's accuracy, and under it its gap where it has one."""
    look: style.Look = {"colour": colours.of_method(method), "marker": methods.marker(method)}
    dashes = "--" if method == "random" else "-"
    panels.line(column[0], points["place"], points, label=_label(points), dashes=dashes, **look)
    published_markers.draw(column[0], points["place"], points["published_top1"], **look)
    gap = points[points["gap"].notna()]
    if len(gap):
        published_markers.draw(column[1], gap["place"], gap["published_gap"], **look)
        label = methods.label(method)
        if not gap["trained"].all():
            look["colour"], label = style.PALE, f"grey: {UNTRAINED}"
        panels.line(column[1], gap["place"], gap, label=label, y="gap", **look)


def _at_ends(axes: Axes, rows: pd.DataFrame) -> set[str]:
    """Label the lines of a panel at their ends, and return the labels."""
    labels = set()
    for (method, _), points in rows.groupby(["method", "source"], sort=False):
        last, label = points.sort_values("place").iloc[-1], _label(points)
        text = label.replace(" (", "\n(").replace(", ", ",\n")
        look: style.Look = {"x": last["place"], "y": last["top1"]}
        look |= {"colour": colours.of_method(method), "marker": methods.marker(method)}
        ends.add(axes, text, **look)
        labels |= {label, methods.label(method)}
    return labels


def _label(points: pd.DataFrame) -> str:
    """Return the method's label; of a supervised line also how it was trained, for either may be
    the better."""
    method, protocol = points[["method", "protocol"]].iloc[0]
    how = HOW.get(protocol, names.protocol(protocol))
    if method == EXTERNAL:
        return f"{methods.label(method)} {names.source(points['source'].iloc[0])}"
    return methods.label(method) + (f" ({how})" if method == "supervised" else "")


def _chance(axes: Axes, levels: pd.DataFrame) -> None:
    """Draw chance as a short line at each level, for the levels differ in it."""
    known = levels[levels["chance"].notna()]
    if len(known):
        line_ends = known["place"] - 0.2, known["place"] + 0.2
        dots: style.Look = {"linewidth": 0.8, "linestyle": (0, (1, 1))}
        axes.hlines(known["chance"], *line_ends, color=style.QUIET, label=chance.LABEL, **dots)


def _levels_axis(axes: Axes, levels: pd.DataFrame, *, last: bool) -> None:
    """Draw a tick per level; their names are under the lowest panel only."""
    labels = [level_label(level) if last else "" for level in levels.itertuples()]
    axes.set_xticks(list(levels["place"]), labels)
    ticks.turned(axes)
    margin = max(0.3, 0.04 * len(levels))
    axes.set_xlim(levels["place"].min() - margin, levels["place"].max() + margin)
    if last:
        axes.set_xlabel("coarse → fine")


def level_label(level: Any) -> str:
    """Return `genus (84)`: a level's name with its number of labels, where that is known."""
    count = f" ({int(level.labels):,})" if level.labels == level.labels else ""
    return textwrap.fill(names.level(level.target, level.level) + count, 14)
