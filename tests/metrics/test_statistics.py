"""Intervals against scipy, against a published example, and by how often they hold the truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from fourlenses.metrics.statistics import paired_difference, wilson_interval, wilson_share


@given(
    st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.sampled_from([0.5, 0.9, 0.95, 0.999]),
)
def test_wilson_is_scipys(counts, confidence):
    correct, total = counts
    interval = binomtest(correct, total).proportion_ci(confidence, method="wilson")
    assert wilson_interval(correct, total, confidence) == pytest.approx(
        (100 * interval.low, 100 * interval.high), abs=1e-9
    )


@pytest.mark.parametrize("counts", [(0, 0), (-1, 5), (6, 5)])
def test_wilson_refuses_impossible_counts(counts):
    with pytest.raises(ValueError, match="correct"):
        wilson_interval(*counts)
    with pytest.raises(ValueError, match="confidence"):
        wilson_interval(1, 2, 1.0)


def from_table(both, only_a, only_b, neither):
    a = np.repeat([True, True, False, False], [both, only_a, only_b, neither])
    b = np.repeat([True, False, True, False], [both, only_a, only_b, neither])
    return a, b


def test_paired_difference_is_newcombes():
    """Newcombe 1998, method 10: limits 0.0569 and 0.3404 for the table 36, 12, 2, 0.

    And -+0.0664 for 54, 0, 0, 0.
    """
    assert paired_difference(*from_table(36, 12, 2, 0)) == pytest.approx(
        (20, 5.69, 34.04), abs=5e-3
    )
    assert paired_difference(*from_table(54, 0, 0, 0)) == pytest.approx((0, -6.64, 6.64), abs=5e-3)


def test_positive_correlation_is_continuity_corrected():
    """The formula for 14, 5, 0, 22: phi = (14 * 22 - 41 / 2) / sqrt(19 * 22 * 14 * 27)."""
    a, b = (binomtest(k, 41).proportion_ci(0.95, method="wilson") for k in (19, 14))
    p, q, phi = 19 / 41, 14 / 41, 287.5 / (19 * 22 * 14 * 27) ** 0.5
    below = ((p - a.low) ** 2 - 2 * phi * (p - a.low) * (b.high - q) + (b.high - q) ** 2) ** 0.5
    above = ((a.high - p) ** 2 - 2 * phi * (a.high - p) * (q - b.low) + (q - b.low) ** 2) ** 0.5
    expected = (100 * (p - q), 100 * (p - q - below), 100 * (p - q + above))
    assert paired_difference(*from_table(14, 5, 0, 22)) == pytest.approx(expected, abs=1e-9)


def test_swapping_the_encoders_mirrors_the_interval():
    a, b = from_table(40, 13, 5, 22)
    difference, low, high = paired_difference(a, b)
    assert paired_difference(b, a) == pytest.approx((-difference, -high, -low))
    assert low < difference < high


def test_pairing_narrows_the_interval():
    _, low, high = paired_difference(*from_table(600, 60, 40, 300))
    a, b = from_table(600, 60, 40, 300)
    _, low_unpaired, high_unpaired = paired_difference(a, np.random.default_rng(0).permutation(b))
    assert high - low < 0.6 * (high_unpaired - low_unpaired)


@pytest.mark.parametrize(
    ("total", "cells"),
    [(100, (0.5, 0.2, 0.1, 0.2)), (500, (0.7, 0.06, 0.04, 0.2)), (60, (0.9, 0.04, 0.04, 0.02))],
)
def test_paired_difference_covers_the_truth(total, cells):
    """The 95 % interval holds the truth in about 95 % of simulated test sets.

    The standard error of that estimate is 0.5 points.
    """
    trials = 2000
    tables = np.random.default_rng(1).multinomial(total, cells, trials)
    truth = 100 * (cells[1] - cells[2])
    held = 0
    for table in tables:
        _, low, high = paired_difference(*from_table(*table))
        held += low <= truth <= high
    assert 0.935 <= held / trials <= 0.985


def test_paired_difference_refuses_what_is_not_paired():
    with pytest.raises(ValueError, match="length"):
        paired_difference(np.ones(3, bool), np.ones(4, bool))
    with pytest.raises(ValueError, match="boolean"):
        paired_difference(np.ones(3), np.ones(3))


def test_a_share_that_is_no_whole_number_of_images():
    assert wilson_share(0.25, 200) == pytest.approx(
        tuple(end / 100 for end in wilson_interval(50, 200))
    )
    assert (
        wilson_interval(50, 200)[0] / 100
        < wilson_share(0.2525, 200)[0]
        < wilson_interval(51, 200)[0] / 100
    )
