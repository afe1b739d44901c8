"""Data domain (the paper's Table 1): which images to pretrain on for which target, as a matrix.

Rows are what was pretrained on, columns are targets, a cell is top-1 of a linear classifier on the frozen features with the
half of its 95 % interval, at the target's largest number of labelled images. The best contrastive source of each column is
set bold and boxed, and cells where source and target are the same dataset carry a triangle. Colour tells how far a source
is behind the column's best, so that easy and hard targets read alike. Supervised pretraining, the random floor and chance stand
below a rule, uncoloured: they are yardsticks, not candidates. In grey below a number, the paper's for the same method, source and target:
its protocol is `linear_augmented`, so it stands where that was run, beside what came of it.
"""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from fourlenses.analysis import bands, published_comparison, table
from fourlenses.analysis.contrasts import Evidence
from fourlenses.core.errors import UserError
from fourlenses.findings import selection
from fourlenses.plotting import basis, chance, style
from fourlenses.study import methods, names

NAME = "domain"
KEYS = ["method", "source", "pretrain_images", "target"]
ROW_HEIGHT = 0.27  # inches
CAPTION = "Top-1 accuracy, %, ± half of its 95 % interval. Box: best single contrastive source. Triangle: pretrained on the target's own dataset."
COLOUR_MAP = "Blues"
CORNER = [(0, 0), (1, 0), (0, -1)]  # a marker, so that it has one size whatever the cell's


def numbers_drawn(evidence: Evidence) -> pd.DataFrame:
    """One row per cell, in the order of the matrix, row by row."""
    metrics = evidence.metrics
    every = table.at_finest(table.rows_for(metrics, NAME))
    every = every[every["corruption"] == "none"]
    every = every.assign(source=every["source"].map(names.of_any_seed))
    rows = table.at_most_labels(selection.linear(every))
    if rows.empty:
        raise UserError(
            f"{table.where(metrics)} has no linear evaluation of clean pretraining for the lens domain; "
            "add the protocol linear to the study"
        )
    cells = bands.over_seeds(rows, [*KEYS, "labelled_images", "protocol"], evidence)
    cells["half_width"] = (cells["top1_high"] - cells["top1_low"]) / 2
    cells["in_domain"] = [
        names.is_in_domain(source, target)
        for source, target in zip(cells["source"], cells["target"], strict=True)
    ]
    # two encoders side by side have twice the features: they are no candidate for the best source
    single = cells[~cells["source"].map(names.is_fused).astype(bool)]
    ranked = single[single["method"].map(methods.is_contrastive)]
    ranked = ranked if len(ranked) else single
    best = ranked.groupby("target")["top1"].max()
    cells["behind_best"] = cells["target"].map(best) - cells["top1"]
    cells["best"] = (cells["behind_best"] == 0) & cells.index.isin(ranked.index)
    cells["chance"] = chance.beside(cells, every, ["target"])
    augmented = table.at_most_labels(every[every["protocol"] == "linear_augmented"])
    cells["augmented_top1"] = _known(cells, augmented.groupby(KEYS)["top1"].mean().to_dict(), KEYS)
    paper = published_comparison.published_rows(metrics, NAME)
    paper = (
        paper[paper["protocol"] == "linear_augmented"]
        .set_index(["method", "source", "target"])["top1"]
        .to_dict()
    )
    cells["published_top1"] = _known(cells, paper, ["method", "source", "target"])
    cells["published_top1"] = cells["published_top1"].where(cells["augmented_top1"].notna())
    cells["_order"] = [
        _row_order(*row)
        for row in zip(cells["method"], cells["source"], cells["pretrain_images"], strict=True)
    ]
    cells = cells.sort_values(["_order", "target"], ignore_index=True)
    columns = [
        *KEYS,
        "labelled_images",
        "protocol",
        "top1",
        "top1_low",
        "top1_high",
        "half_width",
        "seeds",
    ]
    return cells[
        [*columns, "in_domain", "best", "behind_best", "chance", "augmented_top1", "published_top1"]
    ]


def _known(cells: pd.DataFrame, values: dict[tuple, float], keys: list[str]) -> list[float]:
    return [
        values.get(key, float("nan")) for key in zip(*(cells[key] for key in keys), strict=True)
    ]


def _row_order(method: str, source: str, images: int) -> tuple:
    """Contrastive methods, supervised, random; in each single datasets by name, many images first, then pools."""
    parts = names.source_parts(source)
    return (
        methods.place(method),
        len(parts),
        parts[0][0] if len(parts) == 1 else "",
        -images,
        source,
    )


@style.context()
def draw(evidence: Evidence) -> tuple[Figure, pd.DataFrame]:
    """The matrix of the domain lens and the numbers in it."""
    cells = numbers_drawn(evidence)
    sides = list(dict.fromkeys(zip(cells["method"], cells["source"], strict=True)))
    targets = sorted(cells["target"].unique())
    several = len({method for method, _ in sides if methods.is_contrastive(method)}) > 1
    labels = [_label(method, source, several) for method, source in sides]
    floor = cells.dropna(subset="chance").drop_duplicates("target")
    labels += [chance.LABEL] if len(floor) else []
    tall = 1.5 if cells["published_top1"].notna().any() else 1.0
    figure = style.new_figure(min(len(targets), 2), height=1.0 + tall * ROW_HEIGHT * len(labels))
    axes = figure.subplots()
    candidates = cells["method"].map(methods.is_contrastive) | (
        not cells["method"].map(methods.is_contrastive).any()
    )
    shade = np.full((len(labels), len(targets)), np.nan)
    for cell in cells[candidates].itertuples():
        shade[
            sides.index((cell.method, cell.source)), targets.index(cell.target)
        ] = -cell.behind_best
    lowest = min(
        np.nanmin(shade), -1.0
    )  # a hair's breadth between sources should not look like a gulf
    image = axes.imshow(shade, cmap=COLOUR_MAP, vmin=lowest, vmax=-lowest, aspect="auto")
    colours = style.dataset_colours(evidence.metrics["target"])
    drawn = np.zeros(shade.shape, bool)
    for cell in cells.itertuples():
        y, x = sides.index((cell.method, cell.source)), targets.index(cell.target)
        drawn[y, x] = True
        _cell(axes, x, y, cell, colours[cell.target])
    for one in floor.itertuples():
        axes.text(
            targets.index(one.target), len(sides), f"{one.chance:.1f}", ha="center", va="center"
        )
        drawn[len(sides), targets.index(one.target)] = True
    yardsticks = sum(methods.is_contrastive(method) for method, _ in sides)
    if 0 < yardsticks < len(labels):
        axes.axhline(yardsticks - 0.5, color="black", linewidth=0.8)
    for y, x in np.argwhere(~drawn):
        axes.text(x, y, "–", ha="center", va="center", color="#999999")
    _frame(axes, labels, targets)
    bar = figure.colorbar(image, ax=axes, shrink=0.9, pad=0.02, aspect=14)
    bar.ax.set_ylim(lowest, 0)
    bar.set_label("points against\nthe column's best")
    bar.outline.set_visible(False)
    paper = (
        " Grey: ours on augmented images, which is the paper's protocol, and the paper's."
        * bool(tall > 1)
    )
    basis.write(figure, CAPTION + paper, basis.text(evidence, cells["method"], cells["seeds"], "±"))
    return figure, cells


def _label(method: str, source: str, several: bool) -> str:
    if method == "random":
        return methods.label(method)
    text = (
        f"{names.source(source)} ({methods.label(method)})"
        if several or method == "supervised"
        else names.source(source)
    )
    return "\n".join(textwrap.wrap(text, 36))


def _cell(axes: Axes, x: int, y: int, cell, colour: str) -> None:
    """The text of one cell, its box when best, its triangle when source and target are the same dataset."""
    text = f"{cell.top1:.1f} ±{cell.half_width:.1f}"
    published = pd.notna(cell.published_top1)
    axes.text(
        x,
        y - 0.16 * published,
        text,
        ha="center",
        va="center",
        fontweight="bold" if cell.best else "normal",
        color="black",
    )
    if published:
        axes.text(
            x,
            y + 0.26,
            _beside_paper(cell),
            ha="center",
            va="center",
            color="#444444",
            fontsize=5.5,
        )
    if cell.best:
        axes.add_patch(
            Rectangle(
                (x - 0.5, y - 0.5),
                1,
                1,
                fill=False,
                edgecolor="black",
                linewidth=1.2,
                clip_on=False,
                zorder=3,
            )
        )
    if cell.in_domain:
        axes.plot(
            x - 0.5,
            y - 0.5,
            marker=CORNER,
            markersize=15,
            color=colour,
            markeredgewidth=0,
            clip_on=False,
        )


def _beside_paper(cell) -> str:
    ours = "" if cell.protocol == "linear_augmented" else f"augmented {cell.augmented_top1:.1f}, "
    return f"{ours}paper {cell.published_top1:.1f}"


def _frame(axes: Axes, labels: list[str], targets: list[str]) -> None:
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xticks(range(len(targets)), [names.dataset(target) for target in targets])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.annotate(
        "evaluated on →\npretrained on ↓",
        (0, 1),
        (-4, 2),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right",
    )
