"""Differences and their intervals: against closed forms, with and without joint counts."""

from math import inf, sqrt

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, t

from fourlenses.analysis import scales
from fourlenses.analysis.cells import Cell
from fourlenses.analysis.contrasts import Evidence, quantile
from fourlenses.analysis.joint_counts import Group
from fourlenses.analysis.seed_variance import Common, SeedVariance
from fourlenses.core.errors import UserError
from tests.helpers.synthetic_metrics import row

N_TEST = 1000
# the prior: 0.8 points at 50 %
KNOWN = SeedVariance(every=Common(variance=0.64, freedom=inf, most=inf, cells=0, mean=0.64))
NONE = SeedVariance(every=Common(variance=0.0, freedom=inf, most=inf, cells=1, mean=0.0))


def cell(source, top1s, **more):
    """Rows of one encoder, a seed each."""
    rows = [
        row("domain", "simclr", source, "a", top1, seed=seed, label_draw=0, n_test=N_TEST, **more)
        for seed, top1 in enumerate(top1s)
    ]
    return pd.DataFrame(rows).assign(
        run=[f"simclr/{source}/seed{seed}" for seed in range(len(top1s))]
    )


def evidence(joint=None, variance=NONE):
    return Evidence(pd.DataFrame(), joint or {}, variance)


def image_error(share):
    """Of one cell with the two added images, squared points."""
    return (N_TEST * share * (1 - share) + 1) / (N_TEST + 2) ** 2 * 1e4


def test_one_seed_without_predictions_adds_both_cells():
    difference = evidence().difference(cell("a-1000", [50.0]), cell("b-1000", [44.0]))
    error = sqrt(image_error(0.5) + image_error(0.44))
    assert (difference.estimate, difference.standard_error) == (6.0, pytest.approx(error))
    assert (difference.low, difference.high) == pytest.approx(
        (6 - norm.ppf(0.975) * error, 6 + norm.ppf(0.975) * error)
    )
    assert (difference.seeds, difference.paired, difference.freedom) == (1, False, inf)


def test_one_seed_is_widened_by_the_prior_which_shrinks_towards_the_ends():
    rows = cell("a-1000", [50.0]), cell("b-1000", [90.0])
    difference = evidence(variance=KNOWN).difference(*rows)
    seeds = 0.64 * (1 + 0.36)  # of a count: p (1 - p) is 0.09 at 90 % and 0.25 at 50 %
    assert difference.standard_error == pytest.approx(
        sqrt(image_error(0.5) + image_error(0.9) + seeds)
    )


def test_several_seeds_are_the_two_way_layout():
    """Right and wrong of two encoders under three seeds on the same images: mean squares of images,
    seeds and their interaction."""
    generator = np.random.default_rng(3)
    easy = generator.standard_normal((3, N_TEST))  # for both encoders, and for each of them
    right = np.array(
        [
            [easy[0] + easy[side] + generator.standard_normal(N_TEST) < limit for _ in range(3)]
            for side, limit in ((1, 0.4), (2, 0.1))
        ],
        float,
    )  # (2, 3, n)
    sides = [
        cell(source, list(100 * part.mean(1)))
        for source, part in zip(("a-1000", "b-1000"), right, strict=True)
    ]
    flat = right.reshape(6, N_TEST)
    places = {
        ("fine", "linear", f"simclr/{source}/seed{seed}", 0): 3 * side + seed
        for side, source in enumerate(("a-1000", "b-1000"))
        for seed in range(3)
    }
    joint = {("a", 1000): Group(places, np.cov(flat, bias=True))}
    # a study whose cells say nothing of each other: the variance is the contrast's own, of two
    # degrees of freedom
    common = Common(variance=1.0, freedom=1e-9, most=1e9, cells=5, mean=1.0)
    difference = evidence(joint, SeedVariance(every=common)).difference(*sides)

    scores = 100 * (right[0] - right[1])  # (3, n): D of seed s on image i
    seeds = scores.mean(1)
    between_seeds = np.cov(scores, bias=True)
    u = between_seeds[~np.eye(3, dtype=bool)].mean()
    variance = (N_TEST * u + 2e4) / (N_TEST + 2) ** 2 + seeds.var(ddof=1) / 3
    assert difference.estimate == pytest.approx(seeds.mean())
    assert difference.standard_error == pytest.approx(sqrt(variance))
    freedom = 2 * (variance / (seeds.var(ddof=1) / 3)) ** 2
    assert difference.high - difference.estimate == pytest.approx(
        t.ppf(0.975, freedom) * sqrt(variance)
    )
    assert difference.paired


def test_a_shared_cell_counts_once_with_its_total_weight():
    a, b, c = cell("a-1000", [50.0]), cell("b-1000", [44.0]), cell("c-1000", [40.0])
    weighted = evidence().weighted([(0.5, b, a), (0.5, c, a)])
    assert weighted.estimate == -8.0
    each = [N_TEST * share * (1 - share) + 1 for share in (0.5, 0.44, 0.40)]
    assert weighted.standard_error**2 == pytest.approx(
        (each[0] + (each[1] + each[2]) / 4) * 1e4 / (N_TEST + 2) ** 2
    )


def test_the_interval_of_one_accuracy_stays_within_0_and_100():
    sure = evidence().mean(cell("a-1000", [100.0]))
    assert sure.high == 100.0
    assert 99.4 < sure.low < 99.7  # Wilson's of 1,000 of 1,000: 99.6
    half = evidence().mean(cell("a-1000", [50.0]))
    assert (half.low, half.high) == pytest.approx((46.9, 53.1), abs=0.05)


def test_quantile_is_students_t():
    assert quantile(3.5) == pytest.approx(t.ppf(0.975, 3.5))
    assert quantile(inf) == pytest.approx(norm.ppf(0.975))


def test_p_value_is_that_of_the_interval():
    difference = evidence().difference(cell("a-1000", [50.0]), cell("b-1000", [44.0]))
    assert difference.p_value(difference.low) == pytest.approx(0.05)
    assert difference.p_value(6.0) == 1.0
    assert difference.p_value() == pytest.approx(2 * norm.sf(6 / difference.standard_error))


def test_log_odds_by_the_delta_method():
    weighted = evidence().weighted(
        [(1.0, cell("a-1000", [80.0]), cell("b-1000", [60.0]))], scales.log_odds
    )
    assert weighted.estimate == pytest.approx(np.log(0.8 / 0.2) - np.log(0.6 / 0.4), abs=2e-3)
    assert weighted.standard_error == pytest.approx(
        sqrt(1 / (1000 * 0.16) + 1 / (1000 * 0.24)), rel=0.01
    )


@pytest.mark.parametrize(
    "function", [scales.log_odds([1.0, -1.0, 0.5, -0.5, 1.0]), scales.share_lost]
)
def test_derivatives_are_those_of_the_value(function):
    top1s, tests = [60.0, 52.0, 20.0, 75.0, 70.0], [1000] * 5
    _, derivatives = function(top1s, tests)
    for index, derivative in enumerate(derivatives):
        ends = []
        for step in (-1e-4, 1e-4):
            moved = list(top1s)
            moved[index] += step
            ends.append(function(moved, tests)[0])
        assert derivative == pytest.approx((ends[1] - ends[0]) / 2e-4, rel=1e-4)


def test_share_lost_of_the_gain_over_the_random_encoder():
    estimate, _ = scales.share_lost([60.0, 50.0, 20.0, 80.0, 74.0], [1000] * 5)
    assert estimate == pytest.approx(100 * (10 / 40 - 6 / 60))


def test_nothing_in_common_is_said():
    with pytest.raises(
        UserError,
        match=r"simclr/a-1000/seed0 on a and simclr/b-1000/seed0 on a; evaluate both sides",
    ):
        evidence().difference(cell("a-1000", [50.0]), cell("b-1000", [44.0]).assign(seed=7))


def test_two_rows_of_one_cell_are_an_error_of_ours():
    with pytest.raises(ValueError, match="two rows of seed 0, label draw 0"):
        Cell.of(pd.concat([cell("a-1000", [50.0])] * 2))
