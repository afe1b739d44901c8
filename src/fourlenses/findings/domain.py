"""Finding 2 (the paper's Tables 1 and 2): images of other domains, alone or pooled in, do not help."""

import pandas as pd

from fourlenses.findings.cells import clean, comparable, groups, linear_contrastive
from fourlenses.findings.finding import Comparison, Finding, Thresholds, below, judged, lacking
from fourlenses.lenses.names import source as shown

NAME = "domain"


def evaluate(metrics: pd.DataFrame, paired: pd.DataFrame | None, thresholds: Thresholds) -> Finding:
    """Clean, linear: top1 of every encoder of another dataset or pool less top1 of the in-domain encoder of the same method, total number
    of pretraining images and labels. Mean over others, then over targets; the best other is in the note, as the best of several is
    better than it is."""
    margin = thresholds.domain_margin
    statement = "Pretraining on another domain, or on a pool with others, does not beat as many in-domain images" + (
        f" by more than {margin:g} points." if margin else "."
    )
    found = comparisons(metrics)
    if not found:
        return lacking(
            NAME, statement, "points", margin,
            "No target has an encoder of its own dataset beside one of another dataset or pool with as many pretraining images. Add the "
            "lens domain with two or more datasets, or pools whose images add up to pretrain_images.",
        )  # fmt: skip
    finding = judged(NAME, statement, "points", margin, below, found, paired, "Other less in-domain; mean over others, then over targets.")
    if not finding.evidence:
        return finding
    best = max(finding.evidence, key=lambda one: one["estimate"])
    winning = sum(one["low"] > margin for one in finding.evidence)
    note = (
        f"{finding.note} Nearest to in-domain: {best['what']} on {best['target']}, {best['estimate']:+.1f} "
        f"({best['low']:+.1f} to {best['high']:+.1f}). Of {len(finding.evidence)} comparisons {winning} have the whole interval above "
        f"{margin:g}."
    )
    return Finding(**{**vars(finding), "note": note})


def comparisons(metrics: pd.DataFrame) -> list[Comparison]:
    """Every other source against in-domain of equal size, at each target's most labels for which there are both."""
    rows = clean(linear_contrastive(comparable(metrics)))
    found: list[Comparison] = []
    for target, here in rows.groupby("target", sort=False):
        cells = list(groups(here, ["labelled_images", "in_domain", "method", "source", "pretrain_images"]))
        own = {(labelled, method, images): cell for (labelled, mine, method, _, images), cell in cells if mine}
        pairs = [
            (labelled, Comparison(target, f"{method}, {shown(source)} less own", [(1.0, cell, own[labelled, method, images])]))
            for (labelled, mine, method, source, images), cell in cells
            if not mine and (labelled, method, images) in own
        ]
        most = max((labelled for labelled, _ in pairs), default=None)
        found += [pair for labelled, pair in pairs if labelled == most]
    return found
