"""JPEGs by TurboJPEG: their pixels, and at a fraction of the cost of these, whether they can be read to the last byte.

For the latter they are decoded at an eighth of the size: all entropy-coded data are read, as for the whole picture, and almost nothing is
done with them. The pixels are Pillow's, whose transform and upsampling are asked for, without Pillow's copies. The library is the one that
FFCV was compiled to, as FFCV will decode these bytes; nothing of FFCV is imported (that takes seconds).
"""

import ctypes
import functools
import importlib.util
import threading
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fourlenses.data.decode import Undecodable, decode

_RGB = 0  # TJPF_RGB
_ACCURATE = 4096  # TJFLAG_ACCURATEDCT
_START, _SCAN = 0xD8, 0xDA
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # of all 0xC. the ones that are no frame: tables, an extension, arithmetic
_FULL_UP_TO = 1 << 16  # pixels: below, the whole picture decodes as fast as an eighth of it (vector instructions)


class Header(NamedTuple):
    """What a JPEG says before its data. plain: upright and RGB or grey for sure; where not, EXIF, XMP or the like have to be asked."""

    width: int
    height: int
    plain: bool


def read_header(data: bytes) -> Header | None:
    """The header of a JPEG of one or three components of 8 bits; None for anything else or unusual, which is for Pillow to judge."""
    if data[:2] != b"\xff\xd8":
        return None
    at, frame, plain = 2, None, True
    while at + 9 < len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], data[at + 2] << 8 | data[at + 3]
        if marker == _SCAN:
            return frame and Header(*frame, plain)
        if marker in _FRAMES:
            if frame or data[at + 4] != 8 or data[at + 9] not in (1, 3):
                return None
            frame = data[at + 7] << 8 | data[at + 8], data[at + 5] << 8 | data[at + 6]
            if 0 in frame:
                return None
        elif marker in (0xFF, 0x00, 0x01) or 0xD0 <= marker <= 0xD9:
            return None
        # EXIF and XMP may hold an orientation; MPF says that this is the first of several pictures
        plain = plain and not (marker == 0xE1 or (marker == 0xE2 and data[at + 4 : at + 8] == b"MPF\0"))
        at += 2 + length
    return None


def is_intact(data: bytes, header: Header) -> bool:
    """Whether TurboJPEG reads all of it without a single complaint. False is no proof of damage: Pillow may be more lenient, and FFCV
    leaves whatever was in memory where TurboJPEG gives up (uncommon subsampling, for one), so such a JPEG is not to be kept as it is."""
    library = _library()
    if library is None:
        try:
            return bool(decode(data))
        except Undecodable:
            return False
    divisor = 1 if header.width * header.height <= _FULL_UP_TO else 8
    width, height = -(-header.width // divisor), -(-header.height // divisor)
    return library.decode(data, library.scratch(3 * width * height), width, height, 0)


def read_pixels(data: bytes, header: Header, divisor: int = 1) -> np.ndarray | None:
    """uint8 (height, width, 3), both sides divided by 1, 2, 4 or 8 and rounded up; None where TurboJPEG has any complaint."""
    library = _library()
    if library is None:
        return None
    pixels = np.empty((-(-header.height // divisor), -(-header.width // divisor), 3), np.uint8)
    return pixels if library.decode(data, pixels.ctypes.data, pixels.shape[1], pixels.shape[0], _ACCURATE) else None


class _Decoder(threading.local):
    """One of TurboJPEG's decompressors, with a place for pixels that nobody looks at, a thread."""

    def __init__(self, create, decompress, destroy) -> None:
        self._handle, self._decompress, self._destroy = create(), decompress, destroy
        self._scratch, self._address = np.empty(0, np.uint8), 0

    def scratch(self, size: int) -> int:
        if self._scratch.size < size:
            self._scratch = np.empty(size, np.uint8)
            self._address = self._scratch.ctypes.data
        return self._address

    def decode(self, data: bytes, address: int, width: int, height: int, flags: int) -> bool:
        return self._decompress(self._handle, data, len(data), address, width, 0, height, _RGB, flags) == 0

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self._destroy(self._handle)


@functools.cache
def _library() -> _Decoder | None:
    """None where FFCV's compiled library is not installed: Pillow then decodes everything in full, several times slower."""
    package = importlib.util.find_spec("ffcv")
    files = [file for folder in (package.submodule_search_locations if package else []) for file in Path(folder).glob("_libffcv*.so")]
    try:
        # a library loaded by ctypes offers the functions of those it was linked to as well; called through CDLL they let go of the GIL
        library = ctypes.CDLL(str(files[0]))
        create, decompress, destroy = library.tjInitDecompress, library.tjDecompress2, library.tjDestroy
    except (IndexError, OSError, AttributeError):
        return None
    create.restype = ctypes.c_void_p
    decompress.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_void_p, *[ctypes.c_int] * 5]
    destroy.argtypes = [ctypes.c_void_p]
    return _Decoder(create, decompress, destroy)
