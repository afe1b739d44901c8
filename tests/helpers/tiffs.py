"""TIFFs of any bands, bits and packing, written by hand: Pillow writes few of them."""

import struct
import zlib

import numpy as np

LETTERS = {"u": 1, "i": 2, "f": 3}
LONG, SHORT = 4, 3


def tiff(
    samples: np.ndarray, *, packing: str = "raw", order: str = "<", tags: dict | None = None
) -> bytes:
    """Return a TIFF of samples (height, width, bands).

    Args:
        samples: Of any type.
        packing: raw, zlib, "zlib, predictor", tiles (of 16x16) or planes.
        order: Of bytes, ``<`` or ``>``.
        tags: Short numbers in place of a tag's own.
    """
    return _file([(samples, 0)], packing=packing, order=order, more=tags or {})


def tiff_of_pages(pages: list[np.ndarray], kinds: list[int] | None = None) -> bytes:
    """Return a TIFF of several pages. kinds: tag 254 of each (1: a preview)."""
    return _file(list(zip(pages, kinds or [0] * len(pages), strict=True)))


def _file(pages, *, packing: str = "raw", order: str = "<", more: dict | None = None) -> bytes:
    body = bytearray((b"II*\0" if order == "<" else b"MM\0*") + b"\0\0\0\0")
    link = 4  # where the place of the next page is written
    for samples, kind in pages:
        blocks, tags = _blocks(samples, packing, order)
        places = []
        for block in blocks:
            places.append(len(body))
            body += block + b"\0" * (len(block) % 2)
        tiled = 322 in tags
        tags |= {
            (324 if tiled else 273): (LONG, places),
            (325 if tiled else 279): (LONG, [len(block) for block in blocks]),
            254: (LONG, [kind]),
        }
        tags |= {tag: (SHORT, [value]) for tag, value in (more or {}).items()}
        entries, extra = b"", bytearray()
        at = len(body)
        after = at + 2 + 12 * len(tags) + 4
        for tag, (form, values) in sorted(tags.items()):
            packed = struct.pack(order + {SHORT: "H", LONG: "I"}[form] * len(values), *values)
            if len(packed) > 4:
                where = struct.pack(f"{order}I", after + len(extra))
                extra += packed + b"\0" * (len(packed) % 2)
            else:
                where = packed.ljust(4, b"\0")
            entries += struct.pack(f"{order}HHI", tag, form, len(values)) + where
        struct.pack_into(f"{order}I", body, link, at)
        link = at + 2 + len(entries)
        body += struct.pack(f"{order}H", len(tags)) + entries + b"\0\0\0\0" + extra
    return bytes(body)


def _blocks(samples, packing, order):
    height, width, bands = samples.shape
    dtype = samples.dtype.newbyteorder(order)
    colour = bands == 3
    tags = {
        256: (LONG, [width]),
        257: (LONG, [height]),
        258: (SHORT, [8 * samples.dtype.itemsize] * bands),
        259: (SHORT, [8 if packing.startswith("zlib") else 1]),
        262: (SHORT, [2 if colour else 1]),
        277: (SHORT, [bands]),
        284: (SHORT, [2 if packing == "planes" else 1]),
        339: (SHORT, [LETTERS[samples.dtype.kind]] * bands),
    }
    if bands > 1 and not colour:
        tags[338] = (SHORT, [0] * (bands - 1))
    if packing == "tiles":
        tags |= {322: (LONG, [16]), 323: (LONG, [16])}
        padded = np.zeros((-(-height // 16) * 16, -(-width // 16) * 16, bands), samples.dtype)
        padded[:height, :width] = samples
        return [
            padded[top : top + 16, left : left + 16].astype(dtype).tobytes()
            for top in range(0, padded.shape[0], 16)
            for left in range(0, padded.shape[1], 16)
        ], tags
    tags[278] = (LONG, [7])  # rows a strip: the last has fewer
    planes = [samples[:, :, [at]] for at in range(bands)] if packing == "planes" else [samples]
    blocks = []
    for plane in planes:
        for top in range(0, height, 7):
            strip = plane[top : top + 7]
            if packing == "zlib, predictor":
                tags[317] = (SHORT, [3 if samples.dtype.kind == "f" else 2])
                strip = _predicted(strip, order)
            data = strip.astype(dtype).tobytes() if isinstance(strip, np.ndarray) else strip
            blocks.append(zlib.compress(data) if packing.startswith("zlib") else data)
    return blocks, tags


def _predicted(strip, order):
    rows, _, bands = strip.shape
    if strip.dtype.kind == "f":  # bytes of a row by their weight, then differences
        size = strip.dtype.itemsize
        big = strip.astype(strip.dtype.newbyteorder(">")).reshape(rows, -1)
        planes = big.view(np.uint8).reshape(rows, -1, size).transpose(0, 2, 1).reshape(rows, -1)
        lines = np.ascontiguousarray(planes).reshape(rows, -1, bands)
        lines = np.diff(lines, axis=1, prepend=np.zeros_like(lines[:, :1]))
        return lines.tobytes()
    numbers = strip.view(f"u{strip.dtype.itemsize}")
    numbers = np.diff(numbers, axis=1, prepend=np.zeros_like(numbers[:, :1]))
    return numbers.astype(numbers.dtype.newbyteorder(order)).tobytes()
