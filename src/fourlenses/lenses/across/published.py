"""Ours against the paper's: every number that a study and Cole et al. both have.

One panel per figure and table of the paper, with the paper's top-1 across and ours up, on the line
y = x where they agree. Above it ours is better. Whiskers are our 95 % interval, and across how
exactly the paper's number could be read. Colour and marker are the target's.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fourlenses.analysis import published_comparison
from fourlenses.analysis.contrasts import Evidence
from fourlenses.plotting import colours, footer, panels, style
from fourlenses.study import names

ORIGINS = {
    "fig2_quantity": "Figure 2, quantity",
    "fig3_methods_inat21": "Figure 3, methods",
    "table1_cross_domain": "Table 1, domain",
    "table2_pooled": "Table 2, pools",
    "table3_fused_deltas": "Table 3, concatenated",
    "fig4_quality_imagenet": "Figure 4, quality",
    "fig5_granularity": "Figure 5, granularity",
}
LEAST_PANEL = 1.6  # inches across, with labels
PANEL_HEIGHT = 1.8


@style.context()
def draw(evidence: Evidence) -> tuple[Figure | None, pd.DataFrame]:
    """Return the figure of both tables' numbers, and the numbers."""
    numbers = published_comparison.compare(evidence)
    if numbers.empty:
        return None, numbers
    origins = names.in_order(numbers["origin"], ORIGINS)
    per_row = style.columns(len(origins), LEAST_PANEL)
    rows = -(-len(origins) // per_row)
    figure = style.new_figure(len(origins), height=0.3 + PANEL_HEIGHT * rows)
    grid = panels.grid(figure, len(origins), per_row=per_row)[0]
    for index, (axes, origin) in enumerate(zip(grid, origins, strict=True)):
        _panel(axes, numbers[numbers["origin"] == origin], sorted(numbers["target"].unique()))
        axes.set_title(ORIGINS[origin])
        axes.set_xlabel("the paper's top-1, %")
        if index % per_row == 0:
            axes.set_ylabel(f"our top-1, % ({panels.BETTER_UP})")
    panels.legend_below(figure)
    look: style.Look = {"targets": set(numbers["target"]), "intervals": "whiskers"}
    footer.write(figure, footer.text(evidence, numbers["method"], numbers["seeds"], **look))
    return figure, numbers


def _panel(axes: Axes, rows: pd.DataFrame, targets: list[str]) -> None:
    shades, markers = colours.of_datasets(targets), colours.dataset_markers(targets)
    low = min(rows["paper"].min(), rows["ours_low"].min())
    high = max(rows["paper"].max(), rows["ours_high"].max())
    margin = 0.06 * (high - low) + 0.5
    ends = [low - margin, high + margin]
    axes.plot(ends, ends, color=style.PALE, linewidth=0.7, zorder=1)
    for target in targets:
        points = rows[rows["target"] == target]
        x, error = points["paper"], points["reading_error"]
        whiskers: style.Look = {"color": shades[target], "linewidth": 0.6}
        axes.vlines(x, points["ours_low"], points["ours_high"], **whiskers)
        axes.hlines(points["ours"], x - error, x + error, **whiskers)
        ring: style.Look = {"color": shades[target], "markerfacecolor": "white", "markersize": 3.6}
        label = names.dataset(target)
        axes.plot(x, points["ours"], markers[target], linestyle="none", label=label, **ring)
    axes.set_xlim(*ends)
    axes.set_ylim(*ends)
    panels.accuracy_axis(axes)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
