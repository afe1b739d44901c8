"""Data domain (the paper's Table 1): a matrix of pretraining sources by targets.

Rows are what was pretrained on, columns are targets. A cell is top-1 of a linear classifier on the
frozen features with the half of its 95 % interval, at the target's largest number of labelled
images. The best contrastive source of each column is bold and boxed, and cells where source and
target are the same dataset carry a triangle. Colour shows how far a source is behind the column's
best, so that easy and hard targets read alike. Supervised pretraining, the random-init encoder and
chance are below a rule, uncoloured: they are baselines, not candidates.

In grey below a number is the paper's for the same method, source and target. Its protocol is
`linear_augmented`, so it is shown where that was run, next to what that gave here.
"""

import textwrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from fourlenses.analysis import bands, published_comparison, table
from fourlenses.analysis.contrasts import Evidence
from fourlenses.core.errors import UserError
from fourlenses.findings import selection
from fourlenses.plotting import chance, footer, style
from fourlenses.study import methods, names
from fourlenses.study.vocabulary import EXTERNAL

NAME = "domain"
KEYS = ["method", "source", "pretrain_images", "target"]
COLUMNS = [
    *(*KEYS, "labelled_images", "protocol", "top1", "top1_low", "top1_high", "half_width"),
    *("seeds", "in_domain", "best", "behind_best", "chance", "augmented_top1", "published_top1"),
]
ROW_HEIGHT = 0.27  # inches
CAPTION = (
    "Top-1 accuracy, %, ± half of its 95 % interval. Box: best single contrastive source. "
    "Triangle: pretrained on the target's own dataset."
)
CAPTION_OF_GREY = " Grey: ours on augmented images, which is the paper's protocol, and the paper's."
COLOUR_MAP = "Blues"
CORNER = [(0, 0), (1, 0), (0, -1)]  # a marker, so that it has one size whatever the cell's


def numbers_drawn(evidence: Evidence) -> pd.DataFrame:
    """Return one row per cell, in the order of the matrix, row by row."""
    metrics = evidence.metrics
    clean = table.at_finest(table.rows_for(metrics, NAME))
    clean = clean[clean["corruption"] == "none"]
    clean = clean.assign(source=clean["source"].map(names.of_any_seed))
    rows = table.at_most_labels(selection.linear(clean))
    if rows.empty:
        raise UserError(
            f"{table.where(metrics)} has no linear evaluation of clean pretraining for the lens "
            "domain; add the protocol linear to the study"
        )
    cells = bands.over_seeds(rows, [*KEYS, "labelled_images", "protocol"], evidence)
    cells["half_width"] = (cells["top1_high"] - cells["top1_low"]) / 2
    cells["in_domain"] = [
        names.is_in_domain(source, target)
        for source, target in zip(cells["source"], cells["target"], strict=True)
    ]
    # concatenated encoders have twice the features: they are no candidate for the best source
    single = cells[~cells["source"].map(names.is_concatenated).astype(bool)]
    ranked = single[single["method"].map(methods.is_contrastive)]
    ranked = ranked if len(ranked) else single
    best = ranked.groupby("target")["top1"].max()
    cells["behind_best"] = cells["target"].map(best) - cells["top1"]
    cells["best"] = (cells["behind_best"] == 0) & cells.index.isin(ranked.index)
    cells["chance"] = chance.top1_by_chance(cells, clean, ["target"])
    _add_published(cells, clean, metrics)
    keys = zip(cells["method"], cells["source"], cells["pretrain_images"], strict=True)
    cells["_order"] = [_row_order(*key) for key in keys]
    return cells.sort_values(["_order", "target"], ignore_index=True)[COLUMNS]


def _add_published(cells: pd.DataFrame, clean: pd.DataFrame, metrics: pd.DataFrame) -> None:
    """Add the paper's accuracies and ours under its protocol, where that was run."""
    augmented = table.at_most_labels(clean[clean["protocol"] == "linear_augmented"])
    ours = augmented.groupby(KEYS)["top1"].mean().to_dict()
    cells["augmented_top1"] = _values(cells, ours, KEYS)
    keys = ["method", "source", "target"]
    published = published_comparison.published_rows(metrics, NAME)
    published = published[published["protocol"] == "linear_augmented"]
    theirs = _values(cells, published.set_index(keys)["top1"].to_dict(), keys)
    cells["published_top1"] = pd.Series(theirs).where(cells["augmented_top1"].notna())


def _values(cells: pd.DataFrame, values: dict[tuple, float], keys: list[str]) -> list[float]:
    rows = zip(*(cells[key] for key in keys), strict=True)
    return [values.get(key, float("nan")) for key in rows]


def _row_order(method: str, source: str, images: int) -> tuple:
    """Sort contrastive methods, supervised, random; in each single datasets by name, many images
    first, then pools."""
    parts = names.source_parts(source)
    single = parts[0][0] if len(parts) == 1 else ""
    return methods.rank(method), len(parts), single, -images, source


@style.context()
def draw(evidence: Evidence) -> tuple[Figure, pd.DataFrame]:
    """Return the matrix of the domain lens and the numbers in it."""
    cells = numbers_drawn(evidence)
    sources = list(dict.fromkeys(zip(cells["method"], cells["source"], strict=True)))
    targets = sorted(cells["target"].unique())
    several = len({method for method, _ in sources if methods.is_contrastive(method)}) > 1
    labels = [_label(method, source, several) for method, source in sources]
    known_chance = cells.dropna(subset="chance").drop_duplicates("target")
    labels += [chance.LABEL] if len(known_chance) else []
    has_published = cells["published_top1"].notna().any()
    height = 1.0 + (1.5 if has_published else 1.0) * ROW_HEIGHT * len(labels)
    figure = style.new_figure(min(len(targets), 2), height=height)
    axes = figure.subplots()
    empty = np.ones((len(labels), len(targets)), bool)
    image = _shade(axes, cells, sources, n_rows=len(labels))
    colours = style.dataset_colours(evidence.metrics["target"])
    for cell in cells.itertuples():
        y, x = sources.index((cell.method, cell.source)), targets.index(cell.target)
        empty[y, x] = False
        _cell(axes, x, y, cell=cell, colour=colours[cell.target])
    for cell in known_chance.itertuples():
        y, x = len(sources), targets.index(cell.target)
        empty[y, x] = False
        axes.text(x, y, f"{cell.chance:.1f}", ha="center", va="center")
    n_candidates = sum(methods.is_contrastive(method) for method, _ in sources)
    if 0 < n_candidates < len(labels):
        axes.axhline(n_candidates - 0.5, color="black", linewidth=0.8)
    for y, x in np.argwhere(empty):
        axes.text(x, y, "–", ha="center", va="center", color="#999999")
    _frame(axes, labels, targets)
    _colour_bar(figure, axes, image)
    caption = CAPTION + CAPTION_OF_GREY * bool(has_published)
    text = footer.text(evidence, cells["method"], cells["seeds"], intervals="±")
    footer.write(figure, caption, text)
    return figure, cells


def _label(method: str, source: str, several: bool) -> str:
    if method == "random":
        return methods.label(method)
    text = names.source(source)
    if several or method in ("supervised", EXTERNAL):
        text += f" ({methods.label(method)})"
    return "\n".join(textwrap.wrap(text, 36))


def _shade(
    axes: Axes, cells: pd.DataFrame, sources: list[tuple[str, str]], *, n_rows: int
) -> AxesImage:
    """Colour the candidates by how far they are behind the column's best."""
    contrastive = cells["method"].map(methods.is_contrastive)
    candidates = cells[contrastive | (not contrastive.any())]
    targets = sorted(cells["target"].unique())
    shade = np.full((n_rows, len(targets)), np.nan)
    for cell in candidates.itertuples():
        y, x = sources.index((cell.method, cell.source)), targets.index(cell.target)
        shade[y, x] = -cell.behind_best
    # at least a point: a hair's breadth between sources should not look like a gulf
    lowest = min(np.nanmin(shade), -1.0)
    return axes.imshow(shade, cmap=COLOUR_MAP, vmin=lowest, vmax=-lowest, aspect="auto")


def _colour_bar(figure: Figure, axes: Axes, image: AxesImage) -> None:
    bar = figure.colorbar(image, ax=axes, shrink=0.9, pad=0.02, aspect=14)
    bar.ax.set_ylim(image.get_clim()[0], 0)
    bar.set_label("points against\nthe column's best")
    bar.outline.set_visible(False)


def _cell(axes: Axes, x: int, y: int, *, cell: Any, colour: str) -> None:
    """Draw the text of a cell, its box when best, its triangle when source and target are the same
    dataset."""
    text = f"{cell.top1:.1f} ±{cell.half_width:.1f}"
    published = pd.notna(cell.published_top1)
    look: style.Look = {
        "ha": "center",
        "va": "center",
        "fontweight": "bold" if cell.best else "normal",
    }
    axes.text(x, y - 0.16 * published, text, color="black", **look)
    if published:
        grey: style.Look = {"ha": "center", "va": "center", "color": "#444444", "fontsize": 5.5}
        axes.text(x, y + 0.26, _published_text(cell), **grey)
    if cell.best:
        line: style.Look = {"fill": False, "edgecolor": "black", "linewidth": 1.2}
        axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, clip_on=False, zorder=3, **line))
    if cell.in_domain:
        corner: style.Look = {"markersize": 15, "color": colour, "markeredgewidth": 0}
        axes.plot(x - 0.5, y - 0.5, marker=CORNER, clip_on=False, **corner)


def _published_text(cell: Any) -> str:
    ours = "" if cell.protocol == "linear_augmented" else f"augmented {cell.augmented_top1:.1f}, "
    return f"{ours}paper {cell.published_top1:.1f}"


def _frame(axes: Axes, labels: list[str], targets: list[str]) -> None:
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xticks(range(len(targets)), [names.dataset(target) for target in targets])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    look: style.Look = {"xycoords": "axes fraction", "textcoords": "offset points", "ha": "right"}
    axes.annotate("evaluated on →\npretrained on ↓", (0, 1), (-4, 2), **look)
