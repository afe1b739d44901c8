"""TIFFs of any number of bands, bits and pages, as microscopes, scanners and satellites write them.

Pillow reads the common ones; of others it drops bands or refuses. Here the layout is read by hand,
and what is compressed is handed to zlib and, packed as a grey picture of its bytes, to Pillow.
https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf
"""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from fourlenses.data.images.content import Undecodable

MOST_BYTES = 1 << 30  # of the samples of one page: 100 megapixels of five bands of 16 bits
MOST_TIMES = 5000  # that packed bytes grow: of zlib it is 1032
_MOST_PAGES = 1 << 12
_TYPES = {1: "B", 3: "H", 4: "I"}  # byte, short, long; no other has a layout's numbers
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_OFFSETS, _SAMPLES, _ROWS, _LENGTHS, _PLANES = 273, 277, 278, 279, 284
_PREDICTOR, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_LENGTHS = 317, 322, 323, 324, 325
_KIND, _EXTRA, _FORMAT = 254, 338, 339
_RAW, _ZLIB, _BY_PILLOW = 1, (8, 32946), (5, 32773, 34925, 50000)  # LZW, PackBits, LZMA, zstd
_RGB = 2
_FORMATS = {1: "u", 2: "i", 3: "f"}
_HEADER = struct.Struct("<HHII")


@dataclass(frozen=True)
class Page:
    """A page of a TIFF.

    Attributes:
        tags: Numbers of each tag.
        order: ``<`` or ``>``, as `struct` has it.
    """

    tags: dict[int, tuple[int, ...]]
    order: str

    def one(self, tag: int, default: int) -> int:
        return self.tags[tag][0] if self.tags.get(tag) else default

    @property
    def size(self) -> tuple[int, int]:
        return self.one(_WIDTH, 0), self.one(_HEIGHT, 0)

    @property
    def bands(self) -> int:
        return self.one(_SAMPLES, 1)

    @property
    def alpha(self) -> int:
        """How many of the bands say that they are transparency."""
        return sum(value in (1, 2) for value in self.tags.get(_EXTRA, ()))

    @property
    def kind(self) -> str:
        """Letter and bits of a sample: u8, i16, f32."""
        return f"{_FORMATS.get(self.one(_FORMAT, 1), '?')}{self.one(_BITS, 1)}"

    @property
    def is_preview(self) -> bool:
        return is_preview(self.one(_KIND, 0))

    @property
    def zero_is_white(self) -> bool:
        return self.one(_PHOTOMETRIC, 1) == 0 and self.kind[0] == "u"


def is_preview(kind: int) -> bool:
    """Return whether a page is a smaller copy or a mask. kind: tag 254 of the page."""
    return bool(kind & 0b101)


def is_tiff(data: bytes) -> bool:
    return data[:4] in (b"II*\0", b"MM\0*")


def pages_of(data: bytes) -> list[Page]:
    """Return the pages of one picture: the first that is no preview, and others of its size.

    Raises:
        Undecodable: The file is damaged.
    """
    try:
        pages = list(_pages(data))
    except (struct.error, LookupError, OverflowError) as error:
        raise Undecodable(f"a TIFF that is damaged ({error})") from None
    if not pages:
        raise Undecodable("a TIFF without a page")
    whole = [page for page in pages if not page.is_preview] or pages[:1]
    return [page for page in whole if page.size == whole[0].size]


def why_not_plain(data: bytes) -> str | None:
    """Return why a TIFF is no picture of 8 or 16 bits, grey or in colour; None where it is one.

    Raises:
        Undecodable: The file is damaged.
    """
    pages = pages_of(data)
    first = pages[0]
    colours = 3 if first.one(_PHOTOMETRIC, 1) in (_RGB, 6, 8) else 1
    colours = 4 if first.one(_PHOTOMETRIC, 1) == 5 else colours  # CMYK
    if first.kind[0] == "f":
        return f"{first.kind[1:]}-bit floating-point numbers; set 'range' or 'percentiles'"
    if first.kind[0] == "i" or int(first.kind[1:]) > 16:
        signed = "signed " if first.kind[0] == "i" else ""
        return f"{signed}integers of {first.kind[1:]} bits; set 'range' or 'percentiles'"
    if first.bands - first.alpha > colours:
        return f"{first.bands} bands; set 'bands' to the one or three to use"
    if len(pages) > 1:
        return f"a stack of {len(pages)} pages; set 'bands' to the one or three to use"
    return None


def read_samples(data: bytes) -> np.ndarray:
    """Return all samples of a TIFF, as they are stored: (height, width, bands).

    Pages of one band each are bands.

    Raises:
        Undecodable: It is damaged, too large, or packed in a way that is not read.
    """
    pages = pages_of(data)
    if len(pages) > 1 and any(page.bands > 1 for page in pages):
        pages = pages[:1]
    try:
        read = [_read(data, page) for page in pages]
        return np.concatenate(read, axis=2) if len(read) > 1 else read[0]
    # of numbers that were read from damaged bytes anything may come
    except (ValueError, LookupError, TypeError, OverflowError, zlib.error, OSError) as error:
        raise Undecodable(f"a TIFF that is damaged ({error})") from None
    except SyntaxError as error:  # Pillow's
        raise Undecodable(f"a TIFF that is damaged ({error})") from None


def _pages(data: bytes) -> Iterator[Page]:
    order = "<" if data[:2] == b"II" else ">"
    (at,) = struct.unpack_from(f"{order}I", data, 4)
    met: set[int] = set()
    while at and at not in met and len(met) < _MOST_PAGES:
        met.add(at)
        (count,) = struct.unpack_from(f"{order}H", data, at)
        tags = {}
        for entry in range(count):
            place = at + 2 + 12 * entry
            tag, kind, number = struct.unpack_from(f"{order}HHI", data, place)
            if kind not in _TYPES or number > len(data):
                continue
            form = f"{order}{number}{_TYPES[kind]}"
            if struct.calcsize(form) > 4:
                (place,) = struct.unpack_from(f"{order}I", data, place + 8)
            else:
                place += 8
            tags[tag] = struct.unpack_from(form, data, place)
        yield Page(tags, order)
        (at,) = struct.unpack_from(f"{order}I", data, at + 2 + 12 * count)


def _read(data: bytes, page: Page) -> np.ndarray:
    """Return the samples of a page, (height, width, bands)."""
    (width, height), bands = page.size, page.bands
    bits = set(page.tags.get(_BITS, (1,)))
    letter = page.kind[0]
    if len(bits) > 1 or not bits <= {8, 16, 32, 64} or letter == "?":
        raise Undecodable(f"a TIFF of {'/'.join(map(str, sorted(bits)))} bits a sample")
    dtype = np.dtype(f"{page.order}{letter}{bits.pop() // 8}")
    size = width * height * bands * dtype.itemsize
    if not 0 < size <= min(MOST_BYTES, MOST_TIMES * len(data)):
        raise Undecodable(f"a TIFF of {width}x{height} px and {bands} bands, too large or damaged")
    tiled = _TILE_OFFSETS in page.tags
    rows = page.one(_TILE_HEIGHT, 0) if tiled else min(page.one(_ROWS, height), height)
    columns = page.one(_TILE_WIDTH, 0) if tiled else width
    if rows < 1 or columns < 1 or rows * columns * bands * dtype.itemsize > MOST_BYTES:
        raise Undecodable("a TIFF with tiles or strips of an impossible size")
    apart = page.one(_PLANES, 1) == 2 and bands > 1
    offsets = page.tags[_TILE_OFFSETS if tiled else _OFFSETS]
    lengths = page.tags[_TILE_LENGTHS if tiled else _LENGTHS]
    down, across = -(-height // rows), -(-width // columns)
    if min(len(offsets), len(lengths)) < down * across * (bands if apart else 1):
        raise Undecodable("a TIFF that lacks some of its strips or tiles")
    together = 1 if apart else bands
    result = np.zeros((down * rows, across * columns, bands), dtype.newbyteorder("="))
    for number, (offset, length) in enumerate(zip(offsets, lengths, strict=False)):
        plane, place = divmod(number, down * across)
        if plane >= (bands if apart else 1):
            break
        top, left = rows * (place // across), columns * (place % across)
        # the last strip ends with the picture, a tile never does
        high = rows if tiled else min(rows, height - top)
        shape = (high, columns, together)
        block = _block(data[offset : offset + length], page, shape, dtype=dtype)
        where = slice(plane, plane + 1) if apart else slice(None)
        result[top : top + high, left : left + columns, where] = block
    return result[:height, :width]


def _block(
    packed: bytes, page: Page, shape: tuple[int, int, int], *, dtype: np.dtype
) -> np.ndarray:
    """Return the samples of a strip or tile."""
    rows, columns, bands = shape
    size = columns * bands * dtype.itemsize
    data = _unpacked(packed, page.one(_COMPRESSION, _RAW), width=size, height=rows)
    if len(data) < size * rows:
        raise Undecodable("a TIFF that is truncated")
    predictor = page.one(_PREDICTOR, 1)
    if predictor == 3:
        lines = np.frombuffer(data, np.uint8, size * rows).reshape(rows, -1, bands)
        lines = np.cumsum(lines, axis=1, dtype=np.uint8).reshape(rows, dtype.itemsize, -1)
        big = np.ascontiguousarray(lines.transpose(0, 2, 1)).view(dtype.newbyteorder(">"))
        return big.reshape(shape)
    block = np.frombuffer(data, dtype, rows * columns * bands).reshape(shape)
    if predictor == 2:
        unsigned = np.dtype(f"=u{dtype.itemsize}")
        numbers = block.astype(dtype.newbyteorder("=")).view(unsigned)
        block = np.cumsum(numbers, axis=1, dtype=unsigned).view(dtype.newbyteorder("="))
    return block


def _unpacked(packed: bytes, compression: int, *, width: int, height: int) -> bytes:
    """Return the bytes of a strip or tile of ``height`` rows of ``width`` bytes."""
    if compression == _RAW:
        return packed
    if compression in _ZLIB:
        return zlib.decompressobj().decompress(packed, width * height)
    if compression not in _BY_PILLOW:
        raise Undecodable(
            f"a TIFF packed by method {compression}, which is not read for such samples"
        )
    # a grey picture of its bytes, which Pillow unpacks
    entries = [
        (_WIDTH, 4, width),
        (_HEIGHT, 4, height),
        (_BITS, 3, 8),
        (_COMPRESSION, 3, compression),
        (_PHOTOMETRIC, 3, 1),
        (_OFFSETS, 4, 8),
        (_SAMPLES, 3, 1),
        (_ROWS, 4, height),
        (_LENGTHS, 4, len(packed)),
    ]
    end = 8 + len(packed) + len(packed) % 2
    table = b"".join(_HEADER.pack(tag, kind, 1, value) for tag, kind, value in entries)
    file = struct.pack("<4sI", b"II*\0", end) + packed + b"\0" * (len(packed) % 2)
    file += struct.pack("<H", len(entries)) + table + struct.pack("<I", 0)
    with Image.open(io.BytesIO(file), formats=("TIFF",)) as image:
        return image.tobytes()
