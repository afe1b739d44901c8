"""The look of every figure: widths, fonts, and one fixed colour per dataset.

The colours are Tol's muted set (https://personal.sron.nl/~pault/), which colour-blind readers can
distinguish. Those of methods are in `study.vocabulary`.
"""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

ONE_COLUMN = 3.35  # inches: a column of a two-column page
TWO_COLUMNS = 6.9

PALE = "#999999"  # shown, but does not count
QUIET = "#555555"  # explanations, next to what is measured

Look = dict[str, Any]  # keyword arguments of what matplotlib draws

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
    # ships with matplotlib, so that every machine draws the same bytes
    "font.family": "DejaVu Sans",
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


@contextmanager
def context() -> Iterator[None]:
    """Give figures this look whatever the user's own settings of matplotlib.

    A context, or a decorator.
    """
    defaults: dict[Any, Any] = dict(dict.items(matplotlib.rcParamsDefault))
    defaults = {key: value for key, value in defaults.items() if not key.startswith("backend")}
    with matplotlib.rc_context(defaults | RC):
        yield


def new_figure(columns: int, height: float) -> Figure:
    """Return an empty figure.

    Args:
        columns: of panels. One column of a page wide for one panel, two for up to four, wider
            beyond.
        height: inches.
    """
    width = ONE_COLUMN if columns == 1 else TWO_COLUMNS * max(1.0, columns / 4)
    figure = Figure(figsize=(width, height), layout="constrained")
    layout(figure, w_pad=0.03, h_pad=0.03, wspace=0.03, hspace=0.03)
    return figure


def layout(figure: Figure, **settings: object) -> None:
    """Set parameters of the figure's constrained layout."""
    engine = figure.get_layout_engine()
    assert engine is not None  # `new_figure` gives every figure one
    engine.set(**settings)


def root_figure(artist: Artist) -> Figure:
    """Return the figure that an artist is in, above all subfigures."""
    figure = artist.get_figure(root=True)
    assert figure is not None
    return figure


def panel_width(axes: Axes) -> float:
    """Return the width that a panel of a grid has, with its labels, inches."""
    cell = axes.get_subplotspec()
    assert cell is not None
    return root_figure(axes).get_figwidth() / cell.get_gridspec().ncols


def dataset_colours(datasets: Iterable[str]) -> dict[str, str]:
    """Return a colour for each dataset, by its index in sorted order.

    So all figures of one table agree. Beyond nine datasets the colours repeat; the name is always
    written next to them.
    """
    return {
        name: DATASET_COLOURS[index % len(DATASET_COLOURS)]
        for index, name in enumerate(sorted(set(datasets)))
    }


def quantity_colours(
    quantities: Iterable[int], colour_map: str = "viridis"
) -> dict[int, tuple[float, ...]]:
    """Return a colour for each number of images: dark for few to light for many.

    Even in the logarithm. The palest end of the map is left out, being unreadable on white.
    """
    quantities = sorted(set(quantities))
    if not quantities:
        return {}
    low, high = math.log(max(quantities[0], 1)), math.log(max(quantities[-1], 1))
    span = (high - low) or 1.0
    colours = matplotlib.colormaps[colour_map]
    return {
        number: colours(0.82 * (math.log(max(number, 1)) - low) / span) for number in quantities
    }
