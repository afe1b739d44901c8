"""The paper's numbers in our figures: hollow markers over the lines of what was measured here.

`draw` enters `LABEL` into the legend in a neutral colour; `panels.legend_below` shows it once,
however many panels have it.
"""

from collections.abc import Iterable

from matplotlib.axes import Axes

from fourlenses.plotting import style

LABEL = "published (Cole et al.)"
SIZE = 5.0  # points, larger than a filled marker, which stays visible where the two agree
NEUTRAL = "#4D4D4D"


def draw(
    axes: Axes, x: Iterable[float], y: Iterable[float], *, colour: object, marker: str = "o"
) -> None:
    """Draw a hollow marker at each x and y that is a number.

    Where there is none, nothing is drawn, not even an entry of the legend.
    """
    points = [(across, up) for across, up in zip(x, y, strict=True) if up == up]
    if not points:
        return
    look: style.Look = {
        "linestyle": "none",
        "marker": marker,
        "markersize": SIZE,
        "markerfacecolor": "none",
        "markeredgewidth": 0.9,
    }
    axes.plot(*zip(*points, strict=True), markeredgecolor=colour, zorder=4, **look)
    axes.plot([], [], label=LABEL, markeredgecolor=NEUTRAL, **(look | {"marker": "o"}))
