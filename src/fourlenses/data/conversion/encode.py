"""Encoding of an image for the beton: decode, shrink, corrupt, store."""

import io
from dataclasses import KW_ONLY, dataclass

import numpy as np
from PIL import Image

from fourlenses.data.beton.reader import PAGE_SIZE
from fourlenses.data.conversion import corruptions
from fourlenses.data.images import decode
from fourlenses.data.images.content import LazyImage, Undecodable
from fourlenses.data.images.jpeg_header import Header, read_header
from fourlenses.data.images.turbojpeg import is_intact, read_pixels

# Resized or corrupted images up to this side are stored as pixels (48 KB each, no loss); larger
# ones as JPEG.
RAW_UP_TO = 128
QUALITY = 95


@dataclass(frozen=True, slots=True)
class Encoded:
    """An image as it goes into the beton.

    Attributes:
        image: uint8 pixels (height, width, 3) or JPEG bytes; None if it is undecodable.
        width: Pixels.
        height: Pixels.
        passed_through: Whether the JPEG is stored as it was.
        reason: Why it is undecodable.
    """

    image: np.ndarray | bytes | None
    width: int = 0
    height: int = 0
    _: KW_ONLY
    passed_through: bool = False
    reason: str = ""


def encode(data: LazyImage, size: int, *, corruption: str | None, image_id: int) -> Encoded:
    """Decode (which proves that it can be decoded), shrink, corrupt and encode an image.

    JPEGs that fit and can be read to the last byte are kept as they are: to copy them is what makes
    conversion 4 times as fast as FFCV's (docs/measured/benchmarks.md). A corrupted image is stored
    by `corrupt_to_store`, whatever its size.

    Args:
        data: What the source gives.
        size: Shortest side of the stored image at most, px.
        corruption: Its name; None for clean images.
        image_id: Seeds random corruptions.
    """
    if callable(data):
        data = data()
    if isinstance(data, Undecodable):
        return Encoded(None, reason=str(data))
    header = read_header(data) if isinstance(data, bytes) else None
    if isinstance(data, bytes) and header and corruption is None:
        storable = _fits(data, header, size) and is_intact(data, header)
        if storable:
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
        if isinstance(image, np.ndarray):
            pixels = image  # of another size perhaps
    else:
        image = pixels if max(pixels.shape) <= RAW_UP_TO else _jpeg(pixels)
    height, width = pixels.shape[:2]
    stored = len(image) if isinstance(image, bytes) else image.nbytes
    if stored > PAGE_SIZE:
        reason = f"{width}x{height} px take {stored} bytes, more than a page of {PAGE_SIZE}"
        return Encoded(None, reason=reason)
    return Encoded(image, width, height)


def _decode(data: bytes, header: Header | None, size: int) -> np.ndarray:
    """Return TurboJPEG's pixels where it has no complaint, otherwise Pillow's."""
    pixels = None
    if header and header.plain and header.width * header.height <= decode.MAX_PIXELS:
        divisor = decode.divisor_of(min(header.width, header.height), size)
        pixels = read_pixels(data, header, divisor)
    return np.array(decode.decode(data, size)) if pixels is None else pixels


def _fits(data: bytes, header: Header, size: int) -> bool:
    if len(data) > PAGE_SIZE or header.width * header.height > decode.MAX_PIXELS:
        return False
    if not header.plain:
        return decode.fits_as_stored(data, size)
    return min(header.width, header.height) <= size


def _jpeg(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    return buffer.getvalue()
