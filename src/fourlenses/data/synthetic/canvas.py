"""The drawing surface: coordinates, smooth noise, painting and the camera that every domain shares.

An image under construction is planar float32 (3, n, n) in linear [0, 1] RGB, with n = ``SUPERSAMPLE`` times the final size. The frame
spans [-1, 1] in x (rightwards) and y (downwards), so a picture does not depend on the size it is drawn at, except for its grain.
"""

import colorsys
import math
from functools import lru_cache

import numpy as np

from fourlenses.data.synthetic.draws import Draws

SUPERSAMPLE = 2


@lru_cache(maxsize=8)
def grid(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixel-centre coordinates x, y: float32 (n, n) each, read-only."""
    line = ((np.arange(n) + 0.5) * 2 / n - 1).astype(np.float32)
    y, x = np.meshgrid(line, line, indexing="ij")
    x, y = np.ascontiguousarray(x), np.ascontiguousarray(y)
    x.flags.writeable = y.flags.writeable = False
    return x, y


@lru_cache(maxsize=128)
def _interpolation(n: int, cells: int) -> np.ndarray:
    """Weights (n, cells + 1) that smoothly interpolate a lattice of ``cells + 1`` points at n pixel centres."""
    position = (np.arange(n) + 0.5) / n * cells
    low = np.floor(position).astype(int)
    part = position - low
    part = part * part * (3 - 2 * part)
    weights = np.zeros((n, cells + 1), np.float32)
    weights[np.arange(n), low] = 1 - part
    weights[np.arange(n), low + 1] += part
    return weights


def noise(draws: Draws, n: int, rows: int, columns: int | None = None) -> np.ndarray:
    """Smooth value noise in [-1, 1], float32 (n, n), with the given number of lattice cells down and across."""
    columns = rows if columns is None else columns
    lattice = draws.array((rows + 1) * (columns + 1), -1, 1).reshape(rows + 1, columns + 1)
    return _interpolation(n, rows) @ lattice @ _interpolation(n, columns).T


def fractal(draws: Draws, n: int, cells: int, octaves: int = 3) -> np.ndarray:
    """Octaves of ``noise``, each of half the size and 0.6 of the amplitude of the one before; roughly [-1, 1], float32 (n, n)."""
    total = noise(draws, n, cells)
    for octave in range(1, octaves):
        total += np.float32(0.6**octave) * noise(draws, n, cells << octave)
    return total


def profile(draws: Draws, n: int, cells: int, octaves: int = 1) -> np.ndarray:
    """Smooth one-dimensional noise along x in [-1, 1], float32 (n,)."""
    total = np.zeros(n, np.float32)
    for octave in range(octaves):
        total += np.float32(0.5**octave) * (
            _interpolation(n, cells << octave) @ draws.array((cells << octave) + 1, -1, 1)
        )
    return total


def colour(hue: float, saturation: float, value: float) -> np.ndarray:
    """An RGB colour from hue (in turns), saturation and value, float32 (3, 1, 1)."""
    return np.array(
        colorsys.hsv_to_rgb(hue % 1.0, min(max(saturation, 0), 1), min(max(value, 0), 1)),
        np.float32,
    )[:, None, None]


def coverage(distance: np.ndarray, width: float) -> np.ndarray:
    """Opacity in [0, 1] of a shape from its signed distance (negative inside), with an edge of the given width."""
    return np.clip(0.5 - distance * (1 / width), 0, 1)


def paint(image: np.ndarray, opacity: np.ndarray, ink: np.ndarray) -> None:
    """Lay ink (3, 1, 1) or (3, n, n) over the image, in place, by opacity (n, n); only the rows that the shape reaches are touched."""
    reached = np.flatnonzero(opacity.any(axis=1))
    if reached.size == 0:
        return
    rows = slice(reached[0], reached[-1] + 1)
    part = image[:, rows]
    part += opacity[rows] * ((ink[:, rows] if ink.shape[1] > 1 else ink) - part)


def blank(n: int, ink: np.ndarray) -> np.ndarray:
    """A new image of one ink, float32 (3, n, n)."""
    image = np.empty((3, n, n), np.float32)
    image[:] = ink
    return image


def expose(
    image: np.ndarray, draws: Draws, cast: float = 0.12, gradient: float = 0.35
) -> np.ndarray:
    """The camera: light falling unevenly, white balance, exposure, contrast, defocus, sensor grain. Returns uint8 (n/2, n/2, 3)."""
    n = image.shape[1]
    size = n // SUPERSAMPLE
    image = image.reshape(3, size, SUPERSAMPLE, size, SUPERSAMPLE).mean(axis=(2, 4))
    x, y = grid(size)
    angle, slope = draws.real(0, math.tau), draws.real(0, gradient)
    light = 1 + slope * (math.cos(angle) * x + math.sin(angle) * y)
    image *= light * draws.array(3, 1 - cast, 1 + cast)[:, None, None]
    grey = image.mean(axis=0)
    image += draws.real(-0.2, 0.6) * (grey - image)
    image = (image - 0.45) * draws.real(0.65, 1.25) + draws.real(0.3, 0.6)
    blur = (
        draws.real(0, 0.018) * size
    )  # defocus is a share of the frame, so it looks alike at every size
    if blur > 0.25:
        line = np.arange(size, dtype=np.float32)
        kernel = np.exp(-((line[:, None] - line) ** 2) / (2 * blur * blur))
        kernel /= kernel.sum(axis=1, keepdims=True)
        image = kernel @ image @ kernel.T
    grain = draws.real(0, 0.045)
    image = image + (draws.array(3 * size * size, -1, 1) * draws.array(3 * size * size)).reshape(
        image.shape
    ) * (grain * 3)
    return np.ascontiguousarray(
        (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8).transpose(1, 2, 0)
    )
