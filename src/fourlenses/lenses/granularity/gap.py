"""Gap between supervised and contrastive against depth in the label hierarchy, of all targets.

The encoders are those of the figure `granularity`. The gap, contrastive minus supervised, is drawn
twice: in points, and in log-odds, since two accuracies near 100 % or near 0 cannot be far apart. A
line that falls in both is a gap that grows; a grey one is of an encoder that is not trained enough
to tell. Depth is a level's position between the target's
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
from fourlenses.findings.comparison import UNTRAINED
from fourlenses.lenses.granularity import figure as granularity_figure
from fourlenses.lenses.granularity.finding import LEAST_LABELS
from fourlenses.plotting import colours, ends, footer, panels, published_markers, style
from fourlenses.study import methods, names

SCALES = {"gap": "points", "log_odds_gap": "log-odds"}
DODGE = 0.012  # of the depth, between lines
DASHES = ("-", (0, (4, 1)), (0, (6, 1, 1, 1)), (0, (2, 1)))
BOUNDS = [f"{scale}{end}" for scale in SCALES for end in ("", "_low", "_high")]
COLUMNS = [
    *("target", "method", "level", "place", "depth", *BOUNDS, "seeds", "published_gap", "trained"),
]


def numbers_drawn(evidence: Evidence, trained_margin: float = 5.0) -> pd.DataFrame:
    """Return one row per target, contrastive method and level."""
    numbers = granularity_figure.numbers_drawn(evidence, trained_margin)
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
    supervised, contrastive = sides
    return evidence.weighted([(1.0, contrastive, supervised)], scales.log_odds)


@style.context()
def draw(evidence: Evidence, trained_margin: float = 5.0) -> tuple[Figure | None, pd.DataFrame]:
    """Return the gap of every target against depth on both scales, and the numbers in it."""
    numbers = numbers_drawn(evidence, trained_margin)
    if numbers.empty:
        return None, numbers
    per_row = style.columns(2, 2.4)
    figure = style.new_figure(2, height=0.2 + 2.3 * (2 // per_row))
    grid = panels.grid(figure, 2, per_row=per_row)[0]
    several = numbers["method"].nunique() > 1
    contrastive = "contrastive" if several else methods.label(numbers["method"].iloc[0])
    for axes, (scale, unit) in zip(grid, SCALES.items(), strict=True):
        _panel(axes, numbers, scale, several=several, evidence=evidence)
        _frame(axes, f"{contrastive} minus supervised,\n{unit} ({panels.BETTER_UP})")
    labels = {_label(*key, several=several) for key, _ in numbers.groupby(["target", "method"])}
    panels.legend_below(figure, without=labels)
    look: style.Look = {"targets": sorted(numbers["target"].unique()), "intervals": "whiskers"}
    footer.write(
        figure,
        footer.text(evidence, numbers["method"], numbers["seeds"], lens="granularity", **look),
    )
    return figure, numbers


def _panel(
    axes: Axes, numbers: pd.DataFrame, scale: str, *, several: bool, evidence: Evidence
) -> None:
    """Draw a line per target and method, with whiskers that do not lie on each other."""
    shades = colours.of_datasets(evidence.metrics["target"])
    markers = colours.dataset_markers(evidence.metrics["target"])
    groups = list(numbers.groupby(["target", "method"], sort=False))
    for index, ((target, method), points) in enumerate(groups):
        x = points["depth"] + DODGE * (index - (len(groups) - 1) / 2)
        trained = bool(points["trained"].all())
        colour = shades[target] if trained else style.PALE
        look: style.Look = {"color": colour, "marker": markers[target]}
        axes.plot(x, points[scale], linestyle=DASHES[index % len(DASHES)], **look)
        axes.vlines(x, points[f"{scale}_low"], points[f"{scale}_high"], color=colour, linewidth=0.6)
        if not trained:
            axes.plot([], [], label=f"grey: {UNTRAINED}", **look)
        at: style.Look = {"x": x.iloc[-1], "y": points[scale].iloc[-1], "colour": colour}
        at["marker"] = markers[target]
        ends.add(axes, _label(target, method, several=several).replace(", ", ",\n"), **at)
        if scale == "gap":
            ring: style.Look = {"colour": colour, "marker": markers[target]}
            published_markers.draw(axes, x, points["published_gap"], **ring)


def _label(target: str, method: str, *, several: bool) -> str:
    return names.dataset(target) + (f", {methods.label(method)}" if several else "")


def _frame(axes: Axes, label: str) -> None:
    axes.axhline(0, color="black", linewidth=0.6)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["coarsest\nlevel", "", "", "", "finest\nlevel"])
    axes.set_xlim(-0.12, 1.12)
    axes.set_xlabel("depth in the label hierarchy")
    axes.set_ylabel(label)
    axes.grid(True)
