"""Finding 4 (the paper's Figure 5): the finer the task, the more contrastive is behind supervised.

On two scales, since two accuracies near 100 % cannot be far apart: points, and log-odds. The growth
is the slope of the gap over all levels, from the coarsest (0) to the finest (1). Levels of fewer
than three labels are left out.
"""

from collections.abc import Sequence

import pandas as pd

from fourlenses.analysis import scales, table
from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings import selection, words
from fourlenses.findings.comparison import Comparison, Scale, points
from fourlenses.findings.finding import Finding, judged
from fourlenses.findings.thresholds import Thresholds
from fourlenses.findings.verdict import ABOVE
from fourlenses.study import names

NAME = "granularity"
LEAST_LABELS = 3
CLAIM = "The gap of contrastive to supervised grows from the coarsest to the finest labels"
NOTE = (
    "Slope of (supervised minus contrastive) over the levels, coarsest to finest, in points and in "
    "log-odds; both must agree."
)
MISSING = (
    "two label levels of three labels or more at which both a contrastive encoder of the target's "
    "own dataset and supervised training are evaluated. Add the lens granularity with a dataset "
    "that has coarser labels (levels)."
)


def evaluate(evidence: Evidence, thresholds: Thresholds) -> list[Finding]:
    """Return the finding: supervised minus contrastive, as a slope over the levels.

    Per target and contrastive method, in-domain, linear, the most pretraining images, at the most
    labels. Supervised is the better of training from scratch and a linear classifier on supervised
    features.
    """
    found = judged(
        NAME,
        f"{CLAIM}{words.by_more_than(thresholds.granularity_margin)}.",
        comparisons(evidence.metrics, thresholds),
        side=ABOVE,
        unit="points",
        note=NOTE,
        missing=MISSING,
        evidence=evidence,
        thresholds=thresholds,
    )
    return [found]


def comparisons(metrics: pd.DataFrame, thresholds: Thresholds) -> list[Comparison]:
    """Return a comparison per target and contrastive method."""
    rows = selection.clean(selection.described(metrics))
    compared = []
    for _, of_target in selection.groups(rows, ["target"]):
        own = selection.linear(selection.own_encoders(of_target))
        for _, encoders in selection.groups(own, ["method"]):
            comparison = _growth(
                encoders, of_target, metrics=metrics, margin=thresholds.granularity_margin
            )
            if comparison:
                compared.append(comparison)
    return compared


def _growth(
    encoders: pd.DataFrame, rows: pd.DataFrame, *, metrics: pd.DataFrame, margin: float
) -> Comparison | None:
    """At the most labels at which both sides have two levels in common.

    Args:
        encoders: contrastive ones of one target and method, linear.
        rows: all of that target.
        metrics: the whole table.
        margin: points.
    """
    for same in selection.most_labels_first(encoders):
        encoder = _largest(same)
        at_labels = rows[rows["labelled_images"] == same["labelled_images"].iloc[0]]
        yardsticks = [
            (name, supervised)
            for name, supervised in selection.supervised(at_labels)
            if supervised["level"].nunique() > 1
        ]
        if encoder.empty or not yardsticks:
            continue
        name, yardstick = max(
            yardsticks, key=lambda named: table.at_finest(named[1])["top1"].mean()
        )
        both = set(yardstick["level"])
        levels = [level for level in levels_in_order(encoder) if level in both]
        if len(levels) > 1 and selection.share_seeds(encoder, yardstick):
            return _comparison(
                encoder, yardstick, levels=levels, name=name, metrics=metrics, margin=margin
            )
    return None


def _comparison(
    encoder: pd.DataFrame,
    yardstick: pd.DataFrame,
    *,
    levels: Sequence[str],
    name: str,
    metrics: pd.DataFrame,
    margin: float,
) -> Comparison:
    cells, weights = [], []
    for level, weight in zip(levels, slope_weights(len(levels)), strict=True):
        cells += [yardstick[yardstick["level"] == level], encoder[encoder["level"] == level]]
        weights += [weight, -weight]
    best, own = cells[-2:]
    sides = f"{name}{words.at_steps(yardstick)} minus {words.with_steps(own)}"
    target = own["target"].iloc[0]
    first, last = (names.level(target, level) for level in (levels[0], levels[-1]))
    growth = f"growth over {len(levels)} levels from {first} to {last}"
    labels = words.images(int(own["labelled_images"].iloc[0]))
    return Comparison(
        target=target,
        what=f"{sides}, {growth}, {labels} labels",
        cells=cells,
        scales=[points(weights, margin), Scale("log-odds", scales.log_odds(weights))],
        trained=[[own], [best]],
        random=selection.random_encoder(metrics, own),
        method=own["method"].iloc[0],
    )


def slope_weights(count: int) -> list[float]:
    """Return the weights of the least-squares slope of values at equal steps from 0 to 1; of two,
    -1 and 1."""
    places = [place / (count - 1) - 0.5 for place in range(count)]
    square = sum(place**2 for place in places)
    return [place / square for place in places]


def _largest(rows: pd.DataFrame) -> pd.DataFrame:
    """Of the encoders that have two levels or more, the one of most pretraining images."""
    by_encoder = sorted(
        rows.groupby(["pretrain_images", "source"]), reverse=True, key=lambda item: item[0][0]
    )
    return next(
        (encoder for _, encoder in by_encoder if encoder["level"].nunique() > 1), rows.iloc[:0]
    )


def levels_in_order(rows: pd.DataFrame) -> list[str]:
    """Return the levels coarse to fine, without those of fewer than three labels."""
    labels = rows.groupby("level")["n_classes"].max().fillna(LEAST_LABELS)
    return [level for level in table.levels_in_order(rows) if labels[level] >= LEAST_LABELS]
