"""The finer the labels, the further behind? Supervised less contrastive against depth in the label hierarchy, all targets in one panel.

The numbers are the gaps of the figure `granularity`. Depth is a level's place between the target's coarsest level (0) and its finest (1),
so that hierarchies of three levels and of nineteen can lie over each other; a target with one level stands at 1. How many labels a
level has is not in the table.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fourlenses.lenses import granularity, hollow, methods, names, panels, sentence, style

NAME = "granularity_gap"
COLUMNS = ["target", "method", "level", "place", "depth", "gap", "gap_low", "gap_high", "published_gap"]


def numbers_drawn(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row per target, contrastive method and level."""
    numbers = granularity.numbers_drawn(metrics)
    finest = numbers.groupby("target")["place"].max()
    last = numbers["target"].map(finest)
    numbers["depth"] = (numbers["place"] / last.clip(lower=1)).where(last > 0, 1.0)
    return numbers.loc[numbers["gap"].notna(), COLUMNS].reset_index(drop=True)


@style.context()
def draw(metrics: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """The gap of every target against depth, and the numbers in it."""
    numbers = numbers_drawn(metrics)
    if numbers.empty:
        text = "No target has both contrastive and supervised encoders at a level of its labels, so there is no gap to draw."
        return sentence.figure(text), numbers
    figure = style.new_figure(1, height=2.7)
    axes = figure.subplots()
    colours = style.dataset_colours(metrics["target"])
    several = numbers["method"].nunique() > 1
    for (target, method), points in numbers.groupby(["target", "method"], sort=False):
        label = f"{names.dataset(target)}, {methods.label(method)}" if several else names.dataset(target)
        _line(axes, points, colours[target], label, methods.marker(method))
    axes.axhline(0, color="black", linewidth=0.6)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["coarsest\nlevel", "", "", "", "finest\nlevel"])
    axes.set_xlabel("depth in the label hierarchy")
    axes.set_ylabel(f"supervised less {'contrastive' if several else methods.label(numbers['method'].iloc[0])}, points")
    axes.grid(True)
    panels.legend_below(figure, columns=2)
    return figure, numbers


def _line(axes: Axes, points: pd.DataFrame, colour: str, label: str, marker: str) -> None:
    gap = pd.DataFrame({"top1": points["gap"], "top1_low": points["gap_low"], "top1_high": points["gap_high"]})
    panels.line(axes, points["depth"], gap, colour, label, marker)
    hollow.mark(axes, points["depth"], points["published_gap"], colour, marker)
