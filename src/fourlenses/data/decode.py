"""From the bytes of an image file to RGB pixels of a bounded size; and whether the bytes can be stored as they are."""

import io
from pathlib import Path

import numpy as np
from PIL import Image, TiffImagePlugin, UnidentifiedImageError, WebPImagePlugin

# A picture of more pixels than this is refused rather than decoded: 100 megapixels are 300 MB in memory.
MAX_PIXELS = 100_000_000
# Pillow's own guard warns, through a filter that all threads share; ours is in `_open`.
Image.MAX_IMAGE_PIXELS = None
# Pillow reads many more; some run programs on what they find (EPS is handed to Ghostscript).
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
# Importing these is what makes Pillow know them when formats are named.
PLUGINS = (TiffImagePlugin, WebPImagePlugin)
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


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
        image = _open(io.BytesIO(data))
        image.load()
        turn = _TURNS.get(_orientation(image))
        if turn is not None:
            image = image.transpose(turn)
        if image.mode.startswith("I;16") or image.mode == "I":
            # Pillow would clip 16-bit values at 255 instead of scaling them
            image = Image.fromarray((np.asarray(image, np.uint32).clip(0, 65535) >> 8).astype(np.uint8))
        if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        return image.convert("RGB")
    except Undecodable:
        raise
    except Exception as error:  # Pillow's readers raise what they like on bad input: OSError, SyntaxError, struct.error, …
        raise Undecodable(f"{type(error).__name__}: {_tidy(error)}") from None


def header_size(file: bytes | Path | Undecodable) -> tuple[int, int]:
    """Width and height of the upright picture, from the header alone; (0, 0) for what has none: the conversion says why."""
    try:
        with _open(io.BytesIO(file) if isinstance(file, bytes) else file) as image:
            # a PNG may keep its EXIF behind the pixels, where looking for it would decode them
            turned = (image.format in ("JPEG", "MPO", "TIFF") or "exif" in image.info) and _orientation(image) >= 5
            return image.size[::-1] if turned else image.size
    except Exception:
        return 0, 0


def _open(file: io.BytesIO | Path) -> Image.Image:
    image = Image.open(file, formats=FORMATS)
    if image.width * image.height > MAX_PIXELS:
        raise Undecodable(f"{image.width}x{image.height}, more than {MAX_PIXELS} pixels")
    return image


def _orientation(image: Image.Image) -> int:
    """EXIF's 1 (upright) to 8; an EXIF block that cannot be read says nothing."""
    try:
        found = image.getexif().get(_ORIENTATION, 1)
    except Exception:
        return 1
    return found if found in _TURNS else 1


def _tidy(error: Exception) -> str:
    # an address in memory is different in every run, and a sidecar is not
    return "no picture of a known kind" if isinstance(error, UnidentifiedImageError) else str(error)


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
        image = _open(io.BytesIO(data))
    except Exception:
        return False
    return image.format == "JPEG" and image.mode in ("RGB", "L") and _orientation(image) == 1 and min(image.size) <= size
