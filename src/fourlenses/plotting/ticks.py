"""Tick labels of the x axis that never run into each other: measured once the layout is known."""

from itertools import pairwise
from weakref import WeakKeyDictionary

from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

LEAST_GAP = 1.5  # points between two labels
_FIXED: WeakKeyDictionary[Axes, str] = WeakKeyDictionary()  # axes whose ticks are given


def thinned(axes: Axes) -> None:
    """Leave labels away where they would collide; every tick stays."""
    _FIXED[axes] = "thin"


def turned(axes: Axes) -> None:
    """Turn all labels upright where any two would collide; leave some away if they still do."""
    _FIXED[axes] = "turn"


def fit(axes: Axes) -> bool:
    """Mend the labels of the x axis, once the figure has been drawn; return whether it changed."""
    labels = [label for label in axes.get_xticklabels() if label.get_text()]
    if not axes.axison or not _collide(labels, axes):
        return False
    way = _FIXED.get(axes, "fewer")
    upright = bool(labels[0].get_rotation())
    if way == "turn" and not upright:
        texts = [label.get_text().replace("\n", " ") for label in axes.get_xticklabels()]
        axes.set_xticks(axes.get_xticks(), texts)
        axes.tick_params(axis="x", labelrotation=90)
    elif way in ("thin", "turn"):
        _thin(labels, axes)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=3, integer=True))
    return True


def _thin(labels: list[Text], axes: Axes) -> None:
    """Keep the last label and the first, and of the others those with room."""
    kept: list[Text] = []
    for label in [labels[-1], *labels[:-1]]:
        if not _collide([*kept, label], axes):
            kept.append(label)
    texts = [label.get_text() if label in kept else "" for label in axes.get_xticklabels()]
    axes.set_xticks(axes.get_xticks(), texts)


def _collide(labels: list[Text], axes: Axes) -> bool:
    gap = LEAST_GAP * axes.figure.dpi / 72
    spans = sorted((box.x0, box.x1) for box in (label.get_window_extent() for label in labels))
    return any(left[1] + gap > right[0] for left, right in pairwise(spans))
