"""Gap between supervised and contrastive against depth in the label hierarchy, of all targets.

The encoders are those of the figure `granularity`. The gap, supervised minus contrastive, is drawn
twice: in points, and in log-odds, since two accuracies near 100 % or near 0 cannot be far apart. A
line that rises in both is a gap that grows. Depth is a level's position between the target's
coarsest level (0) and its finest (1), so that hierarchies of three levels and of nineteen can lie
over each other; a target with one level is at 1. Levels of fewer than three labels are left out
where the table has their number.
"""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fourlenses.analysis import scales
from fourlenses.analysis.contrasts import Contrast, Evidence
from fourlenses.lenses.granularity import figure as granularity_figure
from fourlenses.lenses.granularity.finding import LEAST_LABELS
from fourlenses.plotting import footer, panels, published_markers, style
from fourlenses.study import methods, names

SCALES = {"gap": "points", "log_odds_gap": "log-odds"}
BOUNDS = [f"{scale}{end}" for scale in SCALES for end in ("", "_low", "_high")]
COLUMNS = ["target", "method", "level", "place", "depth", *BOUNDS, "seeds", "published_gap"]


def numbers_drawn(evidence: Evidence) -> pd.DataFrame:
    """Return one row per target, contrastive method and level."""
    numbers = granularity_figure.numbers_drawn(evidence)
    encoders = granularity_figure.rows_shown(evidence.metrics)
    numbers = numbers[numbers["gap"].notna()]
    numbers = numbers[~_few_labels(numbers, encoders)]
    first, last = (numbers.groupby("target")["place"].transform(end) for end in ("min", "max"))
    depth = (numbers["place"] - first) / (last - first).clip(lower=1)
    gaps = [_log_odds(encoders, row, evidence) for row in numbers.itertuples()]
    numbers = numbers.assign(
        depth=depth.where(last > first, 1.0),
        log_odds_gap=[gap.estimate for gap in gaps],
        log_odds_gap_low=[gap.low for gap in gaps],
        log_odds_gap_high=[gap.high for gap in gaps],
        seeds=[gap.seeds for gap in gaps],
    )
    return numbers[COLUMNS].reset_index(drop=True)


def _few_labels(numbers: pd.DataFrame, encoders: pd.DataFrame) -> pd.Series:
    """Return which levels are known to have fewer than three labels, where a gap means little."""
    few = encoders.iloc[:0]
    if "n_classes" in encoders:
        few = encoders[pd.to_numeric(encoders["n_classes"], errors="coerce") < LEAST_LABELS]
    levels = set(zip(few["target"], few["level"], strict=True))
    is_few = [key in levels for key in zip(numbers["target"], numbers["level"], strict=True)]
    return pd.Series(is_few, numbers.index, bool)


def _log_odds(encoders: pd.DataFrame, row: Any, evidence: Evidence) -> Contrast:
    sides = granularity_figure.sides(encoders, row.target, row.method, level=row.level)
    assert sides  # the row has a gap
    return evidence.weighted([(1.0, *sides)], scales.log_odds)


@style.context()
def draw(evidence: Evidence) -> tuple[Figure | None, pd.DataFrame]:
    """Return the gap of every target against depth on both scales, and the numbers in it."""
    numbers = numbers_drawn(evidence)
    if numbers.empty:
        return None, numbers
    figure = style.new_figure(2, height=2.6)
    grid = figure.subplots(1, 2)
    colours = style.dataset_colours(evidence.metrics["target"])
    several = numbers["method"].nunique() > 1
    contrastive = "contrastive" if several else methods.label(numbers["method"].iloc[0])
    for axes, (scale, unit) in zip(grid, SCALES.items(), strict=True):
        for (target, method), points in numbers.groupby(["target", "method"], sort=False):
            label = names.dataset(target) + (f", {methods.label(method)}" if several else "")
            look: style.Look = {"colour": colours[target], "marker": methods.marker(method)}
            panels.line(axes, points["depth"], points, label=label, y=scale, **look)
            if scale == "gap":
                published = points["published_gap"]
                published_markers.draw(axes, points["depth"], published, **look)
        _frame(axes, f"supervised minus {contrastive}, {unit}")
    panels.legend_below(figure)
    footer.write(figure, footer.text(evidence, numbers["method"], numbers["seeds"]))
    return figure, numbers


def _frame(axes: Axes, label: str) -> None:
    axes.axhline(0, color="black", linewidth=0.6)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["coarsest\nlevel", "", "", "", "finest\nlevel"])
    axes.set_xlabel("depth in the label hierarchy")
    axes.set_ylabel(label)
    axes.grid(True)
