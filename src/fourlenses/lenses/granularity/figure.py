"""Task granularity (the paper's Figure 5): accuracy from coarse labels to fine.

Classifiers are trained once on the finest labels; the evaluation coarsens predictions and labels,
so a level is a way of counting, not another training. One panel per target: above, top-1 per level
of contrastive, supervised and random-init encoders, and chance; below, supervised minus contrastive
with its 95 % interval. Hollow markers are published numbers on the same dataset, level and
protocol. Levels go from coarse to fine (`table.levels_in_order`).

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
from fourlenses.plotting import chance, footer, panels, published_markers, style
from fourlenses.study import methods, names
from fourlenses.study.vocabulary import EXTERNAL

NAME = "granularity"
KEYS = ["target", "method", "source", "pretrain_images", "labelled_images", "protocol", "level"]
# of supervised encoders, in the legend; trained ones are called by their protocol
HOW = {"linear": "linear", "linear_augmented": "linear"}
NO_ENCODER = (
    "has no linear or scratch evaluation of clean pretraining for the lens granularity; add one "
    "to the study"
)


def numbers_drawn(evidence: Evidence) -> pd.DataFrame:
    """Return one row per point; a contrastive row also has its `gap` to supervised with the gap's
    interval, in points."""
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
    return _with_published(numbers, metrics)


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
    """Return supervised minus contrastive with its bounds, over the seeds that both have."""
    both = sides(encoders, row.target, row.method, level=row.level)
    if not both:
        return (float("nan"),) * 3
    gap = evidence.difference(*both)
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
    gaps = [supervised.get(key, nothing) for key in levels] - numbers["published_top1"]
    numbers["published_gap"] = gaps.where(numbers["method"].map(methods.is_contrastive))
    return numbers


@style.context()
def draw(evidence: Evidence) -> tuple[Figure, pd.DataFrame]:
    """Return the figure of the granularity lens and the numbers in it."""
    numbers = numbers_drawn(evidence)
    targets = sorted(numbers["target"].unique())
    has_gap = numbers["gap"].notna().any()
    figure = style.new_figure(len(targets), height=3.6 if has_gap else 2.5)
    heights = [2, 1] if has_gap else [2]
    grid = figure.subplots(
        len(heights), len(targets), squeeze=False, sharey="row", height_ratios=heights
    )
    colours = style.dataset_colours(evidence.metrics["target"])
    for column, target in enumerate(targets):
        rows = numbers[numbers["target"] == target]
        levels = rows.drop_duplicates("level").sort_values("place")
        for (method, _), points in rows.groupby(["method", "source"], sort=False):
            _lines(grid[:, column], points, method)
        _chance(grid[0, column], levels)
        for axes in grid[:, column]:
            _levels_axis(axes, levels, last=axes is grid[-1, column])
        panels.title(grid[0, column], names.dataset(target), colours[target])
    grid[0, 0].set_ylabel("top-1 accuracy, %")
    if has_gap:
        grid[1, 0].set_ylabel("supervised minus\ncontrastive, points")
        for axes in grid[1]:
            axes.axhline(0, color="black", linewidth=0.6)
    figure.align_xlabels(grid[-1])
    panels.legend_below(figure, columns=2 if len(targets) == 1 else 5)
    seeds = numbers.loc[numbers["method"] != "random", "seeds"]
    footer.write(figure, footer.text(evidence, numbers["method"], seeds))
    return figure, numbers


def _lines(column: np.ndarray, points: pd.DataFrame, method: str) -> None:
    """Draw a method's accuracy, and under it its gap where it has one."""
    look: style.Look = {"colour": methods.colour(method), "marker": methods.marker(method)}
    dashes = "--" if method == "random" else "-"
    panels.line(column[0], points["place"], points, label=_label(points), dashes=dashes, **look)
    published_markers.draw(column[0], points["place"], points["published_top1"], **look)
    gap = points[points["gap"].notna()]
    if len(gap):
        published_markers.draw(column[1], gap["place"], gap["published_gap"], **look)
        panels.line(column[1], gap["place"], gap, label=methods.label(method), y="gap", **look)


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
        ends = known["place"] - 0.2, known["place"] + 0.2
        dots: style.Look = {"linewidth": 0.8, "linestyle": (0, (1, 1))}
        axes.hlines(known["chance"], *ends, color=style.QUIET, label=chance.LABEL, **dots)


def _levels_axis(axes: Axes, levels: pd.DataFrame, *, last: bool) -> None:
    """Draw a tick per level; their names are under the lowest panel only."""
    labels = [textwrap.fill(level.replace("_", " "), 13) for level in levels["level"]]
    axes.set_xticks(list(levels["place"]), labels if last else [""] * len(levels))
    margin = max(0.3, 0.04 * len(levels))
    axes.set_xlim(levels["place"].min() - margin, levels["place"].max() + margin)
    axes.grid(True)
    if last:
        axes.set_xlabel("label level, coarse to fine")
        longest = max(len(line) for text in labels for line in text.split("\n"))
        width = panels.CHARACTER * longest * len(levels)
        if len(levels) > 3 or width > style.panel_width(axes):
            panels.slant(axes, 90 if len(levels) > 8 else 50)
