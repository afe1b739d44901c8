"""The fingerprint of an image: all that the check of a dataset keeps of it, 140 bytes."""

import hashlib
from typing import NamedTuple

import numpy as np
from PIL import Image

from fourlenses.data.images import decode
from fourlenses.data.images.content import LazyImage, Undecodable

# A large JPEG is decoded at 1/2, 1/4 or 1/8, its shortest side at least this: enough for a
# thumbnail, and several times faster.
SMALL = 128
# Side of the grey picture by which near duplicates are found: two neighbours in it make a bit.
GRID = 9
_ORIENTATION, _UPRIGHT, _SIDEWAYS = 0x0112, 1, (5, 6, 7, 8)


class Fingerprint(NamedTuple):
    """Size, kind and hashes of an image.

    Attributes:
        width: Pixels, upright and not reduced.
        height: Pixels, upright and not reduced.
        kind: The format and Pillow's mode.
        content: Hash of the file, 16 bytes.
        pixels: Hash of the size and the decoded pixels, 16 bytes.
        bits: `bits_of` the grey picture, 16 bytes.
        grey: The picture in grey, 81 bytes.
        picture: RGB, perhaps reduced; None if it was not asked for.
    """

    width: int
    height: int
    kind: str
    content: bytes
    pixels: bytes
    bits: bytes
    grey: bytes
    picture: Image.Image | None


def fingerprint(content: LazyImage, keep: bool = False) -> Fingerprint:
    """Return the fingerprint of an image; with ``keep``, with its picture.

    Raises:
        Undecodable: With the reason that the conversion would give.
    """
    if callable(content):
        content = content()
    if isinstance(content, Undecodable):
        raise content
    if isinstance(content, np.ndarray):
        height, width = content.shape[:2]
        picture, kind, size = Image.fromarray(content), "pixels", (width, height)
        content = content.tobytes()
    else:
        picture, kind, size = _decoded(content)
    luma = picture.convert("L")
    grey = np.asarray(luma.resize((GRID, GRID), Image.Resampling.BILINEAR, reducing_gap=4.0))
    return Fingerprint(
        width=size[0],
        height=size[1],
        kind=kind,
        content=_hash(content),
        pixels=_hash(picture.tobytes(), size),
        bits=bits_of(grey),
        grey=grey.tobytes(),
        picture=picture if keep else None,
    )


def bits_of(grey: np.ndarray) -> bytes:
    """Return the dHash of a grey picture uint8 (9, 9): 128 bits.

    Of 64 pairs of neighbours in rows, then 64 in columns, which is brighter (N. Krawetz, "Kind of
    Like That", 2013, https://www.hackerfactor.com/blog/index.php?/archives/529.html). The 64 of the
    rows alone are equal for too many different pictures among millions.
    """
    rows = grey[:-1, 1:] > grey[:-1, :-1]
    columns = grey[1:, :-1] > grey[:-1, :-1]
    return np.packbits(np.concatenate([rows, columns], axis=None)).tobytes()


def _hash(data: bytes, size: tuple[int, int] = (0, 0)) -> bytes:
    return hashlib.blake2b(data, digest_size=16, salt=b"%dx%d" % size).digest()


def _decoded(data: bytes) -> tuple[Image.Image, str, tuple[int, int]]:
    """Return the picture, RGB and upright; its format and mode; its size before it is reduced."""
    try:
        image = decode.open_picture(data)
        kind, size = f"{image.format} {image.mode}", image.size
        turn = image.getexif().get(_ORIENTATION, _UPRIGHT)
    except Exception:
        return decode.decode(data), "", (0, 0)  # it raises, and says why
    plain = image.format == "JPEG" and image.mode in ("RGB", "L") and turn == _UPRIGHT
    picture = _reduced(image) if plain else None
    if turn in _SIDEWAYS:
        size = (size[1], size[0])
    return picture or decode.decode(data), kind, size


def _reduced(image: Image.Image) -> Image.Image | None:
    """Return the picture, None where that fails: `decode` then gives the reason."""
    try:
        image.draft(image.mode, (SMALL, SMALL))
        return image.convert("RGB")
    except Exception:
        return None
