"""The finer the labels, the further behind? Supervised minus contrastive against depth in the label hierarchy, all targets in one panel.

The encoders are those of the figure `granularity`. The gap stands there twice: in points, and in log-odds, since two accuracies near
100 % or near 0 cannot be far apart. A line that rises in both is a gap that grows. Depth is a level's place between the target's coarsest
level (0) and its finest (1), so that hierarchies of three levels and of nineteen can lie over each other; a target with one level stands
at 1. Levels of fewer than three labels are left out where the table says how many there are.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fourlenses.analysis import scales
from fourlenses.analysis.contrasts import Contrast, Evidence
from fourlenses.findings.granularity import LEAST_LABELS
from fourlenses.lenses.granularity import figure as granularity_figure
from fourlenses.plotting import basis, hollow, panels, sentence, style
from fourlenses.study import methods, names

NAME = "granularity_gap"
SCALES = {"gap": "points", "log_odds_gap": "log-odds"}
BOUNDS = [f"{scale}{end}" for scale in SCALES for end in ("", "_low", "_high")]
COLUMNS = ["target", "method", "level", "place", "depth", *BOUNDS, "seeds", "published_gap"]


def numbers_drawn(evidence: Evidence) -> pd.DataFrame:
    """One row per target, contrastive method and level."""
    numbers = granularity_figure.numbers_drawn(evidence)
    chosen = granularity_figure.rows_shown(evidence.metrics)
    numbers = numbers[numbers["gap"].notna()]
    numbers = numbers[~_few_labels(numbers, chosen)]
    first, last = (numbers.groupby("target")["place"].transform(end) for end in ("min", "max"))
    numbers = numbers.assign(
        depth=((numbers["place"] - first) / (last - first).clip(lower=1)).where(last > first, 1.0)
    )
    odds = [_log_odds(chosen, one, evidence) for one in numbers.itertuples()]
    numbers = numbers.assign(
        **{
            f"log_odds_gap{end}": [getattr(gap, name) for gap in odds]
            for end, name in (("", "estimate"), ("_low", "low"), ("_high", "high"))
        },
        seeds=[gap.seeds for gap in odds],
    )
    return numbers[COLUMNS].reset_index(drop=True)


def _few_labels(numbers: pd.DataFrame, chosen: pd.DataFrame) -> pd.Series:
    """Whether a level is known to have fewer than three labels, of which the gap says next to nothing."""
    known = (
        chosen.assign(n_classes=pd.to_numeric(chosen["n_classes"], errors="coerce"))
        if "n_classes" in chosen
        else chosen.iloc[:0]
    )
    few = known[known["n_classes"] < LEAST_LABELS] if len(known) else known
    few = set(zip(few["target"], few["level"], strict=True))
    return pd.Series(
        [key in few for key in zip(numbers["target"], numbers["level"], strict=True)],
        numbers.index,
        bool,
    )


def _log_odds(chosen: pd.DataFrame, one, evidence: Evidence) -> Contrast:
    return evidence.weighted(
        [(1.0, *granularity_figure.sides(chosen, one.target, one.method, one.level))],
        scales.log_odds,
    )


@style.context()
def draw(evidence: Evidence) -> tuple[Figure, pd.DataFrame]:
    """The gap of every target against depth on both scales, and the numbers in it."""
    numbers = numbers_drawn(evidence)
    if numbers.empty:
        text = "No target has both contrastive and supervised encoders at a level of its labels, so there is no gap to draw."
        return sentence.figure(text), numbers
    figure = style.new_figure(2, height=2.6)
    grid = figure.subplots(1, 2)
    colours = style.dataset_colours(evidence.metrics["target"])
    several = numbers["method"].nunique() > 1
    minus = (
        f"supervised minus {'contrastive' if several else methods.label(numbers['method'].iloc[0])}"
    )
    for axes, (scale, unit) in zip(grid, SCALES.items(), strict=True):
        for (target, method), points in numbers.groupby(["target", "method"], sort=False):
            label = (
                f"{names.dataset(target)}, {methods.label(method)}"
                if several
                else names.dataset(target)
            )
            _line(axes, points, colours[target], label, methods.marker(method), scale=scale)
        axes.axhline(0, color="black", linewidth=0.6)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["coarsest\nlevel", "", "", "", "finest\nlevel"])
        axes.set_xlabel("depth in the label hierarchy")
        axes.set_ylabel(f"{minus}, {unit}")
        axes.grid(True)
    panels.legend_below(figure)
    basis.write(figure, basis.text(evidence, numbers["method"], numbers["seeds"]))
    return figure, numbers


def _line(
    axes: Axes, points: pd.DataFrame, colour: str, label: str, marker: str, *, scale: str
) -> None:
    gap = pd.DataFrame({f"top1{end}": points[f"{scale}{end}"] for end in ("", "_low", "_high")})
    panels.line(axes, points["depth"], gap, colour, label, marker)
    if scale == "gap":
        hollow.mark(axes, points["depth"], points["published_gap"], colour, marker)
