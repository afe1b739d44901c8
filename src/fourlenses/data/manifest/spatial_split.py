"""A spatial test split: whole blocks of ground go to a side.

So no test image has a training image next to it in its block.
"""

import numpy as np

from fourlenses.core.randomness import named_seed, uniform

KM_PER_DEGREE = 6371.0088 * np.pi / 180  # of a meridian, on a sphere of the earth's mean radius


def blocks(
    latitude: np.ndarray, longitude: np.ndarray, side_km: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return row and column (int64) of the block of every position.

    Rows are bands of ``side_km`` from south to north; each is cut eastward from the 180th meridian
    into columns of ``side_km`` along the band's middle parallel. All blocks have the area
    ``side_km`` squared, but for the last of a band.

    Args:
        latitude: Degrees north.
        longitude: Degrees east.
        side_km: Side of a block, km.
    """
    row = np.floor(np.asarray(latitude, np.float64) * KM_PER_DEGREE / side_km)
    middle = np.radians((row + 0.5) * side_km / KM_PER_DEGREE)
    eastward = (np.asarray(longitude, np.float64) + 180) % 360 * KM_PER_DEGREE * np.cos(middle)
    return row.astype(np.int64), np.floor(eastward / side_km).astype(np.int64)


def in_test_block(
    latitude: np.ndarray, longitude: np.ndarray, side_km: float, *, fraction: float, seed: int
) -> np.ndarray:
    """Return whether every position lies in a test block (bool).

    A block is a test block with probability ``fraction``, a function of the seed and its position
    alone: it stays on its side when images come or go.
    """
    row, column = blocks(latitude, longitude, side_km)
    stream = named_seed(seed, "spatial split", f"{side_km:g}")
    return uniform(stream, row, column, draws=1)[:, 0] < fraction
