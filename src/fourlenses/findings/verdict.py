"""From the outcomes of several comparisons to one verdict on a claim about all of them.

A claim such as "no other domain is better" is about every comparison, so it is supported only where
each of them supports it: no correction for their number is needed then (intersection-union test;
Berger 1982, https://doi.org/10.2307/1267823). It is contradicted where one is wholly on the other
side, after Holm's correction for the number of comparisons. A mean over comparisons decides
nothing: it can be low while some are high.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fourlenses.analysis.contrasts import CONFIDENCE
from fourlenses.analysis.multiplicity import holm
from fourlenses.findings.comparison import LONGER_FIRST, Outcome
from fourlenses.findings.thresholds import LEAST_SEEDS

SUPPORTED, CONTRADICTED, EQUIVALENT = "supported", "contradicted", "equivalent"
FIRM = (SUPPORTED, CONTRADICTED, EQUIVALENT, LONGER_FIRST)
LEANS = "leans "  # before these: from fewer than `LEAST_SEEDS` seeds
MIXED, INCONCLUSIVE, NOT_MEASURED = "mixed", "inconclusive", "not measured"

BELOW, ABOVE = -1, 1  # the side of the threshold that a claim is about
HOLDS, AGAINST, OPEN = "holds", "against", "open"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The verdict on a claim.

    Attributes:
        word: one of those above, or why no comparison counts.
        status: of each outcome `HOLDS`, `AGAINST`, `OPEN`, or why it does not count.
        counts: how many outcomes have each status.
        seeds: the fewest of an outcome that counts.
    """

    word: str
    status: list[str]
    counts: dict[str, int]
    seeds: int


def universal(outcomes: Sequence[Outcome], side: int, equivalence: float | None = None) -> Verdict:
    """Return the verdict on the claim that every comparison is on one side of its threshold.

    Args:
        outcomes: of the comparisons.
        side: `BELOW` or `ABOVE`.
        equivalence: within this many points of 0 two sides are alike, where that would
            be an answer.
    """
    if not outcomes:
        return Verdict(word=NOT_MEASURED, status=[], counts={}, seeds=0)
    status = _statuses(outcomes, side)
    counts = dict(Counter(status))
    counted = [outcome for outcome in outcomes if outcome.counts]
    seeds = min(outcome.contrast.seeds for outcome in counted or outcomes)
    if not counted:
        word = max(counts, key=counts.__getitem__)
    else:
        word = _word(counted, counts, equivalence)
        if LONGER_FIRST in counts and word != CONTRADICTED:
            word = LONGER_FIRST
        if word == SUPPORTED and 2 * len(counted) < len(outcomes):
            word = MIXED  # most of the comparisons say nothing
    leaning = LEANS if word in FIRM and seeds < LEAST_SEEDS else ""
    return Verdict(word=leaning + word, status=status, counts=counts, seeds=seeds)


def _statuses(outcomes: Sequence[Outcome], side: int) -> list[str]:
    p_values = holm([outcome.p_value() for outcome in outcomes if outcome.excluded is None])
    adjusted = iter(p_values)
    return [
        outcome.excluded.word if outcome.excluded else _status(outcome, side, next(adjusted))
        for outcome in outcomes
    ]


def _status(outcome: Outcome, side: int, p_value: float) -> str:
    if outcome.below() if side == BELOW else outcome.above():
        return HOLDS
    if outcome.direction() == -side and p_value < 1 - CONFIDENCE:
        return AGAINST
    return OPEN


def _word(counted: Sequence[Outcome], counts: Mapping[str, int], equivalence: float | None) -> str:
    if counts.get(AGAINST):
        return CONTRADICTED
    if equivalence is not None and all(outcome.within(equivalence) for outcome in counted):
        return EQUIVALENT
    if counts.get(HOLDS) == len(counted):
        return SUPPORTED
    return MIXED if counts.get(HOLDS) else INCONCLUSIVE
