"""JPEGs by TurboJPEG: their pixels, and a cheap test of whether they can be read to the last byte.

For the test they are decoded at an eighth of the size: all entropy-coded data are read, as for the
whole picture, and almost nothing is done with them. The accurate transform and the smooth
upsampling of colour are used, as in Pillow: the pixels are Pillow's to the last bit, so a stream
sees what a resident run sees. FFCV takes the fast transform, which is 0 to 3 % faster here and off
by 1 grey level on average, 4 at most.

By hand, not PyTurboJPEG or simplejpeg: the library has to be the one that FFCV was compiled with,
as FFCV will decode these bytes. It is found next to FFCV's Python files, and nothing of FFCV is
imported, which takes seconds.
"""

import ctypes
import functools
import importlib.machinery
import importlib.util
import threading

import numpy as np

from fourlenses.core.errors import UserError
from fourlenses.data.images.content import Undecodable
from fourlenses.data.images.decode import decode
from fourlenses.data.images.jpeg_header import Header

_FORMATS = {3: 0, 4: 2}  # by bytes a pixel: TJPF_RGB, and TJPF_RGBX, the last byte without meaning
_ACCURATE, _QUICKEST = 4096, 0  # TJFLAG_ACCURATEDCT
# Pixels: below, the whole picture decodes as fast as an eighth of it (vector instructions).
_FULL_UP_TO = 1 << 16


class JpegDecoder:
    """A TurboJPEG decompressor. Not to be shared between threads.

    Raises:
        UserError: FFCV's compiled library is not installed.
    """

    def __init__(self) -> None:
        functions = _functions()
        if functions is None:
            raise UserError(
                "FFCV's compiled library is not installed here, and streaming decodes with it; "
                "run make setup"
            )
        self._read_header, self._decompress, self._destroy, create = functions
        self._handle = create()
        self._size = [ctypes.c_int() for _ in range(4)]  # width, height, subsampling, colour space
        self._scratch, self._scratch_address = np.empty(0, np.uint8), 0

    def decode(self, data: bytes, pixels: np.ndarray) -> bool:
        """Decode a whole picture; greyscale becomes RGB.

        Args:
            data: A JPEG.
            pixels: Filled: uint8 (height, width, 4), contiguous: red, green, blue and a byte
                without meaning.

        Returns:
            False where TurboJPEG objects (Pillow may be more lenient: ask it), or where the picture
            has another size than ``pixels``.
        """
        if self._read_header(self._handle, data, len(data), *map(ctypes.byref, self._size)) != 0:
            return False
        if (self._size[1].value, self._size[0].value) != pixels.shape[:2]:
            return False
        return self.decode_smaller(data, pixels)

    def decode_smaller(self, data: bytes, pixels: np.ndarray) -> bool:
        """Decode a picture at the eighths of its size that ``pixels`` has.

        Args:
            data: A JPEG.
            pixels: Filled: uint8 (height, width, 3 or 4), contiguous.

        Returns:
            False where TurboJPEG objects.
        """
        return self._fill(data, pixels.ctypes.data, shape=pixels.shape, flags=_ACCURATE)

    def read_through(self, data: bytes, height: int, width: int) -> bool:
        """Return whether TurboJPEG reads all of the picture at this size without a complaint."""
        if self._scratch.size < 3 * height * width:
            self._scratch = np.empty(3 * height * width, np.uint8)
            self._scratch_address = self._scratch.ctypes.data
        shape = (height, width, 3)
        return self._fill(data, self._scratch_address, shape=shape, flags=_QUICKEST)

    def _fill(self, data: bytes, address: int, *, shape: tuple[int, ...], flags: int) -> bool:
        height, width, channels = shape
        pitch, pixel = channels * width, _FORMATS[channels]
        place = (address, width, pitch, height)
        return self._decompress(self._handle, data, len(data), *place, pixel, flags) == 0

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self._destroy(self._handle)


def is_intact(data: bytes, header: Header) -> bool:
    """Return whether TurboJPEG reads all of a JPEG without a single complaint.

    False is no proof of damage: Pillow may be more lenient. But where TurboJPEG gives up (uncommon
    subsampling, for example) FFCV leaves whatever was in memory, so such a JPEG is not to be stored
    as it is. Without the library Pillow decodes it in full, several times slower.
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
    """Return a JPEG's pixels, None where TurboJPEG has a complaint or is not installed.

    Args:
        data: A JPEG.
        header: Of it.
        divisor: 1, 2, 4 or 8: of both sides, which are rounded up.

    Returns:
        uint8 (height, width, 3).
    """
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
    """Return TurboJPEG's functions, None where FFCV's compiled library is absent or lacks them.

    FFCV has no public way to them, but a library that is loaded by ctypes also offers the functions
    of the libraries that it was linked with.
    """
    package = importlib.util.find_spec("ffcv")
    locations = package.submodule_search_locations if package else None
    # of the package's folder, without importing the package
    compiled = importlib.machinery.PathFinder.find_spec("_libffcv", locations or [])
    if compiled is None or compiled.origin is None:
        return None
    try:
        library, quick = ctypes.CDLL(compiled.origin), ctypes.PyDLL(compiled.origin)
        # PyDLL keeps the GIL: to read a header takes less time than to release the GIL and get it
        # back
        create, read_header = quick.tjInitDecompress, quick.tjDecompressHeader3
        decompress, destroy = library.tjDecompress2, quick.tjDestroy
    except (OSError, AttributeError):
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
