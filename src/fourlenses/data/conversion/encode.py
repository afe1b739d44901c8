"""One image, from what its source gives to what lies in the beton."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from fourlenses.data.beton.reader import PAGE_SIZE
from fourlenses.data.conversion import corruptions
from fourlenses.data.images import decode
from fourlenses.data.images.content import LazyImage, Undecodable
from fourlenses.data.images.jpeg_header import Header, read_header
from fourlenses.data.images.turbojpeg import is_intact, read_pixels

# Resized or corrupted images up to this side are stored as pixels (48 KB each, no loss); larger ones as JPEG.
RAW_UP_TO = 128
QUALITY = 95


@dataclass(frozen=True, slots=True)
class Encoded:
    """What goes into the beton for one image: pixels or JPEG bytes, or the reason why there is nothing."""

    image: np.ndarray | bytes | None
    width: int = 0
    height: int = 0
    passed_through: bool = False
    reason: str = ""


def encode(data: LazyImage, size: int, corruption: str | None, image_id: int) -> Encoded:
    """Decode (which proves that it can be), shrink to ``size`` px of shortest side, corrupt, encode.

    JPEGs that fit and can be read to the last byte are kept as they are. What is corrupted is stored as `corrupt_to_store` says,
    whatever the size.
    """
    if callable(data):
        data = data()
    if isinstance(data, Undecodable):
        return Encoded(None, reason=str(data))
    header = read_header(data) if isinstance(data, bytes) else None
    if corruption is None and header and _fits(data, header, size) and is_intact(data, header):
        return Encoded(data, header.width, header.height, passed_through=True)
    try:
        pixels = data if isinstance(data, np.ndarray) else _decode(data, header, size)
    except Undecodable as error:
        return Encoded(None, reason=str(error))
    height, width = pixels.shape[:2]
    if max(height, width) > 65535:
        return Encoded(None, reason=f"{width}x{height} px, a side longer than the format's 65535")
    pixels = decode.shrink(pixels, size)
    if corruption is not None:
        image = corruptions.corrupt_to_store(corruption, pixels, image_id)
        pixels = (
            image if isinstance(image, np.ndarray) else pixels
        )  # a corruption may change the size
    else:
        image = pixels if max(pixels.shape) <= RAW_UP_TO else _jpeg(pixels)
    height, width = pixels.shape[:2]
    stored = len(image) if isinstance(image, bytes) else image.nbytes
    if stored > PAGE_SIZE:
        return Encoded(
            None, reason=f"{width}x{height} px take {stored} bytes, more than a page of {PAGE_SIZE}"
        )
    return Encoded(image, width, height)


def _decode(data: bytes, header: Header | None, size: int) -> np.ndarray:
    """TurboJPEG's pixels where it has no complaint, otherwise Pillow's."""
    pixels = None
    if header and header.plain and header.width * header.height <= decode.MAX_PIXELS:
        pixels = read_pixels(
            data, header, decode.divisor_of(min(header.width, header.height), size)
        )
    return np.array(decode.decode(data, size)) if pixels is None else pixels


def _fits(data: bytes, header: Header, size: int) -> bool:
    if len(data) > PAGE_SIZE or header.width * header.height > decode.MAX_PIXELS:
        return False
    return (
        min(header.width, header.height) <= size
        if header.plain
        else decode.fits_as_stored(data, size)
    )


def _jpeg(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    return buffer.getvalue()
