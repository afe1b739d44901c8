"""Pictures for tests."""

import io

import numpy as np
from PIL import Image


def picture(seed: int, width: int = 40, height: int = 36) -> Image.Image:
    """A smooth random picture: compresses and resizes like a photograph, unlike noise."""
    small = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def contents(images) -> list:
    """What a source gives for every image; where that is a function, what it reads."""
    return [image() if callable(image) else image for image in images]


def jpeg_bytes(seed: int, width: int = 40, height: int = 36, **options) -> bytes:
    buffer = io.BytesIO()
    picture(seed, width, height).save(buffer, "JPEG", **{"quality": 90, **options})
    return buffer.getvalue()
