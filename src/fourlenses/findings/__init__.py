"""The paper's four findings as hypotheses, each a module with `NAME` and `evaluate(metrics, paired, thresholds)`: docs/findings.md."""

from types import ModuleType

import pandas as pd

from fourlenses.findings import domain, granularity, quality, quantity
from fourlenses.findings.finding import Finding, Thresholds

FINDINGS: tuple[ModuleType, ...] = (quantity, domain, quality, granularity)


def evaluate(metrics: pd.DataFrame, paired: pd.DataFrame | None, thresholds: Thresholds) -> list[Finding]:
    """All four, whether or not the study has the lens. metrics: of `table.read_metrics`; paired: of `contrasts.read_paired`."""
    return [module.evaluate(metrics, paired, thresholds) for module in FINDINGS]
