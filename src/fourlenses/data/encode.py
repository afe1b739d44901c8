"""One image, from what its source gives to what lies in the beton."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from fourlenses.data import corruptions, decode
from fourlenses.data.beton import PAGE_SIZE
from fourlenses.data.intact import is_intact, read_header

# Resized or corrupted images up to this side are stored as pixels (48 KB each, no loss); larger ones as JPEG.
RAW_UP_TO = 128
QUALITY = 95
# Bytes of an image file, or uint8 pixels (height, width, 3), or why there is neither; or a function that gives one of them when called.
Given = bytes | np.ndarray | decode.Undecodable
Lazy = Given | Callable[[], Given]


@dataclass(frozen=True, slots=True)
class Encoded:
    """What goes into the beton for one image: pixels or JPEG bytes, or the reason why there is nothing."""

    image: np.ndarray | bytes | None
    width: int = 0
    height: int = 0
    passed_through: bool = False
    reason: str = ""


def encode(data: Lazy, size: int, corruption: str | None, image_id: int) -> Encoded:
    """Decode (which proves that it can be), shrink to ``size`` px of shortest side, corrupt, encode.

    JPEGs that fit and can be read to the last byte are kept as they are. What is corrupted is stored as `corrupt_to_store` says,
    whatever the size.
    """
    if callable(data):
        data = data()
    if isinstance(data, decode.Undecodable):
        return Encoded(None, reason=str(data))
    if corruption is None and isinstance(data, bytes):
        header = read_header(data)
        if header and _fits(data, header, size) and is_intact(data, header):
            return Encoded(data, header.width, header.height, passed_through=True)
    try:
        picture = Image.fromarray(data) if isinstance(data, np.ndarray) else decode.decode(data, size)
    except decode.Undecodable as error:
        return Encoded(None, reason=str(error))
    if max(picture.size) > 65535:
        return Encoded(None, reason=f"{picture.size[0]}x{picture.size[1]} px, a side longer than the format's 65535")
    picture = decode.shrink(picture, size)
    if corruption is not None:
        image = corruptions.corrupt_to_store(corruption, np.asarray(picture), image_id)
    elif max(picture.size) <= RAW_UP_TO:
        image = np.asarray(picture)
    else:
        image = _jpeg(picture)
    # a corruption may change the size
    height, width = image.shape[:2] if isinstance(image, np.ndarray) else picture.size[::-1]
    stored = len(image) if isinstance(image, bytes) else image.nbytes
    if stored > PAGE_SIZE:
        return Encoded(None, reason=f"{width}x{height} px take {stored} bytes, more than a page of {PAGE_SIZE}")
    return Encoded(image, width, height)


def _fits(data: bytes, header, size: int) -> bool:
    if len(data) > PAGE_SIZE or header.width * header.height > decode.MAX_PIXELS:
        return False
    return min(header.width, header.height) <= size if header.plain else decode.fits_as_stored(data, size)


def _jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    return buffer.getvalue()
