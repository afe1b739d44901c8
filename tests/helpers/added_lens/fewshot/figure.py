"""Accuracy against labelled images, a panel per target."""

import pandas as pd
from matplotlib.figure import Figure

from fourlenses.analysis import bands, table
from fourlenses.analysis.contrasts import Evidence
from fourlenses.plotting import colours, footer, panels, style
from fourlenses.study import methods, names


def numbers_drawn(evidence: Evidence) -> pd.DataFrame:
    """Return a row per target, method and number of labels."""
    rows = table.at_finest(table.rows_for(evidence.metrics, "fewshot"))
    numbers = bands.over_seeds(rows, ["target", "method", "labelled_images"], evidence)
    return numbers.sort_values(["target", "method", "labelled_images"], ignore_index=True)


@style.context()
def draw(evidence: Evidence) -> tuple[Figure, pd.DataFrame]:
    """Return the figure and the numbers in it."""
    numbers = numbers_drawn(evidence)
    targets = sorted(numbers["target"].unique())
    figure = style.new_figure(len(targets), height=2.0)
    grid = figure.subplots(1, len(targets), squeeze=False)[0]
    for axes, target in zip(grid, targets, strict=True):
        for method, rows in numbers[numbers["target"] == target].groupby("method"):
            look = {"colour": colours.of_method(method), "marker": methods.marker(method)}
            panels.line(axes, rows["labelled_images"], rows, label=methods.label(method), **look)
        panels.images_axis(axes, numbers["labelled_images"], "labelled images")
        axes.set_title(names.dataset(target))
    panels.legend_below(figure)
    text = footer.text(evidence, numbers["method"], numbers["seeds"], targets=targets)
    footer.write(figure, text)
    return figure, numbers
