"""Finding 4 (the paper's Figure 5): contrastive lags behind supervised the more, the finer the task.

On two scales, since two accuracies near 100 % cannot be far apart: points, and log-odds. The growth is the slope of the gap over all
levels, from the coarsest (0) to the finest (1). Levels of fewer than three labels are left out.
"""

from collections.abc import Sequence

import pandas as pd

from fourlenses.analysis import scales, table
from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings import selection, words
from fourlenses.findings.comparison import Comparison, Scale
from fourlenses.findings.finding import Finding, judged
from fourlenses.findings.thresholds import Thresholds
from fourlenses.findings.verdict import ABOVE

NAME = "granularity"
LEAST_LABELS = 3


def evaluate(evidence: Evidence, thresholds: Thresholds) -> list[Finding]:
    """Per target and contrastive method, in-domain, linear, the most pretraining images, at the most labels: supervised minus contrastive,
    as a slope over the levels. Supervised is the better of training from scratch and a linear classifier on supervised features."""
    claim = "The gap of contrastive to supervised grows from the coarsest to the finest labels"
    found = judged(
        NAME,
        f"{claim}{words.by_more_than(thresholds.granularity_margin)}.",
        comparisons(evidence.metrics, thresholds),
        side=ABOVE,
        unit="points",
        note="Slope of (supervised minus contrastive) over the levels, coarsest to finest, in points and in log-odds; both must agree.",
        missing="two label levels of three labels or more at which both a contrastive encoder of the target's own dataset and supervised "
        "training are evaluated. Add the lens granularity with a dataset that has coarser labels (levels).",
        evidence=evidence,
        thresholds=thresholds,
    )
    return [found]


def comparisons(metrics: pd.DataFrame, thresholds: Thresholds) -> list[Comparison]:
    rows = selection.clean(selection.described(metrics))
    found = []
    for (target,), here in selection.groups(rows, ["target"]):
        own = selection.linear(selection.own_encoders(here))
        for (method,), encoders in selection.groups(own, ["method"]):
            one = _growth(
                target,
                method,
                encoders,
                here,
                metrics=metrics,
                margin=thresholds.granularity_margin,
            )
            if one:
                found.append(one)
    return found


def _growth(
    target: str,
    method: str,
    own: pd.DataFrame,
    rows: pd.DataFrame,
    *,
    metrics: pd.DataFrame,
    margin: float,
) -> Comparison | None:
    for same in selection.most_labels_first(own):
        here = rows[rows["labelled_images"] == same["labelled_images"].iloc[0]]
        yardsticks = [
            (name, some) for name, some in selection.supervised(here) if some["level"].nunique() > 1
        ]
        encoder = _largest(same)
        if encoder.empty or not yardsticks:
            continue
        levels = levels_in_order(encoder)
        at_finest = {name: some[some["is_finest"]]["top1"].mean() for name, some in yardsticks}
        name, yardstick = max(yardsticks, key=lambda one: at_finest[one[0]])
        levels = [level for level in levels if level in set(yardstick["level"])]
        if len(levels) < 2 or not selection.share_seeds(encoder, yardstick):
            continue
        return _comparison(
            target,
            method,
            encoder,
            yardstick,
            levels=levels,
            yardstick_name=name,
            metrics=metrics,
            margin=margin,
        )
    return None


def _comparison(
    target: str,
    method: str,
    encoder: pd.DataFrame,
    yardstick: pd.DataFrame,
    *,
    levels: Sequence[str],
    yardstick_name: str,
    metrics: pd.DataFrame,
    margin: float,
) -> Comparison:
    cells, weights = [], []
    for level, weight in zip(levels, slope_weights(len(levels)), strict=True):
        cells += [yardstick[yardstick["level"] == level], encoder[encoder["level"] == level]]
        weights += [weight, -weight]
    best, own = cells[-2:]
    return Comparison(
        target=target,
        what=f"{yardstick_name}{words.at_steps(yardstick)} minus {words.with_steps(own)}, growth over {len(levels)} levels from "
        f"{levels[0]} to {levels[-1]}, "
        f"{words.images(int(own['labelled_images'].iloc[0]))} labels",
        cells=cells,
        scales=[
            Scale("points", scales.points(weights), margin),
            Scale("log-odds", scales.log_odds(weights)),
        ],
        trained=[[own], [best]],
        random=selection.random_encoder(metrics, own),
        method=method,
    )


def slope_weights(count: int) -> list[float]:
    """Of values at equal steps from 0 to 1: the weights of the least-squares slope. Of two, -1 and 1."""
    places = [place / (count - 1) - 0.5 for place in range(count)]
    square = sum(place**2 for place in places)
    return [place / square for place in places]


def _largest(rows: pd.DataFrame) -> pd.DataFrame:
    """Of the encoders that have two levels or more, the one of most pretraining images."""
    for _, one in sorted(
        rows.groupby(["pretrain_images", "source"]), reverse=True, key=lambda item: item[0][0]
    ):
        if one["level"].nunique() > 1:
            return one
    return rows.iloc[:0]


def levels_in_order(rows: pd.DataFrame) -> list[str]:
    """Return the levels coarse to fine, without those of fewer than three labels."""
    labels = rows.groupby("level")["n_classes"].max().fillna(LEAST_LABELS)
    return [level for level in table.levels_in_order(rows) if labels[level] >= LEAST_LABELS]
