"""Curves of top-1 against labelled images, a panel per target, labelled at their ends."""

from collections.abc import Callable

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fourlenses.analysis.contrasts import Evidence
from fourlenses.plotting import chance, colours, footer, panels, published_markers, style
from fourlenses.study import methods
from fourlenses.study.vocabulary import FROM_SCRATCH, PROTOCOLS

PANEL_HEIGHT = 2.0  # inches, with axis labels
LEAST_PANEL = 1.7  # inches across, with labels
DASHES = ("-", "--", (0, (6, 1, 1, 1)), (0, (8, 2)), ":", (0, (1, 1.5)))


def in_order(numbers: pd.DataFrame, rows: pd.DataFrame, first: str) -> pd.DataFrame:
    """Return numbers with chance, sorted: by target, then by a column in the vocabulary's order.

    Args:
        numbers: what a figure draws.
        rows: of the table, for chance.
        first: `method` or `protocol`.
    """
    numbers["chance"] = chance.top1_by_chance(numbers, rows, ["target"])
    ranks = {
        "method": numbers["method"].map(lambda entry: methods.rank(entry)[0]),
        "protocol": numbers["protocol"].map(list(PROTOCOLS).index),
    }
    numbers = numbers.assign(_first=ranks.pop(first), _second=next(iter(ranks.values())))
    by = ["target", "_first", "_second", "method", "labelled_images"]
    numbers = numbers.sort_values(by, kind="stable", ignore_index=True)
    return numbers.drop(columns=["_first", "_second"])


def draw_curves(
    evidence: Evidence,
    numbers: pd.DataFrame,
    *,
    by: list[str],
    name: Callable[[pd.Series], str],
    title: Callable[[pd.DataFrame], str],
    shaded: bool = False,
) -> tuple[Figure, pd.DataFrame]:
    """Return the figure of curves, and the numbers.

    Args:
        evidence: the study's table.
        numbers: of `in_order`.
        by: the columns that tell lines apart.
        name: a line's label, from its first row.
        title: a panel's, from its rows.
        shaded: lines of one method have its colour in different dashes, else each its method's.
    """
    targets = sorted(numbers["target"].unique())
    per_row = style.columns(len(targets), LEAST_PANEL)
    height = 0.5 + PANEL_HEIGHT * -(-len(targets) // per_row)
    figure = style.new_figure(len(targets), height=height)
    grid = panels.grid(figure, len(targets), per_row=per_row)[0]
    labels = {chance.LABEL}
    for index, (axes, target) in enumerate(zip(grid, targets, strict=True)):
        rows = numbers[numbers["target"] == target]
        for _, line in rows.groupby(by, sort=False):
            label = name(line.iloc[0])
            labels.add(label)
            _line(axes, line, label, shaded=shaded)
        panels.images_axis(axes, rows["labelled_images"], "labelled images")
        chance.line(axes, rows)
        axes.set_title(title(rows))
        if index % per_row == 0:
            axes.set_ylabel("top-1 accuracy, %")
    panels.legend_below(figure, without=labels)
    shown, seeds = numbers["method"], numbers["seeds"]
    footer.write(figure, footer.text(evidence, shown, seeds, targets=targets))
    return figure, numbers


def _line(axes: Axes, rows: pd.DataFrame, label: str, *, shaded: bool) -> None:
    method, protocol = rows[["method", "protocol"]].iloc[0]
    dashes: str | tuple = "--" if protocol in FROM_SCRATCH or method == "random" else "-"
    colour, marker = colours.of_method(method), methods.marker(method)
    if shaded:
        number = list(PROTOCOLS).index(protocol)
        colour = colours.DATASETS[number % len(colours.DATASETS)]
        marker = colours.MARKERS[number % len(colours.MARKERS)]
        dashes = DASHES[number % len(DASHES)]
    look: style.Look = {"colour": colour, "marker": marker}
    x = rows["labelled_images"]
    panels.line(axes, x, rows, label=label, end=label, dashes=dashes, **look)
    published_markers.draw(axes, x, rows["published"], **look)
