"""One look at one image: what it is, and what identifies it. All that the check of a dataset keeps of an image, 140 bytes."""

import hashlib
from typing import NamedTuple

import numpy as np
from PIL import Image

from fourlenses.data.images import decode
from fourlenses.data.images.content import LazyImage, Undecodable

# A large JPEG is decoded at 1/2, 1/4 or 1/8, its shortest side no less than this: enough for a thumbnail, and several times faster.
SMALL = 128
GRID = 9  # side of the grey picture by which near duplicates are found: two neighbours in it make a bit
_ORIENTATION, _UPRIGHT, _SIDEWAYS = 0x0112, 1, (5, 6, 7, 8)


class Fingerprint(NamedTuple):
    """width, height: px, upright and not reduced. kind: the format and Pillow's mode. content: hash of the file, 16 bytes. pixels: hash of
    the size and the decoded pixels, 16 bytes. bits: `bits_of` the grey picture, 16 bytes. grey: that picture, 81 bytes."""

    width: int
    height: int
    kind: str
    content: bytes
    pixels: bytes
    bits: bytes
    grey: bytes
    picture: Image.Image | None


def fingerprint(content: LazyImage, keep: bool = False) -> Fingerprint:
    """Fingerprint at what a source gives for an image; ``keep`` the picture (RGB, perhaps reduced) too.

    Raises:
        Undecodable: with the reason that the conversion would give.
    """
    if callable(content):
        content = content()
    if isinstance(content, Undecodable):
        raise content
    if isinstance(content, np.ndarray):
        picture, kind, size = Image.fromarray(content), "pixels", content.shape[1::-1]
        content = np.ascontiguousarray(content)
    else:
        picture, kind, size = _decoded(content)
    grey = np.asarray(
        picture.convert("L").resize((GRID, GRID), Image.Resampling.BILINEAR, reducing_gap=4.0)
    )
    return Fingerprint(
        *size,
        kind,
        _hash(content),
        _hash(picture.tobytes(), size),
        bits_of(grey),
        grey.tobytes(),
        picture if keep else None,
    )


def bits_of(grey: np.ndarray) -> bytes:
    """dHash (N. Krawetz, "Kind of Like That", 2013) of a grey picture uint8 (9, 9): of 64 pairs of neighbours in rows, then 64 in columns,
    which is brighter. 128 bits, as the 64 of the rows alone are equal for too many different pictures among millions."""
    rows = grey[:-1, 1:] > grey[:-1, :-1]
    columns = grey[1:, :-1] > grey[:-1, :-1]
    return np.packbits(np.concatenate([rows, columns], axis=None)).tobytes()


def _hash(data: bytes | np.ndarray, size: tuple[int, int] = (0, 0)) -> bytes:
    return hashlib.blake2b(data, digest_size=16, salt=b"%dx%d" % size).digest()


def _decoded(data: bytes) -> tuple[Image.Image, str, tuple[int, int]]:
    """The picture, RGB and upright; its format and mode; its size when it is not reduced."""
    try:
        image = decode.open_picture(data)
        kind, size, turn = (
            f"{image.format} {image.mode}",
            image.size,
            image.getexif().get(_ORIENTATION, _UPRIGHT),
        )
    except Exception:
        return decode.decode(data), "", (0, 0)  # it raises, and says why
    plain = image.format == "JPEG" and image.mode in ("RGB", "L") and turn == _UPRIGHT
    picture = _reduced(image) if plain else None
    return picture or decode.decode(data), kind, size[::-1] if turn in _SIDEWAYS else size


def _reduced(image: Image.Image) -> Image.Image | None:
    """None where it cannot be: the ordinary way has the words for what is wrong with it."""
    try:
        image.draft(image.mode, (SMALL, SMALL))
        return image.convert("RGB")
    except Exception:
        return None
