"""The spread over seeds against scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fourlenses.metrics.seeds import SeedSpread, seed_spread


@given(
    st.lists(st.floats(0, 100), min_size=2, max_size=40), st.sampled_from([0.5, 0.9, 0.95, 0.999])
)
def test_interval_is_students(values, confidence):
    found = seed_spread(values, confidence)
    assert found.mean == pytest.approx(np.mean(values), abs=1e-9)
    assert found.sd == pytest.approx(np.std(values, ddof=1), abs=1e-9)
    half = stats.t.ppf(0.5 + confidence / 2, len(values) - 1) * found.sd / len(values) ** 0.5
    assert (found.low, found.high) == pytest.approx(
        (found.mean - half, found.mean + half), abs=1e-7, rel=1e-9
    )
    assert found.seeds == len(values)


@pytest.mark.parametrize("seeds", [2, 3, 4, 5, 30, 31, 500])
def test_quantiles(seeds):
    values = np.linspace(0, 1, seeds)
    found = seed_spread(values)
    quantile = (found.high - found.mean) / (found.sd / seeds**0.5)
    assert quantile == pytest.approx(stats.t.ppf(0.975, seeds - 1), rel=1e-9)


def test_one_seed_has_no_spread():
    assert seed_spread([71.5]) == SeedSpread(71.5, None, None, None, 1)


def test_refusals():
    for values in ([], [1.0, float("nan")]):
        with pytest.raises(ValueError, match="finite value a seed"):
            seed_spread(values)
    with pytest.raises(ValueError, match="confidence"):
        seed_spread([1, 2], 1.0)
