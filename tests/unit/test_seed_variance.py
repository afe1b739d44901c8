"""The variance between seeds: pooled where cells are alike, each cell's own where they are not, the prior where there is one seed."""

from math import inf

import numpy as np
import pandas as pd
import pytest
from scipy.special import polygamma
from tests.unit.synthetic_metrics import row

from fourlenses.analysis.seed_variance import _trigamma_inverse, pooled


def study(generator, deviations, seeds, shared=0.0, levels=("fine",)):
    """Cells on one target, a deviation over seeds (points) each; shared: of what all cells of a seed have in common."""
    common = shared * generator.standard_normal(seeds)
    rows = []
    for place, deviation in enumerate(deviations):
        step = deviation * generator.standard_normal(seeds)
        for seed in range(seeds):
            for depth, level in enumerate(levels):
                more = {"level": level, "seed": seed, "label_draw": 0, "is_finest": level == "fine", "level_depth": depth}
                rows.append(row("domain", "simclr", f"d{place}-1000", "a", 50 + common[seed] + step[seed] - 10 * depth, **more))
    return pd.DataFrame(rows)


def test_one_seed_takes_the_prior():
    found = pooled(study(np.random.default_rng(0), [1.0] * 5, 1), 0.8)
    assert (found.sd, found.cells, found.is_prior) == (0.8, 0, True)
    assert found.moderated([[1.0], [-1.0]], 0.0, 1) == (pytest.approx(1.28), inf)


def test_alike_cells_are_pooled_and_what_they_share_is_taken_out():
    found = pooled(study(np.random.default_rng(1), [0.7] * 40, 3, shared=3.0), 0.8)
    assert found.sd == pytest.approx(0.7, rel=0.12)
    assert found.cells == 40
    variance, freedom = found.moderated([[1.0], [-1.0]], 25.0, 3)
    assert freedom > 70  # of 80
    assert variance == pytest.approx(2 * found.variance, rel=0.05)  # its own 25 hardly counts


def test_cells_that_differ_keep_much_of_their_own():
    generator = np.random.default_rng(2)
    found = pooled(study(generator, np.exp(generator.normal(0, 1.0, 60)), 4), 0.8)
    assert found.freedom < 4
    variance, freedom = found.moderated([[1.0]], 25.0, 4)
    assert variance > 8
    assert freedom < 8


def test_levels_of_one_encoder_move_together():
    found = pooled(study(np.random.default_rng(3), [1.0] * 30, 3, levels=("coarse", "fine")), 0.8)
    assert found.between_levels == pytest.approx(60 / 62)  # alike by construction, moved towards 0 by two degrees of freedom of 62
    growth, _ = found.moderated([[1.0, -1.0]], 0.0, 1)
    assert growth < 0.1 * found.variance * 2


def test_two_cells_are_pooled_without_a_guess_of_how_alike_they_are():
    found = pooled(study(np.random.default_rng(4), [1.0, 1.0], 3), 0.8)
    assert (found.freedom, found.most, found.cells) == (inf, 4.0, 2)


def test_random_encoders_do_not_count():
    table = study(np.random.default_rng(5), [1.0] * 3, 3)
    flat = table.assign(method="random", top1=10.0)
    assert pooled(pd.concat([table, flat]), 0.8) == pooled(table, 0.8)


@pytest.mark.parametrize("x", [0.3, 1.0, 7.5, 100.0])
def test_trigamma_inverse(x):
    assert _trigamma_inverse(float(polygamma(1, x))) == pytest.approx(x, rel=1e-6)
