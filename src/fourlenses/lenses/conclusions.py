"""What the lenses conclude from a study's table: the findings, and the decision cards.

A lens has `finding.py` with `evaluate(evidence, thresholds)`, a `Finding` per claim: docs say what
the claims are. It may have `card.py` (`findings.decision.LensCard`). Neither draws anything.
"""

from typing import Protocol

from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings import decision
from fourlenses.findings.card import Card
from fourlenses.findings.decision import LensCard
from fourlenses.findings.finding import Finding
from fourlenses.findings.thresholds import Thresholds
from fourlenses.lenses.domain import card as domain_card
from fourlenses.lenses.domain import finding as domain
from fourlenses.lenses.granularity import finding as granularity
from fourlenses.lenses.quality import card as quality_card
from fourlenses.lenses.quality import finding as quality
from fourlenses.lenses.quantity import card as quantity_card
from fourlenses.lenses.quantity import finding as quantity


class LensFinding(Protocol):
    """The contract of `lenses/<lens>/finding.py`."""

    def evaluate(self, evidence: Evidence, thresholds: Thresholds) -> list[Finding]:
        """Return a finding per claim, whether or not the study has the lens."""


FINDINGS: dict[str, LensFinding] = {
    "quantity": quantity,
    "domain": domain,
    "quality": quality,
    "granularity": granularity,
}
CARDS: dict[str, LensCard] = {
    "quantity": quantity_card,
    "domain": domain_card,
    "quality": quality_card,
}


def evaluate(evidence: Evidence, thresholds: Thresholds) -> list[Finding]:
    """Return all claims, whether or not the study has the lens."""
    return [one for lens in FINDINGS.values() for one in lens.evaluate(evidence, thresholds)]


def cards(evidence: Evidence, thresholds: Thresholds) -> list[Card]:
    """Return a decision card per target, by name."""
    return decision.cards(evidence, thresholds, list(CARDS.values()))
