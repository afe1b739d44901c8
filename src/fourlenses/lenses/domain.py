"""Data domain (the paper's Table 1): which images to pretrain on for which target, as a matrix.

Rows are what was pretrained on, columns are targets, a cell is top-1 of a linear classifier on the frozen features with the
half-width of its interval, at the target's largest number of labelled images. The best contrastive source of each column is
set bold and boxed, and cells where source and target are the same dataset carry a triangle. Colour tells how far a source
is behind the column's best, so that easy and hard targets read alike. In grey below, the paper's number where it has one for the same
method, source and target. Supervised pretraining and the random floor stand
below a rule, uncoloured: they are yardsticks, not candidates.
"""

import textwrap

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from fourlenses.errors import UserError
from fourlenses.lenses import methods, names, published_beside, style, table

NAME = "domain"
ROW_HEIGHT = 0.27  # inches
CAPTION = "Top-1 accuracy, %, ± half of the 95 % band. Box: best contrastive source. Triangle: pretrained on the target's own dataset."
COLOUR_MAP = "Blues"
CORNER = [(0, 0), (1, 0), (0, -1)]  # a marker, so that it has one size whatever the cell's


def numbers_drawn(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row per cell, in the order of the matrix, row by row."""
    rows = table.at_finest(table.rows_for(metrics, NAME), metrics)
    rows = table.at_most_labels(rows[(rows["protocol"] == "linear") & (rows["corruption"] == "none")])
    if rows.empty:
        raise UserError(
            f"{table.where(metrics)} has no linear evaluation of clean pretraining for the lens domain; "
            "add the protocol linear to the study"
        )
    cells = table.over_seeds(rows, ["method", "source", "pretrain_images", "target", "labelled_images"])
    cells["half_width"] = (cells["top1_high"] - cells["top1_low"]) / 2
    cells["in_domain"] = [names.is_in_domain(source, target) for source, target in zip(cells["source"], cells["target"], strict=True)]
    ranked = cells[cells["method"].map(methods.is_contrastive)]
    ranked = ranked if len(ranked) else cells
    best = ranked.groupby("target")["top1"].max()
    cells["behind_best"] = cells["target"].map(best) - cells["top1"]
    cells["best"] = (cells["behind_best"] == 0) & cells.index.isin(ranked.index)
    cells["_order"] = [_row_order(*row) for row in zip(cells["method"], cells["source"], cells["pretrain_images"], strict=True)]
    cells = cells.sort_values(["_order", "target"], ignore_index=True)
    known = published_beside.rows_beside(metrics, NAME).set_index(["method", "source", "target"])["top1"].to_dict()
    sides = zip(cells["method"], cells["source"], cells["target"], strict=True)
    cells["published_top1"] = [known.get(side, float("nan")) for side in sides]
    columns = ["method", "source", "pretrain_images", "target", "labelled_images", "top1", "top1_low", "top1_high", "half_width", "seeds"]
    return cells[[*columns, "in_domain", "best", "behind_best", "published_top1"]]


def _row_order(method: str, source: str, images: int) -> tuple:
    """Contrastive methods, supervised, random; in each single datasets by name, many images first, then pools."""
    parts = names.source_parts(source)
    return methods.place(method), len(parts), parts[0][0] if len(parts) == 1 else "", -images, source


@style.context()
def draw(metrics: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """The matrix of the domain lens and the numbers in it."""
    cells = numbers_drawn(metrics)
    sides = list(dict.fromkeys(zip(cells["method"], cells["source"], strict=True)))
    targets = sorted(cells["target"].unique())
    several = len({method for method, _ in sides if methods.is_contrastive(method)}) > 1
    labels = [_label(method, source, several) for method, source in sides]
    tall = 1.5 if cells["published_top1"].notna().any() else 1.0
    figure = style.new_figure(min(len(targets), 2), height=1.15 + tall * ROW_HEIGHT * len(sides))
    axes = figure.subplots()
    candidates = cells["method"].map(methods.is_contrastive) | (not cells["method"].map(methods.is_contrastive).any())
    shade = np.full((len(sides), len(targets)), np.nan)
    for cell in cells[candidates].itertuples():
        shade[sides.index((cell.method, cell.source)), targets.index(cell.target)] = -cell.behind_best
    lowest = min(np.nanmin(shade), -1.0)  # a hair's breadth between sources should not look like a gulf
    image = axes.imshow(shade, cmap=COLOUR_MAP, vmin=lowest, vmax=-lowest, aspect="auto")
    colours = style.dataset_colours(metrics["target"])
    drawn = np.zeros(shade.shape, bool)
    for cell in cells.itertuples():
        y, x = sides.index((cell.method, cell.source)), targets.index(cell.target)
        drawn[y, x] = True
        _cell(axes, x, y, cell, colours[cell.target])
    yardsticks = sum(methods.is_contrastive(method) for method, _ in sides)
    if 0 < yardsticks < len(sides):
        axes.axhline(yardsticks - 0.5, color="black", linewidth=0.8)
    for y, x in np.argwhere(~drawn):
        axes.text(x, y, "–", ha="center", va="center", color="#999999")
    _frame(axes, labels, targets)
    figure.supxlabel("\n".join(textwrap.wrap(CAPTION, 54 if len(targets) == 1 else 130)), fontsize=matplotlib.rcParams["axes.labelsize"])
    bar = figure.colorbar(image, ax=axes, shrink=0.9, pad=0.02, aspect=14)
    bar.ax.set_ylim(lowest, 0)
    bar.set_label("points against\nthe column's best")
    bar.outline.set_visible(False)
    return figure, cells


def _label(method: str, source: str, several: bool) -> str:
    if method == "random":
        return methods.label(method)
    text = f"{names.source(source)} ({methods.label(method)})" if several or method == "supervised" else names.source(source)
    return "\n".join(textwrap.wrap(text, 36))


def _cell(axes: Axes, x: int, y: int, cell, colour: str) -> None:
    """The text of one cell, its box when best, its triangle when source and target are the same dataset."""
    text = f"{cell.top1:.1f} ±{cell.half_width:.1f}"
    published = pd.notna(cell.published_top1)
    axes.text(x, y - 0.16 * published, text, ha="center", va="center", fontweight="bold" if cell.best else "normal", color="black")
    if published:
        axes.text(x, y + 0.26, f"paper {cell.published_top1:.1f}", ha="center", va="center", color="#444444", fontsize=5.5)
    if cell.best:
        axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, fill=False, edgecolor="black", linewidth=1.2, clip_on=False, zorder=3))
    if cell.in_domain:
        axes.plot(x - 0.5, y - 0.5, marker=CORNER, markersize=15, color=colour, markeredgewidth=0, clip_on=False)


def _frame(axes: Axes, labels: list[str], targets: list[str]) -> None:
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xticks(range(len(targets)), [names.dataset(target) for target in targets])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.annotate("evaluated on →\npretrained on ↓", (0, 1), (-4, 2), xycoords="axes fraction", textcoords="offset points", ha="right")
