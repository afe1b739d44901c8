"""Differences between pretraining sources on a target, all else equal: method, labels, seeds.

Compared are linear classifiers on features of contrastive encoders, after clean pretraining, at the
finest level and the most labels for which there are both sides. The three comparisons of finding 2
are those of `finding`, so that figure and finding show the same; concatenated encoders are here
alone. Where the table has no encoder to compare a source with, that comparison is left out.
"""

from collections.abc import Iterator

import pandas as pd

from fourlenses.analysis import table
from fourlenses.analysis.contrasts import Contrast, Evidence
from fourlenses.core.errors import UserError
from fourlenses.findings import selection
from fourlenses.findings.comparison import Comparison, Exclusion, untrained
from fourlenses.findings.thresholds import Thresholds
from fourlenses.lenses.domain import finding
from fourlenses.study import names

LENS = "domain"
INSTEAD, POOL, ADDED = finding.INSTEAD, finding.POOL, finding.ADDED
CONCATENATED, CONTROL = "domain_concatenated", "domain_concatenated_control"
COLUMNS = [
    *("comparison", "method", "target", "labelled_images", "source", "reference", "images"),
    *("difference", "low", "high", "seeds", "paired", "excluded", "reason"),
]
NO_ENCODER = (
    "has no linear evaluation of clean contrastive pretraining for the lens domain; add the "
    "protocol linear and a contrastive method to the study"
)


def transfers(evidence: Evidence) -> pd.DataFrame:
    """Return source minus in-domain, of as many images each.

    Returns:
        A row of `COLUMNS` per method, target and other single dataset.
    """
    rows = []
    for comparison in _compared(evidence)[INSTEAD]:
        other, in_domain = comparison.cells
        if len(names.source_parts(comparison.about["source"])) == 1:
            difference = evidence.difference(other, in_domain)
            rows.append(_row(INSTEAD, other, in_domain, difference=difference))
    return pd.DataFrame(rows, columns=COLUMNS)


def comparisons(evidence: Evidence, trained_margin: float) -> pd.DataFrame:
    """Return the differences of the figure `domain_pools`, a row of `COLUMNS` each.

    Other minus in-domain of the three comparisons of `finding` (the paper's Tables 1 and 2);
    concatenated encoders minus each of them (Table 3), and the control of that: two seeds of one
    encoder, concatenated. `excluded` says in a word why a comparison does not count, as in finding
    2, and `reason` in a sentence.

    Args:
        evidence: the study's table.
        trained_margin: points above the random encoder, for an encoder to say anything.
    """
    rows = []
    for kind, compared in _compared(evidence).items():
        for comparison in compared:
            other, in_domain = comparison.cells
            why = comparison.excluded or untrained(comparison, evidence, trained_margin)
            difference = evidence.difference(other, in_domain)
            rows.append(_row(kind, other, in_domain, difference=difference, why=why or ("", "")))
    concatenated = _concatenated(evidence, trained_margin)
    return pd.DataFrame([*rows, *concatenated], columns=COLUMNS)


def _compared(evidence: Evidence) -> dict[str, list[Comparison]]:
    metrics = evidence.metrics
    rows = selection.linear(selection.clean(table.rows_for(metrics, LENS)))
    if not selection.described(rows)["contrastive"].any():
        raise UserError(f"{table.where(metrics)} {NO_ENCODER}")
    return finding.comparisons(metrics, Thresholds())


def _row(
    comparison: str,
    rows: pd.DataFrame,
    reference: pd.DataFrame,
    *,
    difference: Contrast,
    why: tuple[str, str] = ("", ""),
) -> dict:
    keys = ("method", "target", "labelled_images", "source")
    return {
        **{key: rows[key].iloc[0] for key in keys},
        "comparison": comparison,
        "reference": reference["source"].iloc[0],
        "images": rows["pretrain_images"].iloc[0],
        "difference": difference.estimate,
        "low": difference.low,
        "high": difference.high,
        "seeds": difference.seeds,
        "paired": difference.paired,
        "excluded": why[0],
        "reason": why[1],
    }


def _concatenated(evidence: Evidence, trained_margin: float) -> Iterator[dict]:
    """Yield differences of concatenated encoders, at the most labels that have any."""
    rows = selection.clean(selection.linear(table.at_finest(evidence.metrics)))
    concatenated = rows[rows["source"].map(names.is_concatenated).astype(bool)]
    concatenated = concatenated.assign(source=concatenated["source"].map(names.of_any_seed))
    keys = ["target", "method", "source"]
    for (_, _, source), group in selection.groups(concatenated, keys):
        for same_labels in selection.most_labels_first(group):
            compared = _minus_each(source, same_labels, rows, evidence=evidence)
            differences = [
                _row(kind, *sides, difference=evidence.difference(*sides), why=why or ("", ""))
                for kind, sides in compared
                for why in [_untrained(*sides, evidence=evidence, margin=trained_margin)]
            ]
            yield from differences
            if differences:
                break


def _minus_each(
    source: str, concatenated: pd.DataFrame, rows: pd.DataFrame, *, evidence: Evidence
) -> Iterator[tuple[str, tuple[pd.DataFrame, pd.DataFrame]]]:
    """Yield the kind of comparison, and rows of concatenated encoders and of each of them alone.

    An encoder of another seed is left out: it is the first encoder trained once more.
    """
    first = concatenated.iloc[0]
    encoders = names.encoders(source)
    kinds = {(encoder, method) for encoder, method, _ in encoders}
    comparison = CONTROL if len(kinds) == 1 else CONCATENATED
    for encoder, method, seed in encoders:
        alone = rows[(rows["source"] == encoder) & (rows["method"] == (method or first["method"]))]
        for key in ("target", "labelled_images", "protocol"):
            alone = alone[alone[key] == first[key]]
        if not seed and len(alone) and selection.share_seeds(concatenated, alone):
            yield comparison, (concatenated, alone)


def _untrained(
    concatenated: pd.DataFrame, alone: pd.DataFrame, *, evidence: Evidence, margin: float
) -> Exclusion | None:
    comparison = Comparison(
        target=alone["target"].iloc[0],
        what="",
        cells=[concatenated, alone],
        scales=[],
        trained=[[concatenated, alone]],
        random=selection.random_encoder(evidence.metrics, alone),
    )
    return untrained(comparison, evidence, margin)
