"""README's picture: does pretraining pay, and do other images? Titles state the results.

Left, accuracy against labelled images of one target: the best frozen download, the encoders of each
number of pretraining images, fine-tuned, from scratch, and the random encoder. Right, what
pretraining on another dataset or pool costs against as many images of the target itself.
"""

from collections.abc import Iterator
from typing import Any

import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from fourlenses.analysis.contrasts import Contrast, Evidence
from fourlenses.findings import selection, words
from fourlenses.findings.thresholds import Thresholds
from fourlenses.lenses.alternatives.declared import read
from fourlenses.lenses.domain import finding as domain
from fourlenses.plotting import ends, style
from fourlenses.showcase.titles import Title
from fourlenses.study import methods, names
from fourlenses.study.vocabulary import EXTERNAL, FROM_SCRATCH

WIDTH, HEIGHT = 6.9, 2.9  # inches
RIGHT = 0.47  # of the width: where the title of the differences begins
BLUES = ("#6BAED6", "#3182BD", "#08519C", "#08306B")
SCRATCH, RANDOM, DOWNLOAD = "#D55E00", "#777777", "#000000"
DOWNLOADED = "downloaded"
COLUMNS = ["panel", "row", "target", "labelled_images", "estimate", "low", "high", "seeds"]
MOST_POINTS = 20.0  # a difference beyond it has the darkest colour


def numbers(evidence: Evidence, target: str, thresholds: Thresholds) -> pd.DataFrame:
    """Return what is drawn, a row of `COLUMNS` each: accuracies of `target`, and differences."""
    rows = [*_accuracies(evidence, target), *_differences(evidence, thresholds)]
    return pd.DataFrame(rows, columns=COLUMNS)


def target_of(evidence: Evidence) -> str:
    """Return the target with the most label sizes at which it was trained from scratch; of several
    the one of most test images, then the first by name."""
    rows = selection.finest(evidence.metrics)
    scratch = rows[rows["protocol"].isin(FROM_SCRATCH)]
    scratch = rows if scratch.empty else scratch
    sizes = scratch.groupby("target").agg({"labelled_images": "nunique", "n_test": "max"})
    ordered = sizes.sort_values(["labelled_images", "n_test"], ascending=False, kind="stable")
    return str(ordered.index[0])


def _accuracies(evidence: Evidence, target: str) -> Iterator[dict[str, Any]]:
    rows = selection.finest(evidence.metrics)
    rows = rows[rows["target"] == target]
    own = selection.from_random_weights(selection.own_encoders(rows))
    own = own[own["method"] == own["entry"]]
    own = own[own["method"] == own["method"].iloc[0]] if len(own) else own
    label = methods.label(own["method"].iloc[0]) if len(own) else ""
    tuned = own[own["protocol"] == "fine_tune"]
    tuned = tuned[tuned["pretrain_images"] == tuned["pretrain_images"].max()]
    lines = [
        (f"{label}, {names.count(images)} images", of_size)
        for (images,), of_size in selection.groups(
            selection.linear(own).sort_values("pretrain_images"), ["pretrain_images"]
        )
    ]
    lines += [(f"{label}, fine-tuned", tuned)] if len(tuned) else []
    lines += [
        ("from scratch", of_protocol)
        for _, of_protocol in selection.groups(
            rows[rows["protocol"].isin(FROM_SCRATCH)], ["protocol"]
        )
    ][:1]
    lines += _download(rows, evidence, target)
    random = selection.linear(rows[rows["method"] == "random"])
    lines += [("random encoder", random)] if len(random) else []
    for name, of_line in lines:
        for (labels,), cell in selection.groups(
            of_line.sort_values("labelled_images"), ["labelled_images"]
        ):
            one = cell[cell["source"] == cell["source"].iloc[0]]
            yield _row("accuracy", name, target, labels=labels, value=evidence.mean(one))


def _download(
    rows: pd.DataFrame, evidence: Evidence, target: str
) -> list[tuple[str, pd.DataFrame]]:
    """The frozen download of the best mean that has not seen the target, if there is one."""
    declared = read(evidence.metrics)
    seen = {name for name, entry in declared.items() if target in entry.labels_of}
    external = selection.linear(rows[rows["method"] == EXTERNAL])
    external = external[~external["source"].isin(seen)]
    if external.empty:
        return []
    best = external.groupby("source")["top1"].mean().idxmax()
    return [(f"{names.source(str(best))}, {DOWNLOADED}", external[external["source"] == best])]


def _differences(evidence: Evidence, thresholds: Thresholds) -> Iterator[dict[str, Any]]:
    """Of each target its own accuracy, and what others, pools and the random encoder lose."""
    parts = domain.comparisons(evidence.metrics, thresholds)
    compared = [
        one
        for part in (domain.INSTEAD, domain.POOL)
        for one in parts[part]
        if one.method == parts[part][0].method
    ]
    seen = set()
    for one in compared:
        other, own = one.cells
        labels = int(own["labelled_images"].iloc[0])
        if one.target not in seen:
            seen.add(one.target)
            mean = evidence.mean(own)
            yield _row("own", one.target, one.target, labels=labels, value=mean)
            random = selection.random_encoder(evidence.metrics, own)
            if len(random) and selection.share_seeds(random, own):
                lost = evidence.difference(random, own)
                yield _row("loss", "random encoder", one.target, labels=labels, value=lost)
        parts_of = names.source_parts(other["source"].iloc[0])
        row = " + ".join(name for name, _ in parts_of)
        value = evidence.difference(other, own)
        yield _row("loss", row, one.target, labels=labels, value=value)


def _row(panel: str, row: str, target: str, *, labels: int, value: Contrast) -> dict[str, Any]:
    return {
        "panel": panel,
        "row": row,
        "target": target,
        "labelled_images": labels,
        "estimate": value.estimate,
        "low": value.low,
        "high": value.high,
        "seeds": value.seeds,
    }


@style.context()
def draw(table: pd.DataFrame, left: Title, right: Title, *, footer: str) -> Figure:
    """Return the picture.

    Args:
        table: of `numbers`.
        left: of the accuracies.
        right: of the differences.
        footer: what all rests on.
    """
    figure = style.new_figure(2, height=HEIGHT)
    figure.set_size_inches(WIDTH, HEIGHT)
    lines = footer.count("\n") + 1
    style.layout(figure, rect=(0, 0.02 + 0.03 * lines, 1, 0.81), w_pad=0.06)
    axes, matrix = figure.subplots(1, 2, width_ratios=[1.0, 1.25])
    _title(figure, 0.01, left)
    _title(figure, RIGHT, right)
    _curves(axes, table[table["panel"] == "accuracy"])
    _matrix(matrix, table[table["panel"] != "accuracy"])
    figure.text(0.01, 0.015, footer, fontsize=5.5, color=style.QUIET, va="bottom")
    figure.draw_without_rendering()
    ends.spread(axes)
    return figure


def _title(figure: Figure, left: float, title: Title) -> None:
    """left: of the figure's width."""
    figure.text(left, 0.985, title.result, fontsize=8, fontweight="bold", va="top")
    figure.text(left, 0.925, title.rests_on, fontsize=6, color=style.QUIET, va="top")


def _curves(axes: Axes, rows: pd.DataFrame) -> None:
    lines = list(rows.groupby("row", sort=False))
    pretrained = [name for name, _ in lines if name.endswith("images")]
    for name, points in lines:
        colour: str = RANDOM
        dashes: tuple[float, ...] = (2, 1.5)
        if name in pretrained:
            colour, dashes = BLUES[-len(pretrained) :][pretrained.index(name) % len(BLUES)], ()
        elif name == "from scratch":
            colour, dashes = SCRATCH, (4, 1.5)
        elif name.endswith(DOWNLOADED):
            colour, dashes = DOWNLOAD, ()
        elif name.endswith("fine-tuned"):
            colour, dashes = "#009E73", ()
        x = points["labelled_images"]
        axes.plot(x, points["estimate"], color=colour, dashes=dashes or (None, None), marker="o")
        axes.fill_between(x, points["low"], points["high"], color=colour, alpha=0.15, linewidth=0)
        at: style.Look = {"x": x.iloc[-1], "y": points["estimate"].iloc[-1]}
        ends.add(axes, name, colour=colour, marker="o", **at)
    axes.set_xscale("log")
    sizes = sorted(rows["labelled_images"].unique())
    axes.set_xticks(sizes, [names.count(int(size)) for size in sizes])
    axes.minorticks_off()
    axes.set_xlim(sizes[0] * 0.9, sizes[-1] * 1.05)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("labelled images")
    axes.set_ylabel("top-1 accuracy, %")


def _matrix(axes: Axes, rows: pd.DataFrame) -> None:
    axes.set_axis_off()
    if rows.empty:
        axes.text(0, 0.5, "not measured", transform=axes.transAxes, color=style.QUIET)
        return
    targets = sorted(rows["target"].unique())
    losses = rows[rows["panel"] == "loss"]
    sources = targets + sorted(
        set(losses["row"]) - set(targets), key=lambda row: (row == "random encoder", row)
    )
    norm = TwoSlopeNorm(0, -MOST_POINTS, MOST_POINTS)
    for column, target in enumerate(targets):
        name = names.dataset(target)
        axes.text(column, -0.75, name, ha="center", va="center", fontsize=5.4)
        for row, source in enumerate(sources):
            cell = rows[(rows["target"] == target) & (rows["row"] == source)]
            if len(cell):
                _cell(axes, column, row, values=cell.iloc[0], norm=norm)
    for row, source in enumerate(sources):
        shown = " + ".join(names.dataset(part) for part in source.split(" + "))
        axes.text(-0.6, row, shown, ha="right", va="center", fontsize=6.2)
    axes.text(-0.6, -0.75, "pretrained on ↓", ha="right", va="center", fontsize=5.5, color=RANDOM)
    axes.set_xlim(-0.5, len(targets) - 0.5)
    axes.set_ylim(len(sources) - 0.5, -1.1)


def _cell(axes: Axes, column: int, row: int, *, values: pd.Series, norm: TwoSlopeNorm) -> None:
    """A square with its number: an accuracy in a box, or a difference coloured by its points."""
    own = values["panel"] == "own"
    colour = "#F5F5F5" if own else colormaps["RdBu"](norm(values["estimate"]))
    edge: style.Look = {"edgecolor": "white", "zorder": 1}
    if own:  # above the edges of its neighbours
        edge = {"edgecolor": "black", "linewidth": 1.0, "zorder": 2}
    axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=colour, **edge))
    number = f"{values['estimate']:.1f} %" if own else words.number(values["estimate"])
    open_one = not own and values["low"] <= 0 <= values["high"]
    dark = not own and abs(values["estimate"]) > 0.6 * MOST_POINTS
    axes.text(
        column,
        row,
        number.replace("-", "−") + (" ≈" if open_one else ""),
        ha="center",
        va="center",
        zorder=3,
        fontsize=6.5,
        fontweight="bold" if own else "normal",
        color="white" if dark else RANDOM if open_one else "black",
    )
