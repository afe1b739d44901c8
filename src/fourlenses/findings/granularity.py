"""Finding 4 (the paper's Figure 5): contrastive lags behind supervised the more, the finer the task."""

import pandas as pd

from fourlenses.findings.cells import clean, described, groups, scratch
from fourlenses.findings.finding import Comparison, Finding, Thresholds, above, judged, lacking
from fourlenses.lenses import table

NAME = "granularity"


def evaluate(metrics: pd.DataFrame, paired: pd.DataFrame | None, thresholds: Thresholds) -> Finding:
    """Supervised less contrastive at the finest level, less the same at the coarsest: in-domain encoders of the most pretraining images,
    linear, against end-to-end supervised training (else a linear classifier on supervised features), at the most labels that both
    have. Mean over methods, then over targets that have two levels or more."""
    margin = thresholds.granularity_margin
    statement = "The gap of contrastive to supervised grows from the coarsest to the finest labels" + (
        f", by more than {margin:g} points." if margin else "."
    )
    found = comparisons(metrics)
    if not found:
        return lacking(
            NAME, statement, "points", margin,
            "No target has two label levels at which both a contrastive encoder of its own dataset and supervised training are evaluated. "
            "Add the lens granularity with a dataset that has coarser labels (levels).",
        )  # fmt: skip
    finest, coarsest = ([Comparison(one.target, one.what, [(1.0, *one.terms[place][1:])]) for one in found] for place in (0, 1))
    note = "Gap at the finest level less gap at the coarsest; mean over methods, then over targets."
    for level, gaps in (("finest", finest), ("coarsest", coarsest)):
        gap = judged(NAME, statement, "points", margin, above, gaps, paired, "")
        if gap.estimate is not None:
            note += f" Gap at the {level}: {gap.estimate:.1f} ({gap.low:.1f} to {gap.high:.1f})."
    return judged(NAME, statement, "points", margin, above, found, paired, note)


def comparisons(metrics: pd.DataFrame) -> list[Comparison]:
    finest = table.finest_levels(metrics)
    rows = clean(described(metrics))
    found: list[Comparison] = []
    for target, here in rows.groupby("target", sort=False):
        contrastive = here[here["contrastive"] & here["in_domain"] & (here["protocol"] == "linear")]
        supervised = scratch(here)
        if supervised.empty:
            supervised = here[(here["method"] == "supervised") & here["in_domain"] & (here["protocol"] == "linear")]
        for (method,), own in groups(contrastive, ["method"]):
            one = _growth(target, method, own, supervised, finest[target])
            if one:
                found.append(one)
    return found


def _growth(target: str, method: str, own: pd.DataFrame, supervised: pd.DataFrame, finest: str) -> Comparison | None:
    levels = levels_in_order(own, finest)
    for labelled in sorted(set(own["labelled_images"]) & set(supervised["labelled_images"]), reverse=True):
        a, b = (side[side["labelled_images"] == labelled] for side in (supervised, own))
        shared = [level for level in levels if (a["level"] == level).any() and (b["level"] == level).any()]
        if len(shared) < 2:
            continue
        a, b = (_largest(side[side["level"].isin((shared[0], shared[-1]))]) for side in (a, b))
        if any(len(set(side["level"])) < 2 for side in (a, b)):
            continue
        terms = [(sign, a[a["level"] == level], b[b["level"] == level]) for sign, level in ((1.0, shared[-1]), (-1.0, shared[0]))]
        return Comparison(target, f"supervised less {method}: {shared[-1]} against {shared[0]}", terms)
    return None


def _largest(rows: pd.DataFrame) -> pd.DataFrame:
    """Of the encoders that have two levels, the one of most pretraining images."""
    for _, one in sorted(rows.groupby(["pretrain_images", "source"]), reverse=True, key=lambda item: item[0][0]):
        if one["level"].nunique() > 1:
            return one
    return rows.iloc[:0]


def levels_in_order(rows: pd.DataFrame, finest: str) -> list[str]:
    """Coarse to fine, as the encoder with most levels lists them; turned round where the list begins with the finest."""
    listed = [list(levels) for _, levels in rows.groupby(["source", "seed", "labelled_images", "label_draw"], sort=False)["level"]]
    fullest = max(listed, key=len, default=[])
    return fullest[::-1] if fullest and fullest[0] == finest else fullest
