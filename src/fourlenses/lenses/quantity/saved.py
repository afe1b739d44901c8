"""Labels saved by pretraining: how many labels training from scratch needs to do as well.

One panel per target, on two logarithmic axes: across the labels used with pretraining, up those
with which training from scratch reaches the same top-1, read off its curve (straight in the
logarithm of the labels). On the line y = x pretraining saves nothing; above it, it saves the
difference. A triangle: more than the most labels that training from scratch was given. Of each
method and protocol the encoder of most images is shown.

Whiskers go from what the curve's upper bound needs for the encoder's lower bound to what its lower
bound needs for the upper bound, and so are wider than a 95 % interval. One that continues beyond
the fewest or the most labels of training from scratch ends in an arrow head; the footer says so.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.markers import CARETDOWN, CARETUP

from fourlenses.analysis.contrasts import Evidence
from fourlenses.core.errors import UserError
from fourlenses.lenses.quantity import figure as quantity_figure
from fourlenses.lenses.quantity import lengths
from fourlenses.plotting import colours, footer, panels, style
from fourlenses.study import methods, names
from fourlenses.study.vocabulary import PROTOCOLS

KEYS = ["target", "method", "protocol", "pretrain_images", "labelled_images"]
COLUMNS = [*KEYS, "top1", "needed", "needed_low", "needed_high", "most_labels", "saved", "seeds"]
PANEL_HEIGHT, LEAST_PANEL = 1.9, 1.6  # inches
FILLS = ("full", "none", "left", "right")  # of markers, by protocol
BEYOND, MARGIN = 1.6, 1.3  # factors: from the most labels to what needs more, and to the axis' end
WIDER = "between the 95 % bounds of encoder and curve, wider than a 95 % interval"
ARROWS = (
    "arrow head: the interval continues beyond the fewest or the most labels that training from "
    "scratch was given"
)


def numbers_drawn(evidence: Evidence) -> pd.DataFrame:
    """Return one row per encoder, protocol and label size.

    Returns:
        `needed`: labels from scratch for the same top-1, inf where beyond `most_labels`, nan where
        fewer than the fewest; `saved`: needed minus used.
    """
    try:
        numbers = quantity_figure.numbers_drawn(evidence)
    except UserError:
        return pd.DataFrame(columns=COLUMNS)
    scratch = numbers[(numbers["series"] == "scratch") & (numbers["protocol"] == "scratch")]
    own = numbers[(numbers["series"] == "pretrained") & (numbers["curve"] != lengths.CONTROL)]
    own = own.drop_duplicates(KEYS)
    largest = own.groupby(["target", "entry", "protocol"])["pretrain_images"].transform("max")
    rows = []
    for point in own[own["pretrain_images"] == largest].itertuples():
        curve = scratch[scratch["target"] == point.target].sort_values("labelled_images")
        if len(curve) < 2:
            continue
        needed = [
            labels_needed(curve, ours, column)
            for ours, column in (
                (point.top1, "top1"),
                (point.top1_low, "top1_high"),
                (point.top1_high, "top1_low"),
            )
        ]
        row = {key: getattr(point, key) for key in (*KEYS, "top1", "seeds")}
        row |= dict(zip(("needed", "needed_low", "needed_high"), needed, strict=True))
        row["most_labels"] = int(curve["labelled_images"].max())
        rows.append(row | {"saved": needed[0] - point.labelled_images})
    return pd.DataFrame(rows, columns=COLUMNS)


def labels_needed(curve: pd.DataFrame, top1: float, column: str) -> float:
    """Return the fewest labels with which a curve reaches an accuracy.

    Args:
        curve: rows with labelled_images, increasing.
        top1: percent.
        column: of the curve's accuracies.

    Returns:
        inf beyond the curve's most labels, nan below its fewest.
    """
    labels, reached = np.log(curve["labelled_images"].to_numpy()), curve[column].to_numpy()
    if top1 < reached[0]:
        return float("nan")
    above = np.flatnonzero(reached >= top1)
    if not len(above):
        return float("inf")
    end = above[0]
    if end == 0:
        return float(np.exp(labels[0]))
    share = (top1 - reached[end - 1]) / (reached[end] - reached[end - 1])
    return float(np.exp(labels[end - 1] + share * (labels[end] - labels[end - 1])))


@style.context()
def draw(evidence: Evidence) -> tuple[Figure | None, pd.DataFrame]:
    """Return the figure of labels saved, and the numbers in it."""
    numbers = numbers_drawn(evidence)
    numbers = numbers[numbers["needed"].notna()].reset_index(drop=True)
    if numbers.empty:
        return None, numbers
    targets = sorted(numbers["target"].unique())
    per_row = style.columns(len(targets), LEAST_PANEL)
    height = 0.4 + PANEL_HEIGHT * -(-len(targets) // per_row)
    figure = style.new_figure(len(targets), height=height)
    grid = panels.grid(figure, len(targets), per_row=per_row)[0]
    protocols = names.in_order(numbers["protocol"], PROTOCOLS)
    for index, (axes, target) in enumerate(zip(grid, targets, strict=True)):
        _panel(axes, numbers[numbers["target"] == target], protocols)
        axes.set_title(names.dataset(target))
        if index % per_row == 0:
            axes.set_ylabel(f"labels needed\nfrom scratch ({panels.BETTER_UP})")
    panels.legend_below(figure, columns=2)
    look: style.Look = {"targets": targets, "intervals": "whiskers", "covering": WIDER}
    text = footer.text(evidence, numbers["method"], numbers["seeds"], lens="quantity", **look)
    footer.write(figure, text, *([ARROWS] if _cut(numbers).any(axis=None) else []))
    return figure, numbers


def _cut(rows: pd.DataFrame) -> pd.DataFrame:
    """Return whether the whisker of each row continues below and above what is drawn."""
    known = np.isfinite(rows["needed"])
    return pd.DataFrame(
        {"below": rows["needed_low"].isna(), "above": np.isinf(rows["needed_high"]) & known}
    )


def _panel(axes: Axes, rows: pd.DataFrame, protocols: list[str]) -> None:
    most = int(rows["most_labels"].iloc[0])
    beyond = BEYOND * most
    used = sorted(rows["labelled_images"].unique())
    lowest = min(used[0], rows[["needed", "needed_low"]].min(axis=None))
    below = lowest / BEYOND  # where whiskers end of which the lower end is not known
    ends = [below / MARGIN, max(beyond, used[-1]) * MARGIN]
    axes.plot(ends, ends, color=style.PALE, linewidth=0.7, label="no labels saved")
    axes.axhline(most, color=style.QUIET, linewidth=0.6, linestyle=(0, (1, 2)))
    groups = list(rows.groupby(["method", "protocol"], sort=False))
    for index, ((method, protocol), points) in enumerate(groups):
        colour, fill = colours.of_method(method), FILLS[protocols.index(protocol) % len(FILLS)]
        x = points["labelled_images"] * 1.06 ** (index - (len(groups) - 1) / 2)
        low = points["needed_low"].fillna(below).clip(upper=beyond)
        axes.vlines(x, low, points["needed_high"].clip(upper=beyond), color=colour, linewidth=0.8)
        for side, end, head in (("below", below, CARETDOWN), ("above", beyond, CARETUP)):
            cut = _cut(points)[side]
            arrow: style.Look = {"color": colour, "marker": head, "linestyle": "none"}
            axes.plot(x[cut], [end] * int(cut.sum()), markersize=4, **arrow)
        known = np.isfinite(points["needed"])
        label = f"{methods.label(method)}, {names.protocol(protocol)}"
        look: style.Look = {"color": colour, "linestyle": "none", "fillstyle": fill}
        marker = methods.marker(method)
        axes.plot(x[known], points["needed"][known], marker=marker, label=label, **look)
        if not known.all():
            look |= {"marker": "^", "markersize": 5, "label": f"{label}: beyond the most labels"}
            axes.plot(x[~known], [beyond] * int((~known).sum()), **look)
    panels.images_axis(axes, used, "labels with pretraining")
    axes.set_xlim(used[0] / 1.5, used[-1] * 1.5)
    axes.set_yscale("log")
    at = sorted({*used, most})
    axes.set_yticks(at, [names.count(number) for number in at])
    axes.set_yticks([], minor=True)
    axes.set_ylim(*ends)
