"""Parts that the panels of several figures share: grid, axis of image numbers, line, legend."""

import textwrap
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from fourlenses.plotting import chance, ends, published_markers, style, ticks
from fourlenses.study import names

HANDLE, CHARACTER = 0.43, 0.048  # inches in a legend
BETTER, BETTER_UP = "← worse · better →", "better ↑"
NARROW = "← worse\nbetter →"


def grid(figure: Figure, panels: int, *, per_row: int, blocks: int = 1) -> np.ndarray:
    """Return the axes of blocks of panels, (blocks, panels): each block is filled row by row, and
    places without a panel stay empty.

    One layout for all, so that their axes are aligned.

    Args:
        figure: the figure.
        panels: of a block.
        per_row: panels in a row.
        blocks: one below the other.
    """
    rows = -(-panels // per_row)
    axes = figure.subplots(blocks * rows, per_row, squeeze=False)
    every = axes.reshape(blocks, rows * per_row)
    for unused in every[:, panels:].flat:
        unused.remove()
    return every[:, :panels]


def better_right(axes: Axes, label: str, *, narrow: bool = False) -> None:
    """Label an x axis of differences, and say which way is better."""
    axes.set_xlabel(f"{label}\n{NARROW if narrow else BETTER}")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))


def same_x(axes_of: Iterable[Axes]) -> None:
    """Give panels one x axis, which shows all of each."""
    axes_of = list(axes_of)
    low = min(axes.get_xlim()[0] for axes in axes_of)
    high = max(axes.get_xlim()[1] for axes in axes_of)
    for axes in axes_of:
        axes.set_xlim(low, high)


def note(axes: Axes, text: str) -> None:
    """Write a few words into the corner of a panel that lines rising to the right leave free."""
    box: style.Look = {
        "facecolor": "white",
        "edgecolor": "#999999",
        "linewidth": 0.4,
        "alpha": 0.85,
        "boxstyle": "round,pad=0.25",
    }
    look: style.Look = {"ha": "left", "va": "top", "fontsize": 5.5, "color": "#8B0000", "zorder": 5}
    axes.text(0.03, 0.97, text, transform=axes.transAxes, bbox=box, **look)


def room_above(axes: Axes, share: float) -> None:
    """Raise the upper end of the y axis by a share of its range, for a note."""
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + share * (high - low))


def images_axis(axes: Axes, numbers: Iterable[int], label: str) -> None:
    """Make the x axis logarithmic, with a tick at each number of images that occurs.

    They are few, and powers of ten are seldom among them.
    """
    numbers = sorted(set(numbers))
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(numbers))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(numbers, [names.count(number) for number in numbers])
    axes.set_xlim(numbers[0] / 1.25, numbers[-1] * 1.25)
    ticks.thinned(axes)
    axes.set_xlabel("\n".join(textwrap.wrap(label, int(style.panel_width(axes) / 0.06))))
    accuracy_axis(axes)


def accuracy_axis(axes: Axes) -> None:
    """Give the y axis few, whole numbers."""
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    axes.grid(True)


def line(
    axes: Axes,
    x: Iterable[float],
    rows: pd.DataFrame,
    *,
    colour: str,
    label: str,
    marker: str,
    dashes: Any = "-",
    y: str = "top1",
    end: str = "",
) -> None:
    """Draw a column of ``rows`` against ``x`` with its band.

    A single point gets a whisker, because a band of no width is invisible. The band of one seed is
    hatched.

    Args:
        axes: the panel.
        x: one value per row.
        rows: with the columns `y`, `<y>_low` and `<y>_high`.
        colour: of line and band.
        label: in the legend, where no line of the figure is labelled so at its end.
        marker: matplotlib's.
        dashes: matplotlib's line style.
        y: the column drawn.
        end: the label at the line's end; empty: none.
    """
    x = list(x)
    low, high = rows[f"{y}_low"], rows[f"{y}_high"]
    look: style.Look = {"color": colour, "marker": marker, "linestyle": dashes}
    axes.plot(x, rows[y], label=label, **look)
    if len(x) == 1:
        axes.vlines(x, low, high, color=colour, linewidth=0.8)
    else:
        axes.fill_between(x, low, high, facecolor=colour, alpha=0.15, linewidth=0)
        if "seeds" in rows and rows["seeds"].min() == 1:
            # by itself: in an SVG an area and its hatch have one opacity, and so no contrast
            lines: style.Look = {"facecolor": "none", "hatch": "//////", "linewidth": 0}
            axes.fill_between(x, low, high, edgecolor=to_rgba(colour, 0.55), **lines)
    if end:
        last = int(np.argmax(x))
        at: style.Look = {"x": x[last], "y": float(rows[y].iloc[last])}
        ends.add(axes, end, colour=colour, marker=marker, **at)


def legend_below(
    figure: Figure, *, title: str | None = None, columns: int = 4, without: Iterable[str] = ()
) -> None:
    """Draw one legend for all panels, below them and so never over data.

    A label that several panels use is shown once. The panel with most labels leads, so that one
    which lacks a line does not upset the order.

    Args:
        figure: the figure.
        title: of the legend.
        columns: at most; fewer where their labels are too wide.
        without: labels that stand at the ends of their lines.
    """
    handles: dict[str, Any] = {}
    for axes in sorted(figure.axes, key=lambda axes: -len(axes.get_legend_handles_labels()[1])):
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            if label not in without:
                handles.setdefault(label, handle)
    for last in (chance.LABEL, published_markers.LABEL):  # what was measured here comes first
        if last in handles:
            handles[last] = handles.pop(last)
    if not handles:
        return
    figure.legend(
        handles.values(),
        handles.keys(),
        loc="outside lower center",
        ncols=_columns(list(handles), columns, width=style.root_figure(figure).get_figwidth()),
        title=title,
    )


def _columns(labels: list[str], most: int, *, width: float) -> int:
    """Return as many columns as fit into the width, inches; they are filled from top to bottom."""
    lengths = [len(label) for label in labels]
    for columns in range(min(most, len(labels)), 1, -1):
        parts = np.array_split(lengths, columns)  # as matplotlib fills them
        if sum(HANDLE + CHARACTER * part.max() for part in parts) <= width:
            return columns
    return 1
