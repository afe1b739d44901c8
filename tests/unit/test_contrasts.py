"""Contrasts: against hand values, and how often the interval holds a planted difference."""

from math import sqrt

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t
from tests.unit.synthetic_metrics import row

from fourlenses.errors import UserError
from fourlenses.evaluation.statistics import paired_difference, wilson_interval
from fourlenses.lenses import contrasts, table

N_TEST = 1000


def cell(source, top1s, **more):
    """Rows of one encoder, a seed each."""
    rows = [row("domain", "simclr", source, "a", top1, half=2.0, seed=seed, label_draw=0, **more) for seed, top1 in enumerate(top1s)]
    return pd.DataFrame(rows).assign(run=[f"simclr/{source}/seed{seed}" for seed in range(len(top1s))])


def drawn(generator, source, truth, seeds, sd):
    shares = np.clip(truth + sd * generator.standard_normal(seeds), 0, 100) / 100
    counts = generator.binomial(N_TEST, shares)
    bounds = [wilson_interval(int(count), N_TEST) for count in counts]
    return pd.DataFrame(
        {"target": "a", "level": "fine", "labelled_images": 1000, "protocol": "linear", "label_draw": 0, "seed": range(seeds)}
        | {"run": [f"simclr/{source}/seed{seed}" for seed in range(seeds)], "top1": 100 * counts / N_TEST}
        | {"top1_low": [low for low, _ in bounds], "top1_high": [high for _, high in bounds]}
    )


def test_one_seed_is_the_independent_interval_of_the_figures():
    a, b = cell("a-1000", [50.0]), cell("b-1000", [44.0])
    found = contrasts.difference(a, b)
    drop, low, high = (float(part.iloc[0]) for part in table.difference(a, b))
    assert (found.estimate, found.low, found.high) == pytest.approx((drop, low, high))
    assert (found.seeds, found.paired) == (1, False)


def test_seeds_add_their_variance_and_do_not_divide_that_of_the_images():
    found = contrasts.difference(cell("a-1000", [50.0, 53.0, 50.0]), cell("b-1000", [44.0, 44.0, 44.0]))
    images, between = 8 / contrasts.Z**2, 3.0 / 3  # two bands of 2 points each; variance of 6, 9, 6 is 3
    freedom = 2 * ((images + between) / between) ** 2
    half = t.ppf(0.975, int(freedom)) * sqrt(images + between)
    assert (found.estimate, found.low, found.high) == pytest.approx((7.0, 7 - half, 7 + half))
    assert found.seeds == 3


def test_a_shared_cell_counts_once_with_its_total_weight():
    own, b, c = cell("a-1000", [50.0]), cell("b-1000", [44.0]), cell("c-1000", [40.0])
    found = contrasts.weighted([(0.5, b, own), (0.5, c, own)])
    assert found.estimate == -8.0
    assert found.high - found.estimate == pytest.approx(sqrt(4 + 1 + 1))


def test_the_paired_table_narrows_either_way_round():
    generator = np.random.default_rng(0)
    a = generator.random(N_TEST) < 0.6
    b = a & (generator.random(N_TEST) < 0.95)
    top1s = [100 * float(side.mean()) for side in (a, b)]
    sides = [cell(source, [top1]) for source, top1 in zip(("a-1000", "b-1000"), top1s, strict=True)]
    drop, low, high = paired_difference(a, b)
    values = ["a", "fine", 1000, 0, 0, "linear", "simclr/a-1000/seed0", "linear", "simclr/b-1000/seed0", drop, low, high, N_TEST]
    paired = pd.DataFrame([values], columns=contrasts.PAIRED_COLUMNS)
    found, turned = contrasts.difference(*sides, paired), contrasts.difference(*sides[::-1], paired)
    assert (found.low, found.high) == pytest.approx((low, high))
    assert (turned.low, turned.high) == pytest.approx((-high, -low))
    assert found.paired
    assert found.high - found.low < 4  # independent: 5.6


def test_nothing_in_common_is_said():
    with pytest.raises(UserError, match=r"simclr/a-1000/seed0 on a and simclr/b-1000/seed0 on a; evaluate both sides"):
        contrasts.difference(cell("a-1000", [50.0]), cell("b-1000", [44.0]).assign(seed=7))


@pytest.mark.parametrize(("seeds", "sd"), [(1, 0.0), (2, 0.5), (2, 2.0), (3, 1.0), (3, 4.0)])
def test_the_interval_holds_the_planted_difference(seeds, sd):
    generator = np.random.default_rng(1)
    held = []
    for _ in range(1000):
        found = contrasts.difference(drawn(generator, "a-1000", 62.0, seeds, sd), drawn(generator, "b-1000", 55.0, seeds, sd))
        held.append(found.low <= 7.0 <= found.high)
    print(f"{seeds} seeds, seed sd {sd}: {np.mean(held):.1%} of 1000 intervals hold the truth")
    assert np.mean(held) >= 0.93
