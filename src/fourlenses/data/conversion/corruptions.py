"""Corruptions of pretraining images (Cole et al. 2022, section 4.3): applied once per image, before it is stored, never per epoch.

Each takes uint8 pixels (height, width, 3), the image's stable id, which seeds what is random, and its parameter (see `corruption_names`).
An image comes here with its shortest side at most ``stored_size`` and never enlarged. At 256 px that is the paper's "Resize", and
downsample2 and downsample4 are its two others; where more is stored they start by shrinking to 256 px, and where less is stored, or the
picture itself is smaller, their factor is relative to the image there is.
"""

import io
import math

import numpy as np
from PIL import Image

from fourlenses.core.errors import one_of
from fourlenses.core.randomness import named_seed, uniform
from fourlenses.data.images.decode import shrink
from fourlenses.study.corruptions import CORRUPTIONS
from fourlenses.study.vocabulary import CORRUPTION_FAMILIES

PAPERS_SIDE = 256  # px: what the paper resizes to before it downsamples


def salt_and_pepper(pixels: np.ndarray, image_id: int, probability: float) -> np.ndarray:
    """Every value of every channel becomes 0 or 255, with equal chance, with the given probability (a higher one adds hits)."""
    draws = uniform(named_seed(0, "salt_and_pepper"), image_id, draws=pixels.size).reshape(
        pixels.shape
    )
    # one uniform serves both decisions: the lower half of the hits is pepper
    return np.where(draws < probability, np.where(draws < probability / 2, 0, 255), pixels).astype(
        np.uint8
    )


def jpeg(pixels: np.ndarray, image_id: int, quality: int) -> np.ndarray:
    """Compressed as JPEG and decoded again."""
    return np.asarray(Image.open(io.BytesIO(jpeg_bytes(pixels, quality))).convert("RGB"))


def jpeg_bytes(pixels: np.ndarray, quality: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def resize(pixels: np.ndarray, image_id: int, side: int) -> np.ndarray:
    """The shortest side at most ``side`` px."""
    return shrink(pixels, side)


def downsample(pixels: np.ndarray, image_id: int, factor: int) -> np.ndarray:
    """Shrunk by the factor and enlarged again (bilinear, antialiased): the size stays, the detail goes."""
    image = Image.fromarray(shrink(pixels, PAPERS_SIDE))
    small = tuple(max(1, side // factor) for side in image.size)
    return np.asarray(
        image.resize(small, Image.Resampling.BILINEAR).resize(image.size, Image.Resampling.BILINEAR)
    )


def blur(pixels: np.ndarray, image_id: int, sigma: float) -> np.ndarray:
    """Convolved with a Gaussian cut off at 4 sigma; the image is mirrored at its edges."""
    radius = math.ceil(4 * sigma)
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    taps = (taps / taps.sum()).astype(np.float32)
    result = pixels.astype(np.float32)
    for axis in (0, 1):
        padded = np.pad(
            result,
            [(radius, radius) if side == axis else (0, 0) for side in range(3)],
            mode="reflect",
        )
        padded, result = np.moveaxis(padded, axis, 0), np.moveaxis(np.zeros_like(result), axis, 0)
        for start, tap in enumerate(taps):
            result += tap * padded[start : start + len(result)]
        result = np.moveaxis(result, 0, axis)
    return _round(result)


def noise(pixels: np.ndarray, image_id: int, deviation: float) -> np.ndarray:
    """Gaussian noise on every value by itself (Box and Muller 1958, both of its numbers used)."""
    half = -(-pixels.size // 2)
    radius, angle = uniform(named_seed(0, "noise"), image_id, draws=2 * half).reshape(2, half)
    radius, angle = np.sqrt(-2 * np.log1p(-radius)), 2 * np.pi * angle
    normal = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[
        : pixels.size
    ].reshape(pixels.shape)
    return _round(pixels + 255 * deviation * normal)


def _round(values: np.ndarray) -> np.ndarray:
    return np.rint(values).clip(0, 255).astype(np.uint8)


FAMILIES = {
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
    """What goes into a beton: pixels, as compressing them again would change them, or a JPEG whose pixels are `corrupt`'s.

    The JPEG of the jpeg family is the corruption itself and takes a thirtieth of its pixels. Pillow and TurboJPEG's accurate transform, by
    which this project reads, decode it to the very same pixels; FFCV's own decoders use the fast transform, here as on clean images,
    and are some grey levels off (see docs/reference/corruptions.md).
    """
    family, parameter = _lookup(name)
    return (
        jpeg_bytes(pixels, parameter)
        if CORRUPTION_FAMILIES[family].stored_as_jpeg
        else FAMILIES[family](pixels, image_id, parameter)
    )


def _lookup(name: str) -> tuple[str, float]:
    if name not in CORRUPTIONS:
        raise one_of("corruption", name, CORRUPTIONS)
    return CORRUPTIONS[name]
