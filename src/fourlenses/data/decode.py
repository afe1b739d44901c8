"""From the bytes of an image file to RGB pixels of a bounded size; and whether the bytes can be stored as they are."""

import io
import warnings

import numpy as np
from PIL import Image, ImageOps

# A picture of more pixels than this is refused rather than decoded: 100 megapixels are 300 MB in memory.
MAX_PIXELS = 100_000_000
Image.MAX_IMAGE_PIXELS = MAX_PIXELS


class Undecodable(Exception):
    """These bytes are not an image that can be used; the message says why."""


def decode(data: bytes) -> Image.Image:
    """An RGB picture, upright: EXIF rotation applied, transparency over white, 16-bit and palette and CMYK and greyscale converted.

    Raises:
        Undecodable: empty, truncated, not an image, or larger than ``MAX_PIXELS``.
    """
    if not data:
        raise Undecodable("empty file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data))
            image.load()
        image = ImageOps.exif_transpose(image)
        if image.mode.startswith("I;16") or image.mode == "I":
            # Pillow would clip 16-bit values at 255 instead of scaling them
            image = Image.fromarray((np.asarray(image, np.uint32).clip(0, 65535) >> 8).astype(np.uint8))
        if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        return image.convert("RGB")
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise Undecodable(f"more than {MAX_PIXELS} pixels") from None
    except Exception as error:  # Pillow's readers raise what they like on bad input: OSError, SyntaxError, struct.error, …
        raise Undecodable(f"{type(error).__name__}: {error}") from None


def shrink(image: Image.Image, size: int) -> Image.Image:
    """The picture with its shortest side at most ``size`` pixels: antialiased (Lanczos), aspect kept, never enlarged."""
    shortest = min(image.size)
    if shortest <= size:
        return image
    width, height = (max(size, round(side * size / shortest)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def fits_as_stored(data: bytes, size: int) -> bool:
    """Whether the bytes are a JPEG that goes into a beton unrecoded: RGB or grey, upright, shortest side at most ``size``."""
    try:
        image = Image.open(io.BytesIO(data))
    except Exception:
        return False
    upright = image.getexif().get(0x0112, 1) == 1
    return image.format == "JPEG" and image.mode in ("RGB", "L") and upright and min(image.size) <= size
