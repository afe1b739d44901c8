"""The paper's numbers in our figures: hollow markers over the lines of what was measured here.

The shared helper of every figure. `points` gives the published numbers that stand beside rows of our table (empty for datasets
that the paper does not have), `mark` draws some of them:

    theirs = hollow.points(rows)                                          # rows: those of the table that the figure shows
    hollow.mark(axes, here["labelled_images"], here["paper"], colour, "o")  # here: the part of `theirs` that belongs on the axes

`mark` enters `LABEL` into the legend in a neutral colour; `panels.legend_below` shows it once, however many panels have it.
"""

from collections.abc import Iterable

import pandas as pd
from matplotlib.axes import Axes

from fourlenses.lenses import side_by_side

LABEL = "published (Cole et al.)"
SIZE = 5.0  # points, larger than a filled marker, which stays visible where the two agree
NEUTRAL = "#4D4D4D"


def points(rows: pd.DataFrame) -> pd.DataFrame:
    """The published numbers for the same method, source, target, level, labelled images and protocol: the columns of `side_by_side`.

    Of these `paper` is the published top-1 in percent, beside `method`, `source`, `pretrain_images`, `target`, `labelled_images`, ….
    """
    return side_by_side.compare(rows)


def mark(axes: Axes, x: Iterable[float], y: Iterable[float], colour: object, marker: str = "o") -> None:
    """A hollow marker at each x and y; none, and no entry in the legend, where there are none."""
    x, y = list(x), list(y)
    if not x:
        return
    look = {"linestyle": "none", "marker": marker, "markersize": SIZE, "markerfacecolor": "none", "markeredgewidth": 0.9}
    axes.plot(x, y, markeredgecolor=colour, zorder=4, **look)
    axes.plot([], [], label=LABEL, markeredgecolor=NEUTRAL, **(look | {"marker": "o"}))
