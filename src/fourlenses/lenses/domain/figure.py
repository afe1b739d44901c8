"""Data domain (the paper's Table 1): a matrix of pretraining sources by targets.

Rows are what was pretrained on, in blocks: single sources, pools, concatenated encoders, and
baselines; columns are targets. A cell is top-1 of a linear classifier on the frozen features with
the half of its 95 % interval, at the target's largest number of labelled images; below it, and as
its colour, the points against pretraining on the target's own images, on the same test images and
seeds (`matrix`). "≈" says that the interval of this difference includes 0. The best contrastive
single source of each column is bold and boxed. Among the baselines is training from scratch on as
many labels, where the study has it.

In grey below a number is the paper's for the same method, source and target. Its protocol is
`linear_augmented`, so it is shown where that was run, next to what that gave here.
"""

import textwrap
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from fourlenses.analysis.contrasts import Evidence
from fourlenses.lenses.domain.matrix import BASELINES, BLOCKS, numbers_drawn
from fourlenses.plotting import chance, colours, footer, style
from fourlenses.study import methods, names
from fourlenses.study.vocabulary import EXTERNAL, FROM_SCRATCH, RANDOM_INIT

ROW_HEIGHT = 0.31  # inches
GAP = 0.62  # rows above a block, for its name
LINE = 0.38  # rows, of a line of a label
NARROW = 0.75  # inches of a cell, below which the half width is left out
CAPTION = (
    "Top-1 accuracy, %, ± half of its 95 % interval; below, points against pretraining on the "
    "target's own images (blue: better, red: worse; ≈: the interval of the difference includes "
    "0). Box: best single contrastive source."
)
CAPTION_OF_GREY = " Grey: ours on augmented images, which is the paper's protocol, and the paper's."
COLOUR_MAP = "RdBu"
LEAST_SPAN = 4.0  # points: less than this is not drawn as if it were a gulf
STRONGEST = 0.75  # share of the half map that is used: text stays readable

Key = tuple[str, str, int, str]  # method, source, pretraining images, protocol: a row


@style.context()
def draw(evidence: Evidence) -> tuple[Figure, pd.DataFrame]:
    """Return the matrix of the domain lens and the numbers in it."""
    cells = numbers_drawn(evidence)
    targets = sorted(cells["target"].unique())
    per_row = 36 if style.width(len(targets)) > style.ONE_COLUMN + 1 else 17
    rows, heads = _rows(cells, wrap=per_row)
    known_chance = cells.dropna(subset="chance").drop_duplicates("target")
    last = max(place for place, _ in rows.values())
    bottom = last + (1.0 if len(known_chance) else 0.0)
    has_published = cells["published_top1"].notna().any()
    height = 0.5 + (1.35 if has_published else 1.0) * ROW_HEIGHT * (bottom + 1)
    figure = style.new_figure(min(len(targets), 2), height=height)
    axes = figure.subplots()
    span = max(LEAST_SPAN, cells["against"].abs().max()) if cells["against"].notna().any() else 1.0
    narrow = (figure.get_figwidth() - 0.05 * per_row) / len(targets) < NARROW
    for cell in cells.itertuples():
        place = rows[_key(cell)][0]
        _cell(axes, targets.index(cell.target), place, cell=cell, span=span, narrow=narrow)
    for cell in known_chance.itertuples():
        axes.text(
            targets.index(cell.target), bottom, f"{cell.chance:.1f}", ha="center", va="center"
        )
    labels = dict(rows.values()) | ({bottom: chance.LABEL} if len(known_chance) else {})
    _frame(axes, labels, heads, targets=targets)
    caption = CAPTION + CAPTION_OF_GREY * bool(has_published)
    text = footer.text(
        evidence, cells["method"], cells["seeds"], lens="domain", targets=targets, intervals="±"
    )
    footer.write(figure, caption, text)
    return figure, cells


def _key(cell: Any) -> Key:
    return cell.method, cell.row_source, cell.row_images, cell.row_protocol


def _rows(
    cells: pd.DataFrame, *, wrap: int
) -> tuple[dict[Key, tuple[float, str]], dict[float, str]]:
    """Return the place and label of each row from the top, and the place of each block's name."""
    several = cells.loc[cells["block"] != BASELINES, "method"].nunique() > 1
    rows: dict[Key, tuple[float, str]] = {}
    heads: dict[float, str] = {}
    place = 0.0
    for block in BLOCKS:
        members = list(dict.fromkeys(map(_key, cells[cells["block"] == block].itertuples())))
        if not members:
            continue
        place += GAP if place else 0.0
        heads[place - 0.5] = block
        for key in members:
            parts = textwrap.wrap(_label(key, several=several), wrap, break_long_words=False)
            height = max(1.0, LINE * len(parts) + 0.15)
            rows[key] = place + (height - 1) / 2, "\n".join(parts)
            place += height
    return rows, heads


def _label(key: Key, *, several: bool) -> str:
    method, source, _, protocol = key
    if protocol in FROM_SCRATCH:
        return f"labels alone, {names.protocol(protocol)}"
    if method == RANDOM_INIT:
        return methods.label(method)
    text = names.source(source)
    if several or method in ("supervised", EXTERNAL):
        text += f" ({methods.label(method)})"
    return text


def _cell(axes: Axes, x: int, y: float, *, cell: Any, span: float, narrow: bool) -> None:
    """Draw the colour and the text of a cell, and its box when best."""
    colour = _colour(cell.against, span)
    corner = (x - 0.49, y - 0.47)
    axes.add_patch(Rectangle(corner, 0.98, 0.94, facecolor=colour, edgecolor="none", zorder=1))
    text = f"{cell.top1:.1f}" + ("" if narrow else f" ±{cell.half_width:.1f}")
    look: style.Look = {"ha": "center", "va": "center", "zorder": 2, "color": _ink(colour)}
    below = [text for text in (_against(cell), _published(cell, narrow=narrow)) if text]
    shift = 0.17 * (len(below) > 0) + 0.09 * (len(below) > 1)
    weight = "bold" if cell.best else "normal"
    axes.text(x, y - shift, text, fontweight=weight, **look)
    for line, words in enumerate(below):
        axes.text(x, y + 0.06 + 0.17 + 0.25 * line - shift / 2, words, fontsize=5.5, **look)
    if cell.best:
        frame: style.Look = {"fill": False, "edgecolor": "black", "linewidth": 1.1}
        axes.add_patch(Rectangle(corner, 0.98, 0.94, clip_on=False, zorder=3, **frame))


def _colour(against: float, span: float) -> str:
    """Return blue for better than in-domain, red for worse; by the root of the points, so that
    small differences are seen next to large ones."""
    if pd.isna(against):
        return "#F4F4F4"
    strength = (abs(against) / span) ** 0.5 * STRONGEST
    share = 0.5 + 0.5 * strength * (1 if against > 0 else -1)
    return matplotlib.colors.to_hex(matplotlib.colormaps[COLOUR_MAP](share))


def _ink(colour: str) -> str:
    return "white" if colours.contrast(colour) > colours.LEAST_CONTRAST_OF_TEXT else "black"


def _against(cell: Any) -> str:
    if cell.reference == cell.source and cell.in_domain:
        return "own images"
    if pd.isna(cell.against):
        return ""
    equal = "≈ " if cell.against_low <= 0 <= cell.against_high else ""
    return f"{equal}{cell.against:+.1f}".replace("-", "\N{MINUS SIGN}")


def _published(cell: Any, *, narrow: bool) -> str:
    if pd.isna(cell.published_top1):
        return ""
    if cell.protocol == "linear_augmented" or narrow:
        return f"paper {cell.published_top1:.1f}"
    return f"augmented {cell.augmented_top1:.1f}, paper {cell.published_top1:.1f}"


def _frame(
    axes: Axes, labels: dict[float, str], heads: dict[float, str], *, targets: list[str]
) -> None:
    axes.set_xlim(-0.5, len(targets) - 0.5)
    axes.set_ylim(max(labels) + 0.5, -0.5 - GAP)
    axes.set_yticks(list(labels), list(labels.values()))
    for place, text in heads.items():
        look: style.Look = {"fontsize": 5.5, "color": style.QUIET, "va": "bottom", "ha": "left"}
        axes.text(-0.48, place - 0.02, text, **look)
    axes.set_xticks(range(len(targets)), [names.dataset(target) for target in targets])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    corner: style.Look = {"xycoords": "axes fraction", "textcoords": "offset points", "ha": "right"}
    axes.annotate("evaluated on →\npretrained on ↓", (0, 1), (-4, -6), **corner)
