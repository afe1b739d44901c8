"""All crops of one stored image: decoded once, each box cut, mirrored and scaled, as uint8."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from fourlenses.data.beton.reader import JPEG
from fourlenses.data.images.content import Undecodable
from fourlenses.data.images.decode import decode
from fourlenses.data.images.scaling import central_square, picture_room, scale_into
from fourlenses.data.images.turbojpeg import JpegDecoder


class Cropper:
    """Cuts boxes of images. It reuses its memory, so it is not to be shared between threads."""

    def __init__(self) -> None:
        self._decoder = JpegDecoder()
        self._image = self._box = np.empty(0, np.uint32)
        self._square = picture_room(0, 4)

    def cut(
        self,
        data: bytes,
        *,
        mode: int,
        width: int,
        height: int,
        size: int,
        boxes: Sequence[Sequence[int]],
        flips: Sequence[bool],
        outputs: Sequence[Tensor],
    ) -> None:
        """Cut boxes of an image, mirror and scale them.

        Args:
            data: The image's bytes in the beton.
            mode: RAW or JPEG.
            width: Of the image, px.
            height: Of the image, px.
            size: To which its central square is scaled before, as resident images are.
            boxes: top, left, height and width each, in pixels of that square.
            flips: Whether to mirror each.
            outputs: Filled: each uint8 (1, 4, S, S), channels last; the fourth channel is without
                meaning.

        Raises:
            Undecodable: The bytes are no such image.
        """
        image = self._decoded(data, mode=mode, width=width, height=height)
        square = image[central_square(width, height)]
        if len(square) != size:
            if self._square.shape[2] != size:
                self._square = picture_room(size, 4)
            scale_into(self._boxed(square), self._square)
            square = self._square[0].permute(1, 2, 0).numpy().view(np.uint32)[..., 0]
        for (top, left, rows, columns), flip, output in zip(boxes, flips, outputs, strict=True):
            part = square[top : top + rows, left : left + columns]
            # mirroring costs least here, where a pixel is a single number
            scale_into(self._boxed(part[:, ::-1] if flip else part), output)

    def _boxed(self, part: np.ndarray) -> np.ndarray:
        """Return uint8 (rows, columns, 4): a contiguous copy, valid until the next call."""
        self._box = _at_least(self._box, part.size)
        box = self._box[: part.size].reshape(part.shape)
        box[:] = part
        return box.view(np.uint8).reshape(*part.shape, 4)

    def _decoded(self, data: bytes, *, mode: int, width: int, height: int) -> np.ndarray:
        """Return uint32 (height, width), a number for each pixel; valid until the next call."""
        self._image = _at_least(self._image, height * width)
        image = self._image[: height * width].reshape(height, width)
        channels = image.view(np.uint8).reshape(height, width, 4)
        if mode == JPEG:
            if self._decoder.decode(data, channels):
                return image
            # TurboJPEG takes warnings for errors; Pillow, by which the beton was written, decides
            pixels = np.asarray(decode(data))
        else:
            pixels = np.frombuffer(data, np.uint8)
            if pixels.size == height * width * 3:
                pixels = pixels.reshape(height, width, 3)
        if pixels.shape != (height, width, 3):
            raise Undecodable(f"{width}x{height} px announced, but it has {pixels.shape}")
        for channel in range(3):
            channels[..., channel] = pixels[..., channel]
        return image


def _at_least(memory: np.ndarray, count: int) -> np.ndarray:
    return memory if len(memory) >= count else np.empty(count, memory.dtype)
