"""The look of every figure: widths and fonts. Colours are in `colours`, the user's in `look`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fourlenses.plotting import look

ONE_COLUMN = 3.35  # inches: a column of a two-column page
TWO_COLUMNS = 6.9
BETWEEN, FAR = 0.045, 0.075  # inches at each side of a panel; where tick labels run on otherwise
LEAST_PANEL = 1.55  # inches, with labels

PALE = "#8A8A8A"  # shown, but does not count
QUIET = "#555555"  # explanations, next to what is measured

Look = dict[str, Any]  # keyword arguments of what matplotlib draws

SIZES = {  # of fonts, relative to that of text in panels
    "axes.titlesize": 8 / 7,
    "axes.labelsize": 1.0,
    "xtick.labelsize": 6.5 / 7,
    "ytick.labelsize": 6.5 / 7,
    "legend.fontsize": 6.5 / 7,
    "legend.title_fontsize": 6.5 / 7,
}
RC = {
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
    "hatch.linewidth": 0.3,
    "svg.fonttype": "none",  # text stays text: searchable, editable
    "pdf.fonttype": 42,  # likewise
    "svg.hashsalt": "fourlenses",  # ids in an svg are random otherwise
    "text.parse_math": False,  # names of datasets, levels and classes may hold a $
}


@contextmanager
def context() -> Iterator[None]:
    """Give figures this look whatever the user's own settings of matplotlib.

    A context, or a decorator.
    """
    chosen = look.current()
    defaults: dict[Any, Any] = dict(dict.items(matplotlib.rcParamsDefault))
    defaults = {key: value for key, value in defaults.items() if not key.startswith("backend")}
    sizes = {name: share * chosen.font_size for name, share in SIZES.items()}
    font = {"font.family": chosen.font, "font.size": chosen.font_size, "savefig.dpi": chosen.dpi}
    with matplotlib.rc_context(defaults | RC | sizes | font):
        yield


def width(panels: int) -> float:
    """Return the width of a figure of this number of panels, inches."""
    return look.current().width or (ONE_COLUMN if panels == 1 else TWO_COLUMNS)


def columns(panels: int, least: float = LEAST_PANEL) -> int:
    """Return how many panels stand in a row of a figure.

    Args:
        panels: of the figure.
        least: inches, of a panel with its labels.
    """
    return max(1, min(panels, int(width(panels) / least)))


def new_figure(panels: int, height: float) -> Figure:
    """Return an empty figure.

    Args:
        panels: of the figure; one is a column of a page wide.
        height: inches.
    """
    figure = Figure(figsize=(width(panels), height), layout="constrained")
    layout(figure, w_pad=BETWEEN, h_pad=0.03, wspace=0.03, hspace=0.03)
    return figure


def layout(figure: Figure, **settings: object) -> None:
    """Set parameters of the figure's constrained layout."""
    engine = figure.get_layout_engine()
    assert engine is not None  # `new_figure` gives every figure one
    engine.set(**settings)


def lay_out(figure: Figure) -> None:
    """Give the panels of a figure their places, without drawing what is in them."""
    engine = figure.get_layout_engine()
    assert engine is not None  # `new_figure` gives every figure one
    engine.execute(figure)


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
