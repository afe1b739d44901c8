"""Evidence of a planted study as it is seen once, and its findings by name."""

import numpy as np

from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings.finding import Finding
from fourlenses.findings.thresholds import Thresholds
from fourlenses.lenses import conclusions
from tests.helpers.planted_study import Planted

CERTAIN = Thresholds(seed_sd=1e-6)


def seen(study: Planted, seeds: int = 3, *, n_test: int = 50_000, seed_sd: float = 0.2) -> Evidence:
    return next(study.draws(np.random.default_rng(0), seeds, n_test=n_test, seed_sd=seed_sd))


def by_name(evidence: Evidence, thresholds: Thresholds = CERTAIN) -> dict[str, Finding]:
    return {each.finding: each for each in conclusions.evaluate(evidence, thresholds)}
