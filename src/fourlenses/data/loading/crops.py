"""All crops of one stored image: decoded once, each box cut, mirrored and scaled, as uint8."""

import numpy as np
from torch import Tensor

from fourlenses.data.beton.reader import JPEG
from fourlenses.data.images.content import Undecodable
from fourlenses.data.images.decode import decode
from fourlenses.data.images.scaling import central_square, picture_room, scale_into
from fourlenses.data.images.turbojpeg import JpegDecoder


class Cropper:
    """Cuts boxes of images; keeps its memory from one to the next. Not to be shared between threads."""

    def __init__(self) -> None:
        self._decoder = JpegDecoder()
        self._image = self._box = np.empty(0, np.uint32)
        self._square = picture_room(0, 4)

    def cut(
        self,
        data: bytes,
        mode: int,
        width: int,
        height: int,
        size: int,
        boxes: list,
        flips: list,
        outputs: list[Tensor],
    ) -> None:
        """Fill ``outputs`` (each uint8 (1, 4, S, S), channels last; the fourth channel is without meaning).

        ``data`` are an image's bytes as they lie in the beton; ``boxes`` [top, left, height, width] each, in pixels of its central square
        scaled to ``size``, as resident images are.

        Raises:
            Undecodable: these bytes are no such image.
        """
        square = self._decoded(data, mode, width, height)[central_square(width, height)]
        if len(square) != size:
            if self._square.shape[2] != size:
                self._square = picture_room(size, 4)
            scale_into(self._boxed(square), self._square)
            square = self._square[0].permute(1, 2, 0).numpy().view(np.uint32)[..., 0]
        for (top, left, rows, columns), flip, output in zip(boxes, flips, outputs, strict=True):
            part = square[top : top + rows, left : left + columns]
            # mirroring costs least here, where a pixel is one number
            scale_into(self._boxed(part[:, ::-1] if flip else part), output)

    def _boxed(self, part: np.ndarray) -> np.ndarray:
        """uint8 (rows, columns, 4): a contiguous copy, valid until the next call."""
        self._box = _at_least(self._box, part.size)
        box = self._box[: part.size].reshape(part.shape)
        box[:] = part
        return box.view(np.uint8).reshape(*part.shape, 4)

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
            pixels = (
                pixels.reshape(height, width, 3) if pixels.size == height * width * 3 else pixels
            )
        if pixels.shape != (height, width, 3):
            raise Undecodable(f"{width}x{height} px announced, {pixels.shape} found")
        for channel in range(3):
            channels[..., channel] = pixels[..., channel]
        return image


def _at_least(memory: np.ndarray, count: int) -> np.ndarray:
    return memory if len(memory) >= count else np.empty(count, memory.dtype)
