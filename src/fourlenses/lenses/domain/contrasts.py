"""Differences between pretraining sources on one target, all else equal: method, labelled images, protocol, seeds.

What is compared is linear classifiers on features of contrastive encoders, after clean pretraining, at the finest level and the most labels
for which there are both sides. The three comparisons of finding 2 are those of `findings.domain`, so that figure and finding show the
same; here are encoders side by side too. Where the table has no encoder to hold a source against, that comparison is left out.
"""

from collections.abc import Iterator

import pandas as pd

from fourlenses.analysis import table
from fourlenses.analysis.contrasts import Contrast, Evidence
from fourlenses.core.errors import UserError
from fourlenses.findings import domain, selection
from fourlenses.findings.comparison import CONFOUNDED
from fourlenses.findings.thresholds import Thresholds
from fourlenses.study import names

LENS = "domain"
INSTEAD, POOL, ADDED = domain.INSTEAD, domain.POOL, domain.ADDED
FUSED, CONTROL = "domain_fused", "domain_fused_control"
COLUMNS = [
    *("comparison", "method", "target", "labelled_images", "source", "reference", "images"),
    *("difference", "low", "high", "seeds", "paired", "confounded"),
]


def losses(evidence: Evidence) -> pd.DataFrame:
    """One row per method, target and other single dataset: in-domain minus source, of as many images each."""
    found = []
    for one in _compared(evidence)[INSTEAD]:
        other, own = one.cells
        if len(names.source_parts(one.about["source"])) == 1:
            found.append(_row(INSTEAD, other, own, evidence.difference(own, other)))
    return pd.DataFrame(found, columns=COLUMNS)


def comparisons(evidence: Evidence) -> pd.DataFrame:
    """Other minus own of the three comparisons of `findings.domain` (the paper's Tables 1 and 2); encoders side by side minus each of
    them (Table 3), and the control of that: two seeds of one encoder side by side."""
    found = []
    for part, compared in _compared(evidence).items():
        for one in compared:
            other, own = one.cells
            confounded = one.excluded[1] if one.excluded and one.excluded[0] == CONFOUNDED else ""
            found.append(_row(part, other, own, evidence.difference(other, own), confounded))
    return pd.DataFrame([*found, *_fused(evidence)], columns=COLUMNS)


def _compared(evidence: Evidence) -> dict[str, list]:
    metrics = evidence.metrics
    asked = table.rows_for(metrics, LENS)
    asked = selection.linear(selection.clean(asked))
    if not selection.described(asked)["contrastive"].any():
        raise UserError(
            f"{table.where(metrics)} has no linear evaluation of clean contrastive pretraining for the lens domain; "
            "add the protocol linear and a contrastive method to the study"
        )
    return domain.comparisons(metrics, Thresholds())


def _row(
    comparison: str,
    rows: pd.DataFrame,
    reference: pd.DataFrame,
    contrast: Contrast,
    confounded: str = "",
) -> dict:
    said = {key: rows[key].iloc[0] for key in ("method", "target", "labelled_images", "source")}
    said |= {
        "comparison": comparison,
        "reference": reference["source"].iloc[0],
        "images": rows["pretrain_images"].iloc[0],
    }
    bounds = {"difference": contrast.estimate, "low": contrast.low, "high": contrast.high}
    return {
        **said,
        **bounds,
        "seeds": contrast.seeds,
        "paired": contrast.paired,
        "confounded": confounded,
    }


def _fused(evidence: Evidence) -> Iterator[dict]:
    metrics = evidence.metrics
    rows = selection.clean(selection.linear(table.at_finest(metrics)))
    fused = rows[rows["source"].map(names.is_fused).astype(bool)]
    fused = fused.assign(source=fused["source"].map(names.of_any_seed))
    for (_, _, source), every in selection.groups(fused, ["target", "method", "source"]):
        for same in selection.most_labels_first(every):
            found = list(_beside_parts(source, same, rows, evidence))
            yield from found
            if found:
                break


def _beside_parts(
    source: str, fused: pd.DataFrame, rows: pd.DataFrame, evidence: Evidence
) -> Iterator[dict]:
    """A part of another seed is left out: it is what the first part is, trained once more."""
    parts = names.encoders(source)
    comparison = CONTROL if len({(part, method) for part, method, _ in parts}) == 1 else FUSED
    for part, method, seed in parts:
        alone = rows[
            (rows["source"] == part) & (rows["method"] == (method or fused["method"].iloc[0]))
        ]
        for key in ("target", "labelled_images", "protocol"):
            alone = alone[alone[key] == fused[key].iloc[0]]
        if not seed and len(alone) and selection.share_seeds(fused, alone):
            yield _row(comparison, fused, alone, evidence.difference(fused, alone))
