"""The paper's numbers in our figures: hollow markers over the lines of what was measured here.

    hollow.mark(axes, here["labelled_images"], here["published"], colour, "o")

`mark` enters `LABEL` into the legend in a neutral colour; `panels.legend_below` shows it once, however many panels have it.
"""

from collections.abc import Iterable

from matplotlib.axes import Axes

LABEL = "published (Cole et al.)"
SIZE = 5.0  # points, larger than a filled marker, which stays visible where the two agree
NEUTRAL = "#4D4D4D"


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
