import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fourlenses.data.manifest.spatial_split import KM_PER_DEGREE, blocks, in_test_block

# the forty-eight states
LATITUDE, LONGITUDE = st.floats(24, 50), st.floats(-125, -66)


def over_the_states(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.uniform(24, 50, count), generator.uniform(-125, -66, count)


@given(st.lists(st.tuples(LATITUDE, LONGITUDE), min_size=2, max_size=50), st.integers(0, 9))
def test_places_of_one_block_are_on_one_side(places, seed):
    latitude, longitude = np.array(places).T
    # neighbours a few hundred metres away, many of them in the same block
    latitude, longitude = (
        np.append(latitude, latitude + 0.002),
        np.append(longitude, longitude + 0.002),
    )
    sides = {}
    tests = in_test_block(latitude, longitude, 5.0, fraction=0.5, seed=seed)
    for row, column, test in zip(*blocks(latitude, longitude, 5.0), tests, strict=True):
        assert sides.setdefault((row, column), test) == test


@given(LATITUDE, LONGITUDE)
def test_a_block_is_at_most_5_km_wide_and_high(latitude, longitude):
    spread = np.linspace(-0.2, 0.2, 201)
    row, column = blocks(np.full(201, latitude), longitude + spread, 5.0)
    _, counts = np.unique(column, return_counts=True)
    step = 0.002 * KM_PER_DEGREE * np.cos(np.radians(latitude))
    assert (counts.max() - 1) * step <= 5.0 * 1.001
    assert set(row) == {row[0]}
    row, _ = blocks(latitude + spread, np.full(201, longitude), 5.0)
    _, counts = np.unique(row, return_counts=True)
    assert (counts.max() - 1) * 0.002 * KM_PER_DEGREE <= 5.0 * 1.001


def test_blocks_have_one_area():
    """Equally many places of an even spread over the sphere, in the south and in the north."""
    generator = np.random.default_rng(1)
    for south in (25.0, 48.0):
        sine = generator.uniform(np.sin(np.radians(south)), np.sin(np.radians(south + 1)), 400_000)
        row, column = blocks(
            np.degrees(np.arcsin(sine)), generator.uniform(-100, -99, 400_000), 5.0
        )
        inner = (row > row.min()) & (row < row.max())
        _, counts = np.unique(row[inner] * 100_000 + column[inner], return_counts=True)
        area = KM_PER_DEGREE**2 * np.degrees(
            np.sin(np.radians(south + 1)) - np.sin(np.radians(south))
        )
        assert 24 < np.median(counts) * area / 400_000 < 26


def test_the_fraction_is_about_what_is_asked_for():
    latitude, longitude = over_the_states(200_000)
    for fraction in (0.05, 0.2, 0.5):
        assert (
            abs(
                in_test_block(latitude, longitude, 5.0, fraction=fraction, seed=0).mean() - fraction
            )
            < 0.005
        )


def test_seeds_draw_other_blocks_and_the_draw_does_not_depend_on_the_other_places():
    latitude, longitude = over_the_states(10_000)
    one, other = (
        in_test_block(latitude, longitude, 5.0, fraction=0.2, seed=seed) for seed in (0, 1)
    )
    assert abs((one & other).mean() - 0.04) < 0.01
    assert np.array_equal(
        in_test_block(latitude[::7], longitude[::7], 5.0, fraction=0.2, seed=0), one[::7]
    )
    # a larger fraction adds test blocks and takes none away
    assert (in_test_block(latitude, longitude, 5.0, fraction=0.3, seed=0) | ~one).all()
