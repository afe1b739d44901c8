"""A downloaded encoder against labels alone: the better of each at every label size.

As in the contest of own pretraining, only encoders that were fine-tuned take part: a frozen encoder
against a network trained end to end is no contest.
"""

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings import best_of, selection, words
from fourlenses.findings.comparison import UNTRAINED, above_floor, trained_enough
from fourlenses.findings.contest import ALIKE, OPEN
from fourlenses.findings.line import Line, line_of, too_wide
from fourlenses.findings.thresholds import Thresholds
from fourlenses.lenses.alternatives.declared import Declared
from fourlenses.lenses.alternatives.sides import WAYS, in_words
from fourlenses.study.vocabulary import EXTERNAL

DOWNLOAD, LABELS = "a downloaded encoder leads", "labels alone lead"
TUNED = "fine_tune"


def answers(
    evidence: Evidence, thresholds: Thresholds, declared: dict[str, Declared]
) -> Iterator[tuple[str, Line]]:
    """Yield each target with the line of a label size."""
    rows = selection.finest(evidence.metrics)
    for (target, _), here in selection.groups(rows, ["target", "labelled_images"]):
        alone = dict(selection.supervised(here))
        downloaded = _downloaded(here, target, declared)
        cells = [*alone.values(), *downloaded.values()]
        if alone and downloaded and selection.share_seeds(*cells):
            yield target, _line(downloaded, alone, evidence=evidence, thresholds=thresholds)


def _downloaded(
    rows: pd.DataFrame, target: str, declared: dict[str, Declared]
) -> dict[str, pd.DataFrame]:
    """Rows of external encoders that were fine-tuned and have not seen the target, a cell a way."""
    external = rows[(rows["method"] == EXTERNAL) & rows["protocol"].isin(WAYS)]
    tuned = set(external.loc[external["protocol"] == TUNED, "source"])
    return {
        f"{source}/{protocol}": cell
        for (source, protocol), cell in selection.groups(external, ["source", "protocol"])
        if source in tuned and target not in declared.get(source, Declared()).labels_of
    }


def _line(
    downloaded: dict[str, pd.DataFrame],
    alone: dict[str, pd.DataFrame],
    *,
    evidence: Evidence,
    thresholds: Thresholds,
) -> Line:
    pairs = {
        (way, name): evidence.difference(mine, theirs)
        for way, mine in downloaded.items()
        for name, theirs in alone.items()
    }
    means = (
        {way: rows["top1"].mean() for way, rows in side.items()} for side in (downloaded, alone)
    )
    lead = best_of.lead(pairs, *means)
    mine, theirs = downloaded[lead.pair[0]], alone[lead.pair[1]]
    contrast, margin = pairs[lead.pair], thresholds.equivalence_margin
    answer, sense, reason = OPEN, None, too_wide(margin)
    if lead.side:
        sense = 1 if lead.side == best_of.FIRST else -1
        answer, reason = (DOWNLOAD if sense == 1 else LABELS), ""
    elif -margin < contrast.low and contrast.high < margin:
        answer, sense, reason = ALIKE, 0, f"within {words.margin(margin)}"
    untrained = _untrained(mine, theirs, evidence=evidence, margin=thresholds.trained_margin)
    if untrained:
        answer, sense, reason = UNTRAINED, None, untrained
    labels = int(mine["labelled_images"].iloc[0])
    said = f"{in_words(mine)} minus {lead.pair[1]}: {words.interval(contrast)}."
    line = line_of(
        contrast,
        question="download_or_labels",
        subject=words.images(labels),
        method=EXTERNAL,
        sentence=f"With {words.images(labels)} labels, {said}",
        answer=answer,
    )
    return replace(
        line,
        labelled_images=labels,
        sense=sense,
        option=in_words(mine),
        against=lead.pair[1],
        reason=reason,
        p_value=None if untrained else lead.p_value,
    )


def _untrained(
    mine: pd.DataFrame, theirs: pd.DataFrame, *, evidence: Evidence, margin: float
) -> str:
    better = mine if mine["top1"].mean() > theirs["top1"].mean() else theirs
    above = above_floor(better, selection.random_encoder(evidence.metrics, mine), evidence)
    if above is None or trained_enough(above, margin):
        return ""
    return f"the better side minus the random encoder: {words.interval(above)}"
