"""Finding 1 (the paper's Figure 2): beyond 500k pretraining images the benefit of more is modest."""

from math import log2

import pandas as pd

from fourlenses.findings.cells import clean, comparable, groups, linear_contrastive, most_labels
from fourlenses.findings.finding import Comparison, Finding, Thresholds, below, judged, lacking
from fourlenses.lenses.names import count

NAME = "quantity"


def evaluate(metrics: pd.DataFrame, paired: pd.DataFrame | None, thresholds: Thresholds) -> Finding:
    """In-domain, clean, linear, at each target's most labels. Per method and target, top1 of the largest number of pretraining images less
    that of the smallest that is at least `beyond_images`, per doubling; where no target has two such numbers, of the second largest.
    """
    limit, unit = thresholds.modest_gain, "points per doubling"
    size = count(thresholds.beyond_images)
    beyond = comparisons(metrics, thresholds.beyond_images)
    if beyond:
        statement = f"Beyond {size} pretraining images a doubling of them gains less than {limit:g} points."
        note = f"Top-1 at the most pretraining images less that at the fewest from {size} on, per doubling between; mean over targets."
        return judged(NAME, statement, unit, limit, below, beyond, paired, note)
    statement = f"The last doubling of the pretraining images gains less than {limit:g} points."
    last = comparisons(metrics, 0)
    if not last:
        return lacking(
            NAME, statement, unit, limit,
            "No target has two numbers of pretraining images of its own dataset, evaluated by a linear classifier. Add the lens quantity "
            "with two or more pretrain_images.",
        )  # fmt: skip
    note = (
        f"No target has two sizes of {size} pretraining images or more, so this is the gain from the second largest to the largest size, "
        f"per doubling, and says nothing of {size}; mean over targets."
    )
    return judged(NAME, statement, unit, limit, below, last, paired, note)


def comparisons(metrics: pd.DataFrame, least: int) -> list[Comparison]:
    """One per target and method: see `_from`."""
    rows = most_labels(clean(linear_contrastive(comparable(metrics))))
    curves = groups(rows[rows["in_domain"]], ["target", "method"])
    return [one for key, curve in curves if (one := _from(key, curve, least))]


def _from(key: tuple, curve: pd.DataFrame, least: int) -> Comparison | None:
    """The gain per doubling up to the largest size, from the smallest of `least` images or more; from the second largest if that is 0."""
    sizes = sorted(size for size in curve["pretrain_images"].unique() if size >= least)
    if len(sizes) < 2:
        return None
    fewer, more = sizes[0] if least else sizes[-2], sizes[-1]
    target, method = key
    sides = (curve[curve["pretrain_images"] == size] for size in (more, fewer))
    return Comparison(target, f"{method}: {count(fewer)} to {count(more)} pretraining images", [(1 / log2(more / fewer), *sides)])
