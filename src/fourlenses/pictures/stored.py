"""Stored images as pixels, and which of a dataset's images to show."""

from pathlib import Path

import numpy as np

from fourlenses.core.randomness import mix, named_seed
from fourlenses.data.beton.reader import RAW, Stored
from fourlenses.data.beton.selection import select
from fourlenses.data.images.decode import decode
from fourlenses.data.loading.resident import square


def stored_images(beton: Path, rows: np.ndarray) -> list[Stored]:
    """Return images as they lie in a beton. rows: of the manifest, int64 (n,)."""
    chosen = select(beton, rows, "")
    return [chosen.beton.image(sample) for sample in chosen.samples]


def pixels_of(stored: Stored) -> np.ndarray:
    """Return a whole image: uint8 (height, width, 3)."""
    if stored.mode == RAW:
        return stored.data.reshape(stored.height, stored.width, 3)
    return np.asarray(decode(stored.data.tobytes()))


def squares_of(beton: Path, rows: np.ndarray) -> list[np.ndarray]:
    """Return the centre squares of images, not scaled: uint8 (side, side, 3) each."""
    return [square(image, min(image.width, image.height)) for image in stored_images(beton, rows)]


def drawn_rows(rows: np.ndarray, stored: np.ndarray) -> np.ndarray:
    """Return those of some rows that are stored, in an order drawn by a seed: int64 (n,)."""
    rows = rows[np.isin(rows, stored)]
    return rows[np.argsort(mix(named_seed(0, "pictures"), rows), kind="stable")]


def of_many_classes(labels: np.ndarray) -> np.ndarray:
    """Return positions of labels: the first one of each class, then the others, int64 (n,)."""
    firsts = np.sort(np.unique(labels, return_index=True)[1])
    return np.concatenate([firsts, np.setdiff1d(np.arange(len(labels)), firsts)])
