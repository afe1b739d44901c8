"""Planted truth: the interval holds it as often as it claims, and the verdict is hardly ever the opposite of what is true."""

from itertools import islice

import numpy as np
import pandas as pd
import pytest
from tests.unit import planted_study as planted

from fourlenses.findings import Thresholds, domain, granularity, quality, quantity
from fourlenses.findings.finding import Comparison, above, below, mean_over_targets

DRAWS = 200
TRUE, FALSE = "supported", "contradicted"
CASES = {
    "a curve that saturates": (quantity, planted.curve(0.5), 0.5, TRUE),
    "a curve that does not": (quantity, planted.curve(6.0), 6.0, FALSE),
    "others and a pool that hurt": (domain, planted.others(-6.0), -6.0, TRUE),
    "others as good as own": (domain, planted.others(0.0), 0.0, None),
    "corruptions that cost contrastive more": (quality, planted.corrupted(8.0), 8.0, TRUE),
    "corruptions that cost both alike": (quality, planted.corrupted(0.0), 0.0, None),
    "corruptions that cost supervised more": (quality, planted.corrupted(-4.0), -4.0, FALSE),
    "a gap as large at every level": (granularity, planted.levels(0.0), 0.0, None),
    "a gap that grows": (granularity, planted.levels(8.0), 8.0, TRUE),
}


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("case", CASES)
def test_interval_and_verdict(case, seeds):
    module, study, truth, right = CASES[case]
    generator = np.random.default_rng([20220619, seeds])
    first, *others = islice(study.draws(generator, seeds), DRAWS)
    whole = module.evaluate(first, None, Thresholds())
    claim = below if module in (quantity, domain) else above
    chosen = module.comparisons(first, 500_000) if module is quantity else module.comparisons(first)
    found = [mean_over_targets(_of(chosen, table), None) for table in (first, *others)]
    verdicts = [claim(one, whole.threshold) for one in found]
    assert (whole.verdict, whole.estimate) == (verdicts[0], pytest.approx(found[0].estimate, abs=1e-4))

    held = np.mean([one.low <= truth <= one.high for one in found])
    share = {verdict: verdicts.count(verdict) / DRAWS for verdict in (TRUE, FALSE, "inconclusive")}
    said = ", ".join(f"{verdict} {part:.1%}" for verdict, part in share.items())
    print(f"{case}, {seeds} seeds: {held:.1%} of {DRAWS} intervals hold {truth:+.1f}; {said}", flush=True)
    assert {one.seeds for one in found} == {seeds}
    assert held >= 0.93
    if right is None:  # a verdict either way is wrong: 5 % of intervals may miss
        assert share[TRUE] + share[FALSE] <= 0.07
    else:
        assert share[right] >= 0.93
        assert share[FALSE if right == TRUE else TRUE] <= 0.05


def _of(chosen: list[Comparison], table: pd.DataFrame) -> list[Comparison]:
    """The same comparisons in another draw of the study: which cells are compared does not depend on their numbers, and takes longest."""
    return [Comparison(one.target, one.what, [(w, table.loc[a.index], table.loc[b.index]) for w, a, b in one.terms]) for one in chosen]
