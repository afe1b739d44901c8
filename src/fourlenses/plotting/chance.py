"""Chance: the top-1 accuracy of always answering the commonest label of the test images."""

import pandas as pd
from matplotlib.axes import Axes

from fourlenses.plotting import ends, style

LABEL = "chance"


def top1_by_chance(numbers: pd.DataFrame, rows: pd.DataFrame, keys: list[str]) -> list[float]:
    """Return chance for each line of ``numbers``, percent; nan where the table does not have it.

    Args:
        numbers: what a figure draws.
        rows: of the table, with the column `chance` where it has it.
        keys: the columns of both by which they are matched: target, or target and level.
    """
    if "chance" not in rows:
        return [float("nan")] * len(numbers)
    known = (
        rows.assign(chance=pd.to_numeric(rows["chance"], errors="coerce"))
        .dropna(subset="chance")
        .drop_duplicates(keys)
    )
    chances = dict(
        zip(zip(*(known[key] for key in keys), strict=True), known["chance"], strict=True)
    )
    return [
        float(chances.get(key, float("nan")))
        for key in zip(*(numbers[key] for key in keys), strict=True)
    ]


def line(
    axes: Axes,
    numbers: pd.DataFrame,
    keep_range_of: pd.Series | None = None,
    *,
    labelled: bool = True,
) -> None:
    """Draw chance across a panel; nothing where it is not known.

    Args:
        axes: the panel.
        numbers: of the panel, of one target and level.
        keep_range_of: accuracies of the panel. Where chance lies further below them than they are
            apart, the line would flatten them; then the number is written at the bottom instead.
        labelled: whether the line has a label at its end.
    """
    values = numbers["chance"].dropna()
    if values.empty:
        return
    value, drawn = values.iloc[0], keep_range_of
    if drawn is not None and drawn.min() - value > max(drawn.max() - drawn.min(), 5.0):
        look: style.Look = {
            "ha": "left",
            "va": "bottom",
            "fontsize": 5.5,
            "color": style.QUIET,
            "zorder": 4,
        }
        look["bbox"] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.5}
        axes.text(0.02, 0.02, f"{LABEL}: {value:.2g} %", transform=axes.transAxes, **look)
    else:
        dots: style.Look = {"linewidth": 0.7, "linestyle": (0, (1, 2)), "zorder": 1}
        axes.axhline(value, color=style.QUIET, label=LABEL, **dots)
        if labelled:
            ends.add(axes, LABEL, x=axes.get_xlim()[1], y=value, colour=style.QUIET)
