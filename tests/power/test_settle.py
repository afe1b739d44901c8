"""Chances against drawn intervals; the seeds and test images that would do."""

from math import inf

import numpy as np
import pytest

from fourlenses.analysis.contrasts import quantile, standard_error
from fourlenses.power.settle import LIKELY, MOST_SEEDS, Spread


def test_the_parts_give_back_the_half_widths_they_are_made_of():
    spread = Spread.of(3.2, 2.5, 1.5, planned=3)
    error, freedom = standard_error(spread.images, spread.seeds / 3, spread.freedom)
    assert quantile(freedom) * error == pytest.approx(3.2, rel=1e-4)
    assert quantile(inf) * error == pytest.approx(2.5)
    assert quantile(inf) * (spread.seeds / 3) ** 0.5 == pytest.approx(1.5)
    assert spread.share_of_images == pytest.approx(1 - (1.5 / 2.5) ** 2)


@pytest.mark.parametrize("distance", [1.0, 2.0, 3.5])
def test_the_chance_is_that_of_drawn_intervals(distance):
    """One variance component of 4 degrees of freedom, 20,000 studies."""
    generator = np.random.default_rng(0)
    seeds, sd = 5, 1.6
    drawn = generator.normal(0, sd, (20_000, seeds))
    half = quantile(seeds - 1) * drawn.std(1, ddof=1) / seeds**0.5
    seen = np.mean(drawn.mean(1) + half < distance)
    spread = Spread(images=0.0, seeds=sd**2, planned=seeds, freedom=seeds - 1)
    assert spread.chance(distance, seeds) == pytest.approx(seen, abs=0.01)


def test_seeds_and_test_images_that_would_do():
    spread = Spread(images=0.5, seeds=1.0, planned=3, freedom=20)
    needed = spread.seeds_needed(2.5)
    assert spread.chance(2.5, needed) >= LIKELY > spread.chance(2.5, needed - 1)
    times = spread.times_needed(2.5)
    assert spread.chance(2.5, 3, times) == pytest.approx(LIKELY)
    assert spread.times_needed(1.0) is None  # the seeds' part alone is too wide
    assert spread.seeds_needed(0.5) is None  # the images' part alone is
    wide = Spread(images=0.0, seeds=1e4, planned=3, freedom=20)
    assert wide.chance(1.0, MOST_SEEDS) < LIKELY
    assert wide.seeds_needed(1.0) is None
    assert Spread(images=0.1, seeds=0.1, planned=3, freedom=inf).times_needed(9.0) == 1.0
