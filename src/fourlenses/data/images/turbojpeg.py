"""JPEGs by TurboJPEG: their pixels, and at a fraction of the cost of these, whether they can be read to the last byte.

For the latter they are decoded at an eighth of the size: all entropy-coded data are read, as for the whole picture, and almost nothing is
done with them. The accurate transform and the smooth upsampling of colour are used, as Pillow does: the pixels are Pillow's to the last
bit, so a stream sees what a resident run sees. FFCV takes the fast transform, which is 0 to 3 % faster here and off by 1 grey level on
average, 4 at most. The library is the one that FFCV was compiled to, as FFCV will decode these bytes; nothing of FFCV is imported (that
takes seconds).
"""

import ctypes
import functools
import importlib.util
import threading
from pathlib import Path

import numpy as np

from fourlenses.core.errors import UserError
from fourlenses.data.images.content import Undecodable
from fourlenses.data.images.decode import decode
from fourlenses.data.images.jpeg_header import Header

_FORMATS = {3: 0, 4: 2}  # by bytes a pixel: TJPF_RGB, and TJPF_RGBX, the last byte without meaning
_ACCURATE, _QUICKEST = 4096, 0  # TJFLAG_ACCURATEDCT
_FULL_UP_TO = (
    1 << 16
)  # pixels: below, the whole picture decodes as fast as an eighth of it (vector instructions)


class JpegDecoder:
    """One of TurboJPEG's decompressors. Not to be shared between threads.

    Raises:
        UserError: FFCV's compiled library is not installed.
    """

    def __init__(self) -> None:
        functions = _functions()
        if functions is None:
            raise UserError(
                "FFCV's compiled library is not installed here, and streaming decodes with it; run make setup"
            )
        self._read_header, self._decompress, self._destroy, create = functions
        self._handle = create()
        self._size = [ctypes.c_int() for _ in range(4)]  # width, height, subsampling, colour space
        self._scratch, self._scratch_address = np.empty(0, np.uint8), 0

    def decode(self, data: bytes, pixels: np.ndarray) -> bool:
        """Fill ``pixels`` (uint8 (H, W, 4), contiguous) with red, green, blue and a byte without meaning; greyscale becomes RGB.

        False where TurboJPEG objects (Pillow may be more lenient: ask it) or the picture is not of H x W pixels.
        """
        if self._read_header(self._handle, data, len(data), *map(ctypes.byref, self._size)) != 0:
            return False
        if (self._size[1].value, self._size[0].value) != pixels.shape[:2]:
            return False
        return self.decode_smaller(data, pixels)

    def decode_smaller(self, data: bytes, pixels: np.ndarray) -> bool:
        """Fill ``pixels`` (uint8 (h, w, 3 or 4), contiguous) with the picture at whatever eighths of its size fit.

        False where TurboJPEG objects.
        """
        height, width, channels = pixels.shape
        return self._fill(data, pixels.ctypes.data, height, width, channels, _ACCURATE)

    def read_through(self, data: bytes, height: int, width: int) -> bool:
        """Whether TurboJPEG has no complaint while it reads all of the picture at this size; the pixels are kept nowhere."""
        if self._scratch.size < 3 * height * width:
            self._scratch = np.empty(3 * height * width, np.uint8)
            self._scratch_address = self._scratch.ctypes.data
        return self._fill(data, self._scratch_address, height, width, 3, _QUICKEST)

    def _fill(
        self, data: bytes, address: int, height: int, width: int, channels: int, flags: int
    ) -> bool:
        pixel = _FORMATS[channels]
        return (
            self._decompress(
                self._handle,
                data,
                len(data),
                address,
                width,
                channels * width,
                height,
                pixel,
                flags,
            )
            == 0
        )

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self._destroy(self._handle)


def is_intact(data: bytes, header: Header) -> bool:
    """Whether TurboJPEG reads all of it without a single complaint. False is no proof of damage: Pillow may be more lenient, and FFCV
    leaves whatever was in memory where TurboJPEG gives up (uncommon subsampling, for one), so such a JPEG is not to be kept as it is.

    Without the library Pillow decodes it in full, several times slower.
    """
    if _functions() is None:
        try:
            return bool(decode(data))
        except Undecodable:
            return False
    divisor = 1 if header.width * header.height <= _FULL_UP_TO else 8
    return _of_this_thread().read_through(
        data, -(-header.height // divisor), -(-header.width // divisor)
    )


def read_pixels(data: bytes, header: Header, divisor: int = 1) -> np.ndarray | None:
    """uint8 (height, width, 3), both sides divided by 1, 2, 4 or 8 and rounded up; None where TurboJPEG has any complaint, and where the
    library is not installed."""
    if _functions() is None:
        return None
    pixels = np.empty((-(-header.height // divisor), -(-header.width // divisor), 3), np.uint8)
    return pixels if _of_this_thread().decode_smaller(data, pixels) else None


_threads = threading.local()


def _of_this_thread() -> JpegDecoder:
    if not hasattr(_threads, "decoder"):
        _threads.decoder = JpegDecoder()
    return _threads.decoder


@functools.cache
def _functions() -> tuple | None:
    """TurboJPEG's functions, None where FFCV's compiled library is not installed or lacks them; a library loaded by ctypes offers those of
    the libraries it was linked to as well."""
    package = importlib.util.find_spec("ffcv")
    files = [
        file
        for folder in (package.submodule_search_locations if package else [])
        for file in Path(folder).glob("_libffcv*.so")
    ]
    try:
        library, quick = ctypes.CDLL(str(files[0])), ctypes.PyDLL(str(files[0]))
        # PyDLL keeps the GIL: reading a header takes less time than giving the GIL away and getting it back
        create, read_header = quick.tjInitDecompress, quick.tjDecompressHeader3
        decompress, destroy = library.tjDecompress2, quick.tjDestroy
    except (IndexError, OSError, AttributeError):
        return None
    create.restype = ctypes.c_void_p
    read_header.argtypes = [
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_ulong,
        *[ctypes.POINTER(ctypes.c_int)] * 4,
    ]
    decompress.argtypes = [
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_ulong,
        ctypes.c_void_p,
        *[ctypes.c_int] * 5,
    ]
    destroy.argtypes = [ctypes.c_void_p]
    return read_header, decompress, destroy, create
