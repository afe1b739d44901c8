"""The variance between seeds: pooled, by kind, or the prior where there is one seed."""

from math import inf

import numpy as np
import pandas as pd
import pytest
from scipy.special import polygamma

from fourlenses.analysis.seed_variance import PRIOR_FREEDOM, _trigamma_inverse, pooled
from tests.helpers.synthetic_metrics import row

CELL = ("another", "linear")  # a kind without cells: it takes what all have in common
GROUP = ("a", 1000)


def study(generator, deviations, seeds, shared=0.0, levels=("fine",), method="simclr"):
    """Cells on one target, a deviation over seeds (points) each; shared: of what all cells of a
    seed have in common."""
    common = shared * generator.standard_normal(seeds)
    rows = []
    for number, deviation in enumerate(deviations):
        step = deviation * generator.standard_normal(seeds)
        for seed in range(seeds):
            for depth, level in enumerate(levels):
                more = {
                    "level": level,
                    "seed": seed,
                    "label_draw": 0,
                    "is_finest": level == "fine",
                    "level_depth": depth,
                }
                rows.append(
                    row(
                        "domain",
                        method,
                        f"d{number}-1000",
                        "a",
                        50 + common[seed] + step[seed] - 10 * depth,
                        **more,
                    )
                )
    return pd.DataFrame(rows)


def test_one_seed_takes_the_prior():
    variance = pooled(study(np.random.default_rng(0), [1.0] * 5, 1), 0.8)
    assert (variance.sd, variance.every.cells, variance.is_prior) == (0.8, 0, True)
    assert variance.moderated([(CELL, GROUP, [1.0]), (CELL, GROUP, [-1.0])], 0.0, 1) == (
        pytest.approx(1.28),
        inf,
    )
    assert (
        variance.words() == "0.8 points at 50 %, less towards 0 and 100 %, "
        "which is stated and not measured (findings.seed_sd)"
    )


def test_what_cells_share_counts_in_an_accuracy_and_not_in_a_difference():
    generator = np.random.default_rng(12)
    tables = [
        study(generator, [0.5] * 6, 3, shared=3.0).assign(target=f"t{number}")
        for number in range(30)
    ]
    measured = pooled(pd.concat(tables), 0.8)
    assert measured.shared == pytest.approx(9.0, rel=0.35)
    of_accuracy, _ = measured.moderated([(CELL, GROUP, [1.0])], 0.0, 1)
    difference, _ = measured.moderated([(CELL, GROUP, [1.0]), (CELL, GROUP, [-1.0])], 0.0, 1)
    assert of_accuracy == pytest.approx(measured.every.variance + measured.shared)
    assert difference == pytest.approx(0.5, rel=0.15)


def test_alike_cells_are_pooled():
    measured = pooled(study(np.random.default_rng(11), [0.7] * 40, 3), 0.8)
    assert measured.sd == pytest.approx(0.7, rel=0.15)
    assert measured.every.cells == 40
    variance, freedom = measured.moderated([(CELL, GROUP, [1.0]), (CELL, GROUP, [-1.0])], 25.0, 3)
    assert freedom > 70  # of 80
    assert variance == pytest.approx(
        2 * measured.every.variance, rel=0.05
    )  # its own 25 hardly counts


def test_cells_that_differ_keep_much_of_their_own():
    generator = np.random.default_rng(2)
    measured = pooled(study(generator, np.exp(generator.normal(0, 1.0, 60)), 4), 0.8)
    assert measured.every.freedom < 4
    variance, freedom = measured.moderated([(CELL, GROUP, [1.0])], 25.0, 4)
    assert variance > 8
    assert freedom < 8


def test_kinds_are_pooled_separately():
    generator = np.random.default_rng(6)
    table = pd.concat(
        [
            study(generator, [deviation] * 20, 3, method=method)
            for method, deviation in (("simclr", 0.5), ("byol", 4.0))
        ]
    )
    measured = pooled(table, 0.8)
    assert measured.kinds["simclr", "linear"].variance == pytest.approx(0.25, rel=0.5)
    assert measured.kinds["byol", "linear"].variance == pytest.approx(16, rel=0.4)
    quiet, _ = measured.moderated(
        [(("simclr", "linear"), GROUP, [1.0]), (("simclr", "linear"), GROUP, [-1.0])], 0.0, 1
    )
    assert quiet < 1.0
    mixed, freedom = measured.moderated(
        [(("simclr", "linear"), GROUP, [1.0]), (("byol", "linear"), GROUP, [-1.0])], 0.0, 1
    )
    assert mixed == pytest.approx(
        measured.kinds["simclr", "linear"].variance + measured.kinds["byol", "linear"].variance
    )
    assert freedom == pytest.approx(
        40, rel=0.15
    )  # of the noisy kind, which is nearly all of the sum
    assert "points by method and protocol, pooled over 40 cells" in measured.words()


def test_levels_of_one_encoder_move_together():
    measured = pooled(
        study(np.random.default_rng(3), [1.0] * 30, 3, levels=("coarse", "fine")), 0.8
    )
    assert measured.between_levels == pytest.approx(
        60 / 62
    )  # alike by construction, moved towards 0 by two degrees of freedom of 62
    growth, _ = measured.moderated([(CELL, GROUP, [1.0, -1.0])], 0.0, 1)
    assert growth < 0.1 * measured.every.variance * 2


def test_kinds_that_are_alike_share_one_value():
    generator = np.random.default_rng(7)
    table = pd.concat(
        [study(generator, [0.7] * 4, 3, method=method) for method in ("simclr", "byol")]
    )
    measured = pooled(table, 0.8)
    assert not measured.kinds
    assert measured.of(("byol", "linear")) == measured.every


def test_a_seed_that_one_cell_has_more_takes_none_from_the_others():
    table = study(np.random.default_rng(9), [1.0] * 6, 3)
    more = study(np.random.default_rng(9), [1.0], 5)
    both = pd.concat([table[table["source"] != "d0-1000"], more])
    assert (pooled(both, 0.8).every.cells, pooled(both, 0.8).every.most) == (
        6,
        pytest.approx(10 + PRIOR_FREEDOM),
    )


def test_two_cells_are_pooled_without_a_guess_of_how_alike_they_are():
    measured = pooled(study(np.random.default_rng(4), [1.0, 1.0], 3), 0.8)
    assert (measured.every.freedom, measured.every.most, measured.every.cells) == (
        inf,
        2.0 + PRIOR_FREEDOM,
        2,
    )  # two cells that share a seed: 2
    assert not measured.kinds


def test_random_encoders_are_a_kind_and_no_trained_cell():
    generator = np.random.default_rng(5)
    table = study(generator, [1.0] * 5, 3)
    still = study(generator, [0.1] * 5, 3, method="random")
    measured = pooled(pd.concat([table, still]), 0.8)
    assert measured.every.cells == 5
    assert measured.of(("random", "linear")).variance < 0.05 * measured.every.variance
    assert pooled(still, 0.8).is_prior


@pytest.mark.parametrize("x", [0.3, 1.0, 7.5, 100.0])
def test_trigamma_inverse(x):
    assert _trigamma_inverse(float(polygamma(1, x))) == pytest.approx(x, rel=1e-6)
