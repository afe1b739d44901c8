"""The conclusions of all lenses from a study's table: findings and decision cards.

A lens has `finding.py` with `evaluate(evidence, thresholds)`, and may have `card.py`
(`findings.decision.LensCard`). Neither draws anything.
"""

from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings import decision
from fourlenses.findings.card import Card
from fourlenses.findings.finding import Finding
from fourlenses.findings.thresholds import Thresholds
from fourlenses.lenses.registry import card_of, finding_of
from fourlenses.study.vocabulary import LENSES


def evaluate(evidence: Evidence, thresholds: Thresholds) -> list[Finding]:
    """Return a finding per claim of every lens, whether or not the study has the lens."""
    return [
        finding for lens in LENSES for finding in finding_of(lens).evaluate(evidence, thresholds)
    ]


def cards(evidence: Evidence, thresholds: Thresholds) -> list[Card]:
    """Return a decision card per target, by name."""
    modules = [card_of(lens) for lens in LENSES]
    return decision.cards(evidence, thresholds, [module for module in modules if module])
