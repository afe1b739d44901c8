"""The better of several ways against the better of several others.

The best of several looks better than it is. So one side leads only where one of its ways beats
every way of the other (intersection-union: Berger 1982, https://doi.org/10.2307/1267823), after a
correction for how many ways it had (Bonferroni).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from fourlenses.analysis.contrasts import CONFIDENCE, Contrast
from fourlenses.findings.comparison import Outcome

FIRST, NEITHER, SECOND = 1, 0, -1

Pairs = Mapping[tuple[str, str], Contrast]  # by way of the first side and way of the second


@dataclass(frozen=True, kw_only=True)
class Lead:
    """Which side leads.

    Attributes:
        side: `FIRST`, `SECOND`, or `NEITHER` where that is not certain.
        p_value: that one side leads; 1 where neither side's best is ahead.
        pair: of each side the way that it rests on: the one that wins for certain and the best of
            the other side, or the best of both.
    """

    side: int
    p_value: float
    pair: tuple[str, str]


@dataclass(frozen=True)
class BestOf(Outcome):
    """The outcome of a comparison of the better of several ways with the better of several others.

    Its contrast is that of the pair which the lead rests on, of threshold 0.

    Attributes:
        lead: which side leads.
    """

    lead: Lead

    def below(self) -> bool:
        return self.lead.side == SECOND

    def above(self) -> bool:
        return self.lead.side == FIRST

    def p_value(self) -> float:
        return self.lead.p_value

    def direction(self) -> int:
        estimate = self.contrast.estimate
        return self.lead.side or (estimate > 0) - (estimate < 0)


def lead(pairs: Pairs, first: Mapping[str, float], second: Mapping[str, float]) -> Lead:
    """Return which side leads.

    Args:
        pairs: of each way of the first side with each of the second, the first minus the second.
        first: top-1 of each way of the first side, percent.
        second: of each way of the second side.
    """
    best, rival = max(first, key=first.__getitem__), max(second, key=second.__getitem__)
    beats = {way: max(_ahead(pairs[way, other]) for other in second) for way in first}
    beaten_by = {
        other: max(_ahead(_turned(pairs[way, other])) for way in first) for other in second
    }
    ours, theirs = len(first) * min(beats.values()), len(second) * min(beaten_by.values())
    p_value = min(1.0, ours, theirs)
    if p_value >= 1 - CONFIDENCE:
        return Lead(side=NEITHER, p_value=p_value, pair=(best, rival))
    if ours < theirs:
        winner = min(beats, key=beats.__getitem__)
        return Lead(side=FIRST, p_value=p_value, pair=(winner, rival))
    winner = min(beaten_by, key=beaten_by.__getitem__)
    return Lead(side=SECOND, p_value=p_value, pair=(best, winner))


def _ahead(contrast: Contrast) -> float:
    """The p-value that it is above 0; 1 where it is not."""
    return contrast.p_value() if contrast.estimate > 0 else 1.0


def _turned(contrast: Contrast) -> Contrast:
    """The second minus the first."""
    return replace(contrast, estimate=-contrast.estimate, low=-contrast.high, high=-contrast.low)
