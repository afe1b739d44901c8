"""Bytes on disk of one dataset at five pretraining sizes.

One beton and index files, compared with a beton of each size. Both are written here, of 500x375
JPEGs of which 2,000 stand for all images, at the paper's shares (5, 12.5, 25, 50 and 100 %).
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from streaming import DISTINCT, SIZES, photograph
from timing import Rates, bounded, durations

from fourlenses.data.beton.writer import BetonWriter

IMAGES, SHARES = 2_000, (0.05, 0.125, 0.25, 0.5, 1.0)


def measure(rounds: int, seconds: float, cores: int) -> Iterator[dict]:
    (width, height), generator = SIZES["500x375"], np.random.default_rng(0)
    pictures = [photograph(seed, width=width, height=height) for seed in range(DISTINCT)]
    order = generator.permutation(IMAGES)
    with tempfile.TemporaryDirectory() as folder:
        betons, indices = {}, {}
        for share in SHARES:
            rows = np.sort(order[: round(share * IMAGES)])
            betons[share], indices[share] = (
                Path(folder) / f"{share}.beton",
                Path(folder) / f"{share}.npy",
            )
            np.save(indices[share], rows)
            writer = BetonWriter(betons[share], len(rows))
            for row in rows:
                writer.add(
                    pictures[row % DISTINCT], width=width, height=height, label=0, index=int(row)
                )
            writer.close()
        pixels = sum(len(pictures[row % DISTINCT]) for row in range(IMAGES))
        ours, each = accounted(
            {share: file.stat().st_size for share, file in betons.items()},
            {share: file.stat().st_size for share, file in indices.items()},
        )
    results = [Rates("ours", [ours / 2**20]), Rates("a beton of each size", [each / 2**20])]
    first, second = durations(
        f"disk for {len(SHARES)} pretraining sizes of {IMAGES:,} images", results, unit="MiB"
    )
    yield bounded(first, pixels / 2**20, "the bytes of the JPEGs themselves")
    yield second


def accounted(betons: dict[float, int], indices: dict[float, int]) -> tuple[int, int]:
    """Bytes of the largest beton with all index files, and of all betons."""
    return betons[max(betons)] + sum(indices.values()), sum(betons.values())
