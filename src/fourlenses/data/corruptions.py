"""Corruptions of pretraining images (Cole et al. 2022, section 4.3): applied once per image, before it is stored, never per epoch.

Each takes uint8 pixels (height, width, 3) and the image's stable id, which seeds what is random, and returns pixels of the same shape.
"""

import io
from functools import partial

import numpy as np
from PIL import Image

from fourlenses.errors import one_of
from fourlenses.randomness import named_seed, uniform


def salt_and_pepper(pixels: np.ndarray, image_id: int, probability: float = 0.01) -> np.ndarray:
    """Every value of every channel becomes 0 or 255, with equal chance, with the given probability."""
    draws = uniform(named_seed(0, "salt_and_pepper"), image_id, draws=pixels.size).reshape(pixels.shape)
    # one uniform serves both decisions: the lower half of the hits is pepper
    return np.where(draws < probability, np.where(draws < probability / 2, 0, 255), pixels).astype(np.uint8)


def jpeg(pixels: np.ndarray, image_id: int, quality: int) -> np.ndarray:
    """Compressed as JPEG and decoded again."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))


def downsample(pixels: np.ndarray, image_id: int, factor: int) -> np.ndarray:
    """Shrunk by the factor and enlarged again (bilinear, antialiased): the size stays, the detail goes."""
    image = Image.fromarray(pixels)
    small = tuple(max(1, side // factor) for side in image.size)
    return np.asarray(image.resize(small, Image.Resampling.BILINEAR).resize(image.size, Image.Resampling.BILINEAR))


CORRUPTIONS = {
    "salt_and_pepper": salt_and_pepper,
    "jpeg10": partial(jpeg, quality=10),
    "downsample2": partial(downsample, factor=2),
    "downsample4": partial(downsample, factor=4),
}


def corrupt(name: str, pixels: np.ndarray, image_id: int) -> np.ndarray:
    if name not in CORRUPTIONS:
        raise one_of("corruption", name, CORRUPTIONS)
    return CORRUPTIONS[name](pixels, image_id)
