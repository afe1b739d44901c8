"""Chance: the top-1 accuracy of always giving the commonest label of the test images, from the column `chance` where a table has it."""

import pandas as pd
from matplotlib.axes import Axes

from fourlenses.plotting import style

LABEL = "chance"


def beside(numbers: pd.DataFrame, rows: pd.DataFrame, keys: list[str]) -> list[float]:
    """For each line of `numbers`, percent, by its `keys` (target and level); nan where the table does not say."""
    if "chance" not in rows:
        return [float("nan")] * len(numbers)
    said = (
        rows.assign(chance=pd.to_numeric(rows["chance"], errors="coerce"))
        .dropna(subset="chance")
        .drop_duplicates(keys)
    )
    known = dict(zip(zip(*(said[key] for key in keys), strict=True), said["chance"], strict=True))
    return [
        float(known.get(key, float("nan")))
        for key in zip(*(numbers[key] for key in keys), strict=True)
    ]


def line(axes: Axes, numbers: pd.DataFrame, near: pd.Series | None = None) -> None:
    """Across the panel; nothing where it is not known. numbers: of the panel, of one target and level.

    near: accuracies that the line would flatten if it were further below them than they are apart: then its number stands at the bottom.
    """
    values = numbers["chance"].dropna()
    if (
        len(values)
        and near is not None
        and near.min() - values.iloc[0] > max(near.max() - near.min(), 5.0)
    ):
        look = {"ha": "left", "va": "bottom", "fontsize": 5.5, "color": style.QUIET, "zorder": 4}
        look["bbox"] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.5}
        axes.text(0.02, 0.02, f"{LABEL}: {values.iloc[0]:.2g} %", transform=axes.transAxes, **look)
    elif len(values):
        axes.axhline(
            values.iloc[0],
            color=style.QUIET,
            linewidth=0.7,
            linestyle=(0, (1, 2)),
            label=LABEL,
            zorder=1,
        )
