"""Corruptions of pretraining images, applied once per image, before it is stored.

They follow Cole et al. 2022, section 4.3 (https://arxiv.org/abs/2105.05837). Each takes uint8
pixels (height, width, 3), the image's stable id, which seeds what is random, and a parameter (see
`fourlenses.study.corruptions`). An image comes here with its shortest side at most ``stored_size``
and never enlarged. At 256 px that is the paper's "Resize", and downsample2 and downsample4 are its
two others; where more is stored they start by shrinking to 256 px, and where less is stored, or the
picture itself is smaller, their factor is relative to the image.
"""

import io
import math
from collections.abc import Callable

import numpy as np
from PIL import Image

from fourlenses.core.errors import one_of
from fourlenses.core.randomness import named_seed, uniform
from fourlenses.data.images.decode import shrink
from fourlenses.study.corruptions import CORRUPTION_FAMILIES, CORRUPTIONS

PAPERS_SIDE = 256  # px: what the paper resizes to before it downsamples


def salt_and_pepper(pixels: np.ndarray, image_id: int, probability: float) -> np.ndarray:
    """Set values of channels to 0 or 255, with equal chance, with the given probability.

    A higher probability adds hits.
    """
    seed = named_seed(0, "salt_and_pepper")
    draws = uniform(seed, image_id, draws=pixels.size).reshape(pixels.shape)
    # a single uniform serves both decisions: the lower half of the hits is pepper
    hits = np.where(draws < probability / 2, 0, 255)
    return np.where(draws < probability, hits, pixels).astype(np.uint8)


def jpeg(pixels: np.ndarray, image_id: int, quality: float) -> np.ndarray:
    """Compress as JPEG and decode again."""
    return np.asarray(Image.open(io.BytesIO(jpeg_bytes(pixels, quality))).convert("RGB"))


def jpeg_bytes(pixels: np.ndarray, quality: float) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=int(quality))
    return buffer.getvalue()


def resize(pixels: np.ndarray, image_id: int, side: float) -> np.ndarray:
    """Shrink to a shortest side of at most ``side`` px."""
    return shrink(pixels, int(side))


def downsample(pixels: np.ndarray, image_id: int, factor: float) -> np.ndarray:
    """Shrink by the factor and enlarge again: the size stays, the detail goes.

    Bilinear, antialiased.
    """
    image = Image.fromarray(shrink(pixels, PAPERS_SIDE))
    width, height = (max(1, side // int(factor)) for side in image.size)
    small = image.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(small.resize(image.size, Image.Resampling.BILINEAR))


def blur(pixels: np.ndarray, image_id: int, sigma: float) -> np.ndarray:
    """Convolve with a Gaussian cut off at 4 sigma (px); the image is mirrored at its edges."""
    radius = math.ceil(4 * sigma)
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    taps = (taps / taps.sum()).astype(np.float32)
    result = pixels.astype(np.float32)
    for axis in (0, 1):
        widths = [(radius, radius) if side == axis else (0, 0) for side in range(3)]
        padded = np.pad(result, widths, mode="reflect")
        padded, result = np.moveaxis(padded, axis, 0), np.moveaxis(np.zeros_like(result), axis, 0)
        for start, tap in enumerate(taps):
            result += tap * padded[start : start + len(result)]
        result = np.moveaxis(result, 0, axis)
    return _round(result)


def noise(pixels: np.ndarray, image_id: int, deviation: float) -> np.ndarray:
    """Add Gaussian noise to every value (Box and Muller 1958, both of its numbers used).

    Args:
        pixels: uint8 (height, width, 3).
        image_id: Seeds the noise.
        deviation: Standard deviation, as a share of 255.
    """
    half = -(-pixels.size // 2)
    radius, angle = uniform(named_seed(0, "noise"), image_id, draws=2 * half).reshape(2, half)
    radius, angle = np.sqrt(-2 * np.log1p(-radius)), 2 * np.pi * angle
    normal = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[: pixels.size]
    return _round(pixels + 255 * deviation * normal.reshape(pixels.shape))


def _round(values: np.ndarray) -> np.ndarray:
    return np.rint(values).clip(0, 255).astype(np.uint8)


FAMILIES: dict[str, Callable[[np.ndarray, int, float], np.ndarray]] = {
    "salt_and_pepper": salt_and_pepper,
    "jpeg": jpeg,
    "resize": resize,
    "downsample": downsample,
    "blur": blur,
    "noise": noise,
}


def corrupt(name: str, pixels: np.ndarray, image_id: int) -> np.ndarray:
    family, parameter = _lookup(name)
    return FAMILIES[family](pixels, image_id, parameter)


def corrupt_to_store(name: str, pixels: np.ndarray, image_id: int) -> np.ndarray | bytes:
    """Return what goes into a beton.

    Pixels, as compressing them again would change them; of the jpeg family a JPEG whose pixels are
    `corrupt`'s. It is the corruption itself and takes a thirtieth of its pixels. Pillow and
    TurboJPEG's accurate transform, by which this project reads, decode it to the very same pixels;
    FFCV's decoders use the fast transform, here as on clean images, and are some grey levels off
    (see docs/reference/corruptions.md).
    """
    family, parameter = _lookup(name)
    if CORRUPTION_FAMILIES[family].stored_as_jpeg:
        return jpeg_bytes(pixels, parameter)
    return FAMILIES[family](pixels, image_id, parameter)


def _lookup(name: str) -> tuple[str, float]:
    if name not in CORRUPTIONS:
        raise one_of("corruption", name, CORRUPTIONS)
    return CORRUPTIONS[name]
