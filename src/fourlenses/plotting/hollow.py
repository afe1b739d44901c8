"""The paper's numbers in our figures: hollow markers over the lines of what was measured here.

The shared helper of every figure. `points` gives the published numbers that stand beside rows of our table (empty for datasets
that the paper does not have), `mark` draws some of them:

    numbers["published"] = hollow.beside(numbers, rows, KEYS)  # rows: those of the table that the figure shows; nan where there is none
    hollow.mark(axes, here["labelled_images"], here["published"], colour, "o")  # here: the part of `numbers` that belongs on the axes

`mark` enters `LABEL` into the legend in a neutral colour; `panels.legend_below` shows it once, however many panels have it.
"""

from collections.abc import Iterable

import pandas as pd
from matplotlib.axes import Axes

from fourlenses.analysis import side_by_side

LABEL = "published (Cole et al.)"
SIZE = 5.0  # points, larger than a filled marker, which stays visible where the two agree
NEUTRAL = "#4D4D4D"


def points(rows: pd.DataFrame) -> pd.DataFrame:
    """The published numbers for the same method, source, target, level, labelled images and protocol: see `side_by_side.matched`."""
    return side_by_side.matched(rows)


def beside(numbers: pd.DataFrame, rows: pd.DataFrame, keys: list[str]) -> list[float]:
    """For each line of `numbers`, drawn from `rows`, the published top-1 with the same values in `keys`; nan where there is none."""
    theirs = points(rows)
    known = dict(
        zip(zip(*(theirs[key] for key in keys), strict=True), theirs["paper"], strict=True)
    )
    return [
        float(known.get(key, float("nan")))
        for key in zip(*(numbers[key] for key in keys), strict=True)
    ]


def mark(
    axes: Axes, x: Iterable[float], y: Iterable[float], colour: object, marker: str = "o"
) -> None:
    """A hollow marker at each x and y that is a number; nothing, not even an entry in the legend, where there is none."""
    pairs = [(one, other) for one, other in zip(x, y, strict=True) if other == other]
    if not pairs:
        return
    look = {
        "linestyle": "none",
        "marker": marker,
        "markersize": SIZE,
        "markerfacecolor": "none",
        "markeredgewidth": 0.9,
    }
    axes.plot(*zip(*pairs, strict=True), markeredgecolor=colour, zorder=4, **look)
    axes.plot([], [], label=LABEL, markeredgecolor=NEUTRAL, **(look | {"marker": "o"}))
