"""The paper's four findings as claims that a study's table can support or contradict, each a module with `NAME` and
`evaluate(evidence, thresholds)`, which gives a `Finding` a claim: docs/reference/findings.md."""

from types import ModuleType

from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings import domain, granularity, quality, quantity
from fourlenses.findings.finding import Finding
from fourlenses.findings.thresholds import Thresholds

FINDINGS: tuple[ModuleType, ...] = (quantity, domain, quality, granularity)
__all__ = ["FINDINGS", "Evidence", "Finding", "Thresholds", "evaluate"]


def evaluate(evidence: Evidence, thresholds: Thresholds) -> list[Finding]:
    """All claims, whether or not the study has the lens."""
    return [finding for module in FINDINGS for finding in module.evaluate(evidence, thresholds)]
