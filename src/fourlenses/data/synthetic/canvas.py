"""The drawing surface: coordinates, smooth noise, painting and the camera that every domain shares.

An image under construction is planar float32 (3, n, n) in linear [0, 1] RGB, where n is SUPERSAMPLE
times the final size. The frame spans [-1, 1] in x (rightwards) and y (downwards), so an image does
not depend on the size it is drawn at, except for its grain.

Letters of shapes: n pixels of a side while it is drawn.
"""

import colorsys
import math
from functools import lru_cache

import numpy as np

from fourlenses.data.synthetic.draws import Draws

SUPERSAMPLE = 2
_CAST = 0.12  # most error of the white balance, as a share


@lru_cache(maxsize=8)
def grid(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the coordinates x, y of pixel centres: float32 (n, n) each, read-only."""
    line = ((np.arange(n) + 0.5) * 2 / n - 1).astype(np.float32)
    y, x = np.meshgrid(line, line, indexing="ij")
    x, y = np.ascontiguousarray(x), np.ascontiguousarray(y)
    x.flags.writeable = y.flags.writeable = False
    return x, y


@lru_cache(maxsize=128)
def _interpolation(n: int, cells: int) -> np.ndarray:
    """Return weights that smoothly interpolate a lattice at n pixel centres: (n, cells + 1)."""
    position = (np.arange(n) + 0.5) / n * cells
    low = np.floor(position).astype(int)
    part = position - low
    part = part * part * (3 - 2 * part)
    weights = np.zeros((n, cells + 1), np.float32)
    weights[np.arange(n), low] = 1 - part
    weights[np.arange(n), low + 1] += part
    return weights


def noise(draws: Draws, n: int, rows: int, *, columns: int | None = None) -> np.ndarray:
    """Return smooth value noise in [-1, 1]: float32 (n, n).

    Args:
        draws: Of the image.
        n: Pixels of a side.
        rows: Cells of the lattice, from top to bottom.
        columns: Cells from left to right; as many as rows by default.
    """
    columns = rows if columns is None else columns
    lattice = draws.array((rows + 1) * (columns + 1), -1, 1).reshape(rows + 1, columns + 1)
    return _interpolation(n, rows) @ lattice @ _interpolation(n, columns).T


def fractal(draws: Draws, n: int, cells: int, *, octaves: int = 3) -> np.ndarray:
    """Return a sum of octaves of `noise`, roughly in [-1, 1]: float32 (n, n).

    Each octave has half the size and 0.6 of the amplitude of the octave before.
    """
    total = noise(draws, n, cells)
    for octave in range(1, octaves):
        total += np.float32(0.6**octave) * noise(draws, n, cells << octave)
    return total


def profile(draws: Draws, n: int, cells: int, *, octaves: int = 1) -> np.ndarray:
    """Return smooth one-dimensional noise along x, roughly in [-1, 1]: float32 (n,)."""
    total = np.zeros(n, np.float32)
    for octave in range(octaves):
        lattice = draws.array((cells << octave) + 1, -1, 1)
        total += np.float32(0.5**octave) * (_interpolation(n, cells << octave) @ lattice)
    return total


def colour(hue: float, saturation: float, value: float) -> np.ndarray:
    """Return an RGB colour from hue (in turns), saturation and value: float32 (3, 1, 1)."""
    saturation, value = min(max(saturation, 0), 1), min(max(value, 0), 1)
    return np.array(colorsys.hsv_to_rgb(hue % 1.0, saturation, value), np.float32)[:, None, None]


def coverage(distance: np.ndarray, width: float) -> np.ndarray:
    """Return the opacity in [0, 1] of a shape.

    Args:
        distance: Signed distance from its edge, negative inside, (n, n).
        width: Of its edge.
    """
    return np.clip(0.5 - distance * (1 / width), 0, 1)


def paint(image: np.ndarray, opacity: np.ndarray, ink: np.ndarray) -> None:
    """Lay ink over an image, in place.

    Args:
        image: (3, n, n).
        opacity: In [0, 1], (n, n); rows where it is 0 are not touched.
        ink: (3, 1, 1) or (3, n, n).
    """
    reached = np.flatnonzero(opacity.any(axis=1))
    if reached.size == 0:
        return
    rows = slice(reached[0], reached[-1] + 1)
    part = image[:, rows]
    part += opacity[rows] * ((ink[:, rows] if ink.shape[1] > 1 else ink) - part)


def blank(n: int, ink: np.ndarray) -> np.ndarray:
    """Return a new image of a single ink: float32 (3, n, n)."""
    image = np.empty((3, n, n), np.float32)
    image[:] = ink
    return image


def expose(image: np.ndarray, draws: Draws, *, gradient: float = 0.35) -> np.ndarray:
    """Photograph an image: uneven light, white balance, exposure, contrast, defocus, sensor grain.

    Args:
        image: (3, n, n).
        draws: Of the image.
        gradient: Most change of the light from the centre to an edge, as a share.

    Returns:
        uint8 (n / 2, n / 2, 3).
    """
    n = image.shape[1]
    size = n // SUPERSAMPLE
    image = image.reshape(3, size, SUPERSAMPLE, size, SUPERSAMPLE).mean(axis=(2, 4))
    x, y = grid(size)
    angle, slope = draws.real(0, math.tau), draws.real(0, gradient)
    light = 1 + slope * (math.cos(angle) * x + math.sin(angle) * y)
    image *= light * draws.array(3, 1 - _CAST, 1 + _CAST)[:, None, None]
    grey = image.mean(axis=0)
    image += draws.real(-0.2, 0.6) * (grey - image)
    image = (image - 0.45) * draws.real(0.65, 1.25) + draws.real(0.3, 0.6)
    # defocus is a share of the frame, so it looks alike at every size
    blur = draws.real(0, 0.018) * size
    if blur > 0.25:
        line = np.arange(size, dtype=np.float32)
        kernel = np.exp(-((line[:, None] - line) ** 2) / (2 * blur * blur))
        kernel /= kernel.sum(axis=1, keepdims=True)
        image = kernel @ image @ kernel.T
    grain = draws.real(0, 0.045)
    values = draws.array(3 * size * size, -1, 1) * draws.array(3 * size * size)
    image = image + values.reshape(image.shape) * (grain * 3)
    pixels = (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)
    return np.ascontiguousarray(pixels.transpose(1, 2, 0))
