"""The paper's numbers under ours: hollow markers where it has the same dataset, none elsewhere."""

from collections.abc import Iterable
from functools import cache

import pandas as pd
from matplotlib.axes import Axes

from fourlenses.lenses import published, table

LABEL = "hollow: published"


@cache
def _published() -> pd.DataFrame:
    return published.rows()


def rows_beside(metrics: pd.DataFrame, lens: str) -> pd.DataFrame:
    """The published rows of a lens on the targets of `metrics`; none where `metrics` is itself the published table."""
    rows = table.rows_for(_published(), lens)
    ours = set(metrics["target"]) if set(metrics["study"]) != {"published"} else set()
    rows = rows[rows["target"].isin(ours)].copy()
    rows.attrs = dict(_published().attrs)
    return rows


def markers(axes: Axes, x: Iterable[float], y: Iterable[float], colour: object, marker: str) -> None:
    """Hollow markers at the points that are known; the legend has one entry for all."""
    known = [(across, up) for across, up in zip(x, y, strict=True) if pd.notna(across) and pd.notna(up)]
    if known:
        axes.plot(*zip(*known, strict=True), marker, markerfacecolor="none", markeredgecolor=colour, markersize=4.5, linestyle="none")
        axes.plot([], [], "o", markerfacecolor="none", markeredgecolor="#555555", linestyle="none", label=LABEL)
