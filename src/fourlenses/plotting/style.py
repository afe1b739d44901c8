"""How every figure looks: widths, fonts, and one fixed colour per dataset (those of methods are in `methods`).

The colours are Tol's muted set, made to stay apart for colour-blind readers.
"""

import math
from collections.abc import Iterable
from contextlib import AbstractContextManager

import matplotlib
from matplotlib.figure import Figure

ONE_COLUMN = 3.35  # inches: a column of a two-column page
TWO_COLUMNS = 6.9

PALE = "#999999"  # what is shown and does not count
QUIET = "#555555"  # what explains, beside what is measured

DATASET_COLOURS = (
    "#332288",
    "#44AA99",
    "#CC6677",
    "#DDCC77",
    "#88CCEE",
    "#117733",
    "#882255",
    "#999933",
    "#AA4499",
)

RC = {
    "font.family": "DejaVu Sans",  # ships with matplotlib, so that every machine draws the same bytes
    "font.size": 7.0,
    "axes.titlesize": 8.0,
    "axes.labelsize": 7.0,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "legend.title_fontsize": 6.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.axisbelow": True,
    "grid.color": "#E5E5E5",
    "grid.linewidth": 0.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.2,
    "savefig.dpi": 300,
    "svg.fonttype": "none",  # text stays text: searchable, editable
    "svg.hashsalt": "fourlenses",  # ids in an svg are random otherwise
}


def context() -> AbstractContextManager:
    """The house style for the time of a `with` block or, as a decorator, of a function, whatever the reader's own settings."""
    defaults = {
        key: value
        for key, value in dict.items(matplotlib.rcParamsDefault)
        if not key.startswith("backend")
    }
    return matplotlib.rc_context(defaults | RC)


def new_figure(columns: int, height: float) -> Figure:
    """A figure for `columns` panels side by side: one column wide for one panel, two for up to four, wider beyond."""
    width = ONE_COLUMN if columns == 1 else TWO_COLUMNS * max(1.0, columns / 4)
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.03, h_pad=0.03, wspace=0.03, hspace=0.03)
    return figure


def dataset_colours(datasets: Iterable[str]) -> dict[str, str]:
    """A colour for each dataset, by its place in the sorted list, so that all figures of one table agree.

    Beyond nine datasets the colours repeat: the name is always written beside them.
    """
    return {
        name: DATASET_COLOURS[place % len(DATASET_COLOURS)]
        for place, name in enumerate(sorted(set(datasets)))
    }


def quantity_colours(
    quantities: Iterable[int], colour_map: str = "viridis"
) -> dict[int, tuple[float, ...]]:
    """Dark for few images to light for many, evenly in the logarithm; the palest end is left out, being unreadable on white."""
    quantities = sorted(set(quantities))
    if not quantities:
        return {}
    low, high = math.log(max(quantities[0], 1)), math.log(max(quantities[-1], 1))
    span = (high - low) or 1.0
    colours = matplotlib.colormaps[colour_map]
    return {
        number: colours(0.82 * (math.log(max(number, 1)) - low) / span) for number in quantities
    }
