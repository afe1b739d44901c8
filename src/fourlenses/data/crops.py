"""All crops of one stored image: decoded once, each box cut, mirrored and scaled, as uint8."""

import numpy as np
import torch
from torch import Tensor

from fourlenses.data.beton import JPEG
from fourlenses.data.decode import Undecodable, decode
from fourlenses.data.jpeg import JpegDecoder
from fourlenses.data.parameters import Parameters

# What torch.nn.functional.interpolate(mode="bilinear", antialias=True) calls, but into memory that is there already. For uint8 of 3 or 4
# interleaved channels it is written in AVX2, takes one thread, and rounds to whole levels between its two passes.
_scale = torch.ops.aten._upsample_bilinear2d_aa.out


def stored_boxes(parameters: Parameters, width: np.ndarray, height: np.ndarray, size: int) -> np.ndarray:
    """int64 (B, 4): top, left, height, width of the crops, in whole pixels of stored images of ``width`` by ``height`` (int (B,)).

    ``parameters`` are in pixels of the central square scaled to ``size``, as resident images are. Where the shortest side is ``size``
    nothing is rounded; where it is shorter, each edge moves by at most half a stored pixel and at least one pixel is left.
    """
    width, height = width.astype(np.int64), height.astype(np.int64)
    shortest = np.minimum(width, height)

    def edges(first: np.ndarray, length: np.ndarray, side: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        start, end = ((2 * edge * shortest + size) // (2 * size) for edge in (first, first + length))  # rounded
        start = np.minimum(start, shortest - 1)
        return start + (side - shortest) // 2, np.maximum(end - start, 1)

    top, box_height = edges(parameters.top, parameters.height, height)
    left, box_width = edges(parameters.left, parameters.width, width)
    return np.stack([top, left, box_height, box_width], axis=1)


class Cutter:
    """Cuts boxes of images; keeps its memory from one to the next. Not to be shared between threads."""

    def __init__(self) -> None:
        self._decoder = JpegDecoder()
        self._image = self._box = np.empty(0, np.uint32)

    def cut(self, data: bytes, mode: int, width: int, height: int, boxes: list, flips: list, outputs: list[Tensor]) -> None:
        """Fill ``outputs`` (each uint8 (1, 4, S, S), channels last; the fourth channel is without meaning).

        ``data`` are an image's bytes as they lie in the beton, ``boxes`` [top, left, height, width] each, in its pixels.

        Raises:
            Undecodable: these bytes are no such image.
        """
        image = self._decoded(data, mode, width, height)
        for (top, left, rows, columns), flip, output in zip(boxes, flips, outputs, strict=True):
            self._box = _at_least(self._box, rows * columns)
            box = self._box[: rows * columns].reshape(rows, columns)
            part = image[top : top + rows, left : left + columns]
            # mirroring costs least here: a pixel is one number
            box[:] = part[:, ::-1] if flip else part
            source = torch.from_numpy(box.view(np.uint8)).view(1, rows, columns, 4).permute(0, 3, 1, 2)
            _scale(source, output.shape[2:], False, None, None, out=output)

    def _decoded(self, data: bytes, mode: int, width: int, height: int) -> np.ndarray:
        """uint32 (height, width), a pixel each; valid until the next call."""
        self._image = _at_least(self._image, height * width)
        image = self._image[: height * width].reshape(height, width)
        channels = image.view(np.uint8).reshape(height, width, 4)
        if mode == JPEG:
            if self._decoder.decode(data, channels):
                return image
            # TurboJPEG takes a warning for an error; Pillow, by which the beton was written, decides
            pixels = np.asarray(decode(data))
        else:
            pixels = np.frombuffer(data, np.uint8)
            pixels = pixels.reshape(height, width, 3) if pixels.size == height * width * 3 else pixels
        if pixels.shape != (height, width, 3):
            raise Undecodable(f"{width}x{height} px announced, {pixels.shape} found")
        for channel in range(3):
            channels[..., channel] = pixels[..., channel]
        return image


def _at_least(memory: np.ndarray, count: int) -> np.ndarray:
    return memory if len(memory) >= count else np.empty(count, memory.dtype)
