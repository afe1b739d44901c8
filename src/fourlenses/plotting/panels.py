"""Parts that the panels of several figures share: title, axis of image numbers, line, legend."""

import textwrap
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FixedLocator, NullLocator
from matplotlib.transforms import offset_copy

from fourlenses.plotting import chance, published_markers, style
from fourlenses.study import names

HANDLE, CHARACTER = 0.43, 0.048  # inches in a legend


def title(axes: Axes, text: str, colour: str) -> None:
    """Write the panel's title over a bar in its dataset's colour."""
    above = offset_copy(axes.transAxes, fig=style.root_figure(axes), y=3.5, units="points")
    bar: style.Look = {"linewidth": 2.5, "clip_on": False, "solid_capstyle": "butt"}
    axes.plot([0, 1], [1, 1], color=colour, transform=above, **bar)
    axes.set_title(text, pad=7.5)


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
    if len(numbers) > 3:
        slant(axes, 50)
    axes.set_xlabel("\n".join(textwrap.wrap(label, int(style.panel_width(axes) / 0.06))))
    axes.grid(True)


def slant(axes: Axes, degrees: int) -> None:
    """Turn the x tick labels so that each ends under its tick and none runs into the next."""
    axes.tick_params(axis="x", labelrotation=degrees, pad=2.5)
    for label in axes.get_xticklabels():
        label.set(ha="right", rotation_mode="anchor", va="center")


def line(
    axes: Axes,
    x: Iterable[float],
    rows: pd.DataFrame,
    *,
    colour: object,
    label: str,
    marker: str,
    dashes: Any = "-",
    y: str = "top1",
) -> None:
    """Draw a column of ``rows`` against ``x`` with its band.

    A single point gets a whisker, because a band of no width is invisible.

    Args:
        axes: the panel.
        x: one value per row.
        rows: with the columns `y`, `<y>_low` and `<y>_high`.
        colour: of line and band.
        label: in the legend.
        marker: matplotlib's.
        dashes: matplotlib's line style.
        y: the column drawn.
    """
    x = list(x)
    low, high = rows[f"{y}_low"], rows[f"{y}_high"]
    axes.plot(x, rows[y], color=colour, label=label, marker=marker, linestyle=dashes)
    if len(x) == 1:
        axes.vlines(x, low, high, color=colour, linewidth=0.8)
    else:
        axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)


def legend_below(figure: Figure | SubFigure, title: str | None = None, columns: int = 4) -> None:
    """Draw one legend for all panels, below them and so never over data.

    A label that several panels use is shown once. The panel with most labels leads, so that one
    which lacks a line does not upset the order.

    Args:
        figure: or subfigure.
        title: of the legend.
        columns: at most; fewer where their labels are too wide.
    """
    handles: dict[str, Any] = {}
    for axes in sorted(figure.axes, key=lambda axes: -len(axes.get_legend_handles_labels()[1])):
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    for last in (chance.LABEL, published_markers.LABEL):  # what was measured here comes first
        if last in handles:
            handles[last] = handles.pop(last)
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
