"""The better of several ways of one option against the better of several of another: a line of the
decision card. One side leads only as `findings.best_of` says."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from fourlenses.analysis.contrasts import Contrast, Evidence
from fourlenses.findings import best_of, selection, words
from fourlenses.findings.comparison import UNTRAINED, above_floor, trained_enough
from fourlenses.findings.contest import ALIKE, OPEN
from fourlenses.findings.line import Line, line_of, too_wide
from fourlenses.findings.thresholds import Thresholds

TUNED = "fine_tune"


@dataclass(frozen=True, kw_only=True)
class Side:
    """An option on one target at one number of labels.

    Attributes:
        ways: rows of each way that it was used, a cell each.
        words: of each way.
    """

    ways: Mapping[str, pd.DataFrame]
    words: Mapping[str, str]

    def by(self, protocols: set[str]) -> "Side":
        """Return the ways by some protocols."""
        kept = {way: cell for way, cell in self.ways.items() if _protocol(cell) in protocols}
        return replace(self, ways=kept)

    def protocols(self) -> set[str]:
        return {_protocol(cell) for cell in self.ways.values()}


def _protocol(cell: pd.DataFrame) -> str:
    return str(cell["protocol"].iloc[0])


def line(
    first: Side,
    second: Side,
    *,
    question: str,
    answers: tuple[str, str],
    evidence: Evidence,
    thresholds: Thresholds,
) -> Line | None:
    """Return the line of the first minus the second; None where a side has no way, or the cells
    have no seed in common.

    Args:
        first: whom the question names.
        second: whom it is compared with.
        question: a key of `questions.QUESTIONS`.
        answers: where the first leads, and where the second does.
        evidence: the study's table.
        thresholds: of the study's config.
    """
    cells = [*first.ways.values(), *second.ways.values()]
    if not first.ways or not second.ways or not selection.share_seeds(*cells):
        return None
    pairs = {
        (way, other): evidence.difference(mine, theirs)
        for way, mine in first.ways.items()
        for other, theirs in second.ways.items()
    }
    means = (
        {way: cell["top1"].mean() for way, cell in side.ways.items()} for side in (first, second)
    )
    lead = best_of.lead(pairs, *means)
    mine, theirs = first.ways[lead.pair[0]], second.ways[lead.pair[1]]
    option, against = first.words[lead.pair[0]], second.words[lead.pair[1]]
    contrast, margin = pairs[lead.pair], thresholds.equivalence_margin
    untrained = _untrained(mine, theirs, evidence=evidence, margin=thresholds.trained_margin)
    answer, sense, reason = _answer(lead.side, contrast, answers, margin=margin)
    if untrained:
        answer, sense, reason = UNTRAINED, None, untrained
    labels = int(mine["labelled_images"].iloc[0])
    said = f"{option} minus {against}: {words.interval(contrast)}."
    found = line_of(
        contrast,
        question=question,
        subject=words.images(labels),
        method=str(mine["method"].iloc[0]),
        sentence=f"With {words.images(labels)} labels, {said}",
        answer=answer,
    )
    return replace(
        found,
        labelled_images=labels,
        sense=sense,
        option=option,
        against=against,
        reason=reason,
        p_value=None if untrained else lead.p_value,
    )


def _answer(
    side: int, contrast: Contrast, answers: tuple[str, str], *, margin: float
) -> tuple[str, int | None, str]:
    """The answer, whom it speaks for, and why there is none or what limits it."""
    if side:
        sense = 1 if side == best_of.FIRST else -1
        return answers[sense < 0], sense, ""
    if -margin < contrast.low and contrast.high < margin:
        return ALIKE, 0, f"within {words.margin(margin)}"
    return OPEN, None, too_wide(margin)


def _untrained(
    mine: pd.DataFrame, theirs: pd.DataFrame, *, evidence: Evidence, margin: float
) -> str:
    better = mine if mine["top1"].mean() > theirs["top1"].mean() else theirs
    above = above_floor(better, selection.random_encoder(evidence.metrics, mine), evidence)
    if above is None or trained_enough(above, margin):
        return ""
    return f"the better side minus the random encoder: {words.interval(above)}"
