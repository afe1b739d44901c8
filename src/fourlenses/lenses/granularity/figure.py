"""Task granularity (the paper's Fig. 5): accuracy from coarse labels to fine, and how far contrastive lags at each level.

Classifiers are trained once on the finest labels; the evaluation coarsens predictions and labels, so a level is a way of
counting, not another training run. One panel per target: above, top-1 per level for contrastive, supervised and random
encoders, and chance; below, supervised minus contrastive with its 95 % interval. Hollow markers are the paper's numbers
on the same dataset, level and protocol. Levels go from coarse to fine (`table.levels_in_order`).

Of each method the one encoder is shown that has most to go by: clean pretraining on the target's own dataset if there is
any, the most pretraining images, the most labelled images. For supervised that is the better, at the finest level, of training end to
end on the labels and of a linear classifier on the features of a supervised encoder that saw no more labels.
"""

import textwrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fourlenses.analysis import bands, published_comparison, table
from fourlenses.analysis.contrasts import Evidence
from fourlenses.core.errors import UserError
from fourlenses.findings import selection
from fourlenses.plotting import basis, chance, hollow, panels, style
from fourlenses.study import methods, names

NAME = "granularity"
KEYS = ["target", "method", "source", "pretrain_images", "labelled_images", "protocol", "level"]
HOW = {
    "linear": "linear",
    "linear_augmented": "linear",
}  # of supervised encoders, in the legend; trained ones are called by their protocol


def numbers_drawn(evidence: Evidence) -> pd.DataFrame:
    """One row per point; a contrastive row also has its `gap` to supervised with the gap's interval, in points."""
    metrics = evidence.metrics
    rows = table.rows_for(metrics, NAME)
    chosen = rows_shown(metrics)
    numbers = bands.over_seeds(chosen, KEYS, evidence)
    places = {
        (target, level): place
        for target, group in rows.groupby("target")
        for place, level in enumerate(table.levels_in_order(group))
    }
    numbers["place"] = [
        places[key] for key in zip(numbers["target"], numbers["level"], strict=True)
    ]
    numbers["_method"] = numbers["method"].map(methods.place)
    numbers = numbers.sort_values(["target", "_method", "place"], ignore_index=True).drop(
        columns="_method"
    )
    gaps = [
        _gap(chosen, one.target, one.method, one.level, evidence) for one in numbers.itertuples()
    ]
    numbers = numbers.join(
        pd.DataFrame(gaps, numbers.index, columns=["gap", "gap_low", "gap_high"], dtype=float)
    )
    numbers["chance"] = chance.beside(numbers, rows, ["target", "level"])
    return _with_published(numbers, metrics)


def rows_shown(metrics: pd.DataFrame) -> pd.DataFrame:
    """Of each target and method the rows of the encoder that is shown, at all levels.

    Raises:
        UserError: there are none.
    """
    rows = table.rows_for(metrics, NAME)
    clean = rows[rows["corruption"] == "none"]
    chosen = [
        _encoder(group, method)
        for (_, method), group in clean.groupby(["target", "method"], sort=False)
    ]
    chosen = [group for group in chosen if len(group)]
    if not chosen:
        raise UserError(
            f"{table.where(metrics)} has no linear or scratch evaluation of clean pretraining for the lens granularity; "
            "add one to the study"
        )
    return pd.concat(chosen)


def _encoder(rows: pd.DataFrame, method: str) -> pd.DataFrame:
    """The rows of the one encoder and protocol of `method` that is shown for a target."""
    if method == "supervised":
        for same in selection.most_labels_first(rows):
            found = [some for _, some in selection.supervised(selection.described(same))]
            if found:
                return max(found, key=lambda some: some.loc[some["is_finest"], "top1"].mean())
    rows = selection.linear(rows)
    own = [
        names.is_in_domain(source, target)
        for source, target in zip(rows["source"], rows["target"], strict=True)
    ]
    rows = rows[own] if any(own) else rows
    for column in ("labelled_images", "pretrain_images"):
        rows = rows[rows[column] == rows[column].max()]
    return rows[rows["source"] == rows["source"].min()] if len(rows) else rows


def sides(
    chosen: pd.DataFrame, target: str, method: str, level: str
) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Supervised rows and those of a contrastive method, where they have a seed in common."""
    here = chosen[(chosen["target"] == target) & (chosen["level"] == level)]
    supervised, own = here[here["method"] == "supervised"], here[here["method"] == method]
    return (
        (supervised, own)
        if methods.is_contrastive(method) and selection.share_seeds(supervised, own)
        else None
    )


def _gap(chosen: pd.DataFrame, target: str, method: str, level: str, evidence: Evidence) -> tuple:
    """Supervised minus contrastive with its bounds, over the seeds that both have."""
    both = sides(chosen, target, method, level)
    if not both:
        return (float("nan"),) * 3
    gap = evidence.difference(*both)
    return gap.estimate, gap.low, gap.high


def _with_published(numbers: pd.DataFrame, metrics: pd.DataFrame) -> pd.DataFrame:
    """The paper's top-1 for the same target, method, level and protocol as `published_top1`, and its gap where it has both sides."""
    keys = ["target", "method", "level", "protocol"]
    top1 = published_comparison.published_rows(metrics, NAME).set_index(keys)["top1"].to_dict()
    numbers["published_top1"] = [
        top1.get(key, float("nan")) for key in zip(*(numbers[key] for key in keys), strict=True)
    ]
    supervised = (
        numbers[numbers["method"] == "supervised"]
        .set_index(["target", "level"])["published_top1"]
        .to_dict()
    )
    theirs = [
        supervised.get(key, float("nan"))
        for key in zip(numbers["target"], numbers["level"], strict=True)
    ]
    numbers["published_gap"] = (numbers["published_top1"] * -1 + theirs).where(
        numbers["method"].map(methods.is_contrastive)
    )
    return numbers


@style.context()
def draw(evidence: Evidence) -> tuple[Figure, pd.DataFrame]:
    """The figure of the granularity lens and the numbers in it."""
    numbers = numbers_drawn(evidence)
    targets = sorted(numbers["target"].unique())
    gap = numbers["gap"].notna().any()
    figure = style.new_figure(len(targets), height=3.6 if gap else 2.5)
    grid = figure.subplots(
        1 + gap, len(targets), squeeze=False, sharey="row", height_ratios=[2, 1][: 1 + gap]
    )
    colours = style.dataset_colours(evidence.metrics["target"])
    for column, target in enumerate(targets):
        rows = numbers[numbers["target"] == target]
        levels = rows.drop_duplicates("level").sort_values("place")
        for method, points in rows.groupby("method", sort=False):
            _lines(grid[:, column], points, method)
        _chance(grid[0, column], levels)
        for axes in grid[:, column]:
            _levels_axis(axes, levels, last=axes is grid[-1, column])
        panels.title(grid[0, column], names.dataset(target), colours[target])
    grid[0, 0].set_ylabel("top-1 accuracy, %")
    if gap:
        grid[1, 0].set_ylabel("supervised minus\ncontrastive, points")
        for axes in grid[1]:
            axes.axhline(0, color="black", linewidth=0.6)
    figure.align_xlabels(grid[-1])
    panels.legend_below(figure, columns=2 if len(targets) == 1 else 5)
    basis.write(
        figure,
        basis.text(
            evidence, numbers["method"], numbers.loc[numbers["method"] != "random", "seeds"]
        ),
    )
    return figure, numbers


def _lines(column: list[Axes], points: pd.DataFrame, method: str) -> None:
    """A method's accuracy, and under it its gap where it has one."""
    colour, marker = methods.colour(method), methods.marker(method)
    panels.line(
        column[0],
        points["place"],
        points,
        colour,
        _label(points),
        marker,
        "--" if method == "random" else "-",
    )
    hollow.mark(column[0], points["place"], points["published_top1"], colour, marker)
    gap = points[points["gap"].notna()]
    if len(gap):
        hollow.mark(column[1], gap["place"], gap["published_gap"], colour, marker)
        gap = pd.DataFrame(
            {
                "place": gap["place"],
                "top1": gap["gap"],
                "top1_low": gap["gap_low"],
                "top1_high": gap["gap_high"],
            }
        )
        panels.line(column[1], gap["place"], gap, colour, methods.label(method), marker)


def _label(points: pd.DataFrame) -> str:
    """Of a supervised line how it was trained too, for either may be the better one."""
    method, protocol = points[["method", "protocol"]].iloc[0]
    how = f" ({HOW.get(protocol, names.protocol(protocol))})" if method == "supervised" else ""
    return methods.label(method) + how


def _chance(axes: Axes, levels: pd.DataFrame) -> None:
    """A short line at each level, for the levels differ in it."""
    known = levels[levels["chance"].notna()]
    if len(known):
        ends = known["place"] - 0.2, known["place"] + 0.2
        axes.hlines(
            known["chance"],
            *ends,
            color=style.QUIET,
            linewidth=0.8,
            linestyle=(0, (1, 1)),
            label=chance.LABEL,
        )


def _levels_axis(axes: Axes, levels: pd.DataFrame, last: bool) -> None:
    """A tick per level; their names stand under the lowest panel only."""
    called = [textwrap.fill(level.replace("_", " "), 13) for level in levels["level"]]
    axes.set_xticks(list(levels["place"]), called if last else [""] * len(levels))
    beside = max(0.3, 0.04 * len(levels))
    axes.set_xlim(levels["place"].min() - beside, levels["place"].max() + beside)
    axes.grid(True)
    if last:
        axes.set_xlabel("label level, coarse to fine")
        wide = axes.figure.figure.get_figwidth() / axes.get_subplotspec().get_gridspec().ncols
        widest = max(len(line) for text in called for line in text.split("\n"))
        if len(levels) > 3 or panels.CHARACTER * widest * len(levels) > wide:
            panels.slant(axes, 90 if len(levels) > 8 else 50)
