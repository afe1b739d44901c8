"""From the outcomes of several comparisons to one verdict on a claim about all of them.

A claim such as "no other domain is better" is about every comparison, so it is supported only where each of them supports it: no correction
for their number is needed then (intersection-union test; R. L. Berger, Technometrics 24, 1982). It is contradicted where one is wholly on
the other side, after Holm's correction for having looked at all. A mean over comparisons decides nothing: it can be low
while some are high.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from fourlenses.analysis.contrasts import CONFIDENCE
from fourlenses.analysis.multiplicity import holm
from fourlenses.findings.comparison import LONGER_FIRST, Outcome
from fourlenses.findings.thresholds import LEAST_SEEDS

SUPPORTED, CONTRADICTED, EQUIVALENT = "supported", "contradicted", "equivalent"
FIRM = (SUPPORTED, CONTRADICTED, EQUIVALENT, LONGER_FIRST)
LEANS = "leans "  # before these: from fewer than three seeds
MIXED, INCONCLUSIVE, NOT_MEASURED = "mixed", "inconclusive", "not measured"

BELOW, ABOVE = -1, 1  # the side of the threshold that a claim is about
HOLDS, AGAINST, OPEN = "holds", "against", "open"


@dataclass(frozen=True)
class Verdict:
    """status: of each outcome `HOLDS`, `AGAINST`, `OPEN`, or why it does not count. counts: how many of each. seeds: the fewest."""

    word: str
    status: list[str]
    counts: dict[str, int]
    seeds: int


def universal(outcomes: Sequence[Outcome], side: int, equivalence: float | None = None) -> Verdict:
    """The verdict on the claim that every comparison is on ``side`` of its threshold.

    equivalence: within plus and minus so many points of 0 two sides are alike, where that would be an answer.
    """
    counted = [one for one in outcomes if one.counts]
    adjusted = dict(zip(map(id, counted), holm([one.p_value() for one in counted]), strict=True))
    status = [_status(one, side, adjusted) if one.counts else one.excluded[0] for one in outcomes]
    counts = dict(Counter(status))
    if not outcomes:
        return Verdict(NOT_MEASURED, [], {}, 0)
    if not counted:
        seeds, word = min(one.contrast.seeds for one in outcomes), max(counts, key=counts.get)
        return Verdict(_leaning(word, seeds), status, counts, seeds)
    seeds = min(one.contrast.seeds for one in counted)
    word = _word(counted, counts, equivalence)
    if LONGER_FIRST in counts and word != CONTRADICTED:
        word = LONGER_FIRST
    if word == SUPPORTED and 2 * len(counted) < len(outcomes):  # of most nothing can be told
        word = MIXED
    return Verdict(_leaning(word, seeds), status, counts, seeds)


def _leaning(word: str, seeds: int) -> str:
    return LEANS + word if word in FIRM and seeds < LEAST_SEEDS else word


def _status(one: Outcome, side: int, adjusted: dict[int, float]) -> str:
    if one.below() if side == BELOW else one.above():
        return HOLDS
    if one.direction() == -side and adjusted[id(one)] < 1 - CONFIDENCE:
        return AGAINST
    return OPEN


def _word(counted: Sequence[Outcome], counts: dict[str, int], equivalence: float | None) -> str:
    if counts.get(AGAINST):
        return CONTRADICTED
    if equivalence is not None and all(one.within(equivalence) for one in counted):
        return EQUIVALENT
    if counts.get(HOLDS) == len(counted):
        return SUPPORTED
    return MIXED if counts.get(HOLDS) else INCONCLUSIVE
