"""All crops of one stored image: decoded once, each box cut, mirrored and scaled, as uint8."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from fourlenses.data.beton.reader import JPEG
from fourlenses.data.images.content import Undecodable
from fourlenses.data.images.decode import decode
from fourlenses.data.images.scaling import central_square, picture_room, scale_into
from fourlenses.data.images.turbojpeg import JpegDecoder
from fourlenses.data.loading.compiled_crops import CROP_FIELDS, SLACK, crops_function

_PIXEL = 4  # bytes


class Crops:
    """What is cut of the images of a batch, and room for it.

    Args:
        boxes: int (B, V, 4): of each image and view top, left, height and width, px.
        flips: bool (B, V): whether to mirror.
        rooms: Of each view, uint8 (B or more, 4, S, S), channels last.
        size: Side of the square that boxes are of, px.

    Raises:
        ValueError: A box is not within the square.
    """

    def __init__(
        self, boxes: np.ndarray, flips: np.ndarray, rooms: Sequence[Tensor], *, size: int
    ) -> None:
        corners, lengths = boxes[..., :2], boxes[..., 2:]
        if ((corners < 0) | (lengths < 1) | (corners + lengths > size)).any():
            raise ValueError(f"boxes that are not within a square of {size} px")
        self.size, self.views, self.rooms = size, len(rooms), rooms
        self.plan = np.empty((*flips.shape, CROP_FIELDS), np.int64)
        self.plan[..., :4], self.plan[..., 4] = boxes, flips
        for view, room in enumerate(rooms):
            self.plan[:, view, 5] = room.shape[2]
            step = _PIXEL * room.shape[2] ** 2
            self.plan[:, view, 6] = room.data_ptr() + step * np.arange(len(boxes))
        self._address = self.plan.ctypes.data

    def address(self, row: int) -> int:
        """Return the address of the crops of an image, for the compiled function."""
        return self._address + row * self.views * CROP_FIELDS * self.plan.itemsize


class Cropper:
    """Cuts boxes of images. It reuses its memory, so it is not to be shared between threads."""

    def __init__(self) -> None:
        self._decoder, self._function = JpegDecoder(), crops_function()
        self._image = self._box = self._square = np.empty(0, np.uint32)

    def cut(
        self, data: bytes, *, mode: int, width: int, height: int, crops: Crops, row: int
    ) -> None:
        """Cut boxes of an image, mirror and scale them.

        Args:
            data: The image's bytes in the beton.
            mode: RAW or JPEG.
            width: Of the image, px.
            height: Of the image, px.
            crops: Of a batch. The image's central square is scaled to their size before, as
                resident images are. Their rooms are filled; a fourth channel is without meaning.
            row: Of the image in the batch.

        Raises:
            Undecodable: The bytes are no such image.
        """
        image = self._decoded(data, mode=mode, width=width, height=height)
        square = image[central_square(width, height)]
        if len(square) != crops.size:
            square = self._scaled(square, crops.size)
        if self._function is None:
            self._cut_by_torch(square, crops, row)
        else:
            self._run(square, crops.address(row), crops.views)

    def _scaled(self, square: np.ndarray, size: int) -> np.ndarray:
        self._square = _at_least(self._square, size * size)
        scaled = self._square[: size * size].reshape(size, size)
        if self._function is None:
            room = picture_room(size, _PIXEL)
            scale_into(self._boxed(square), room)
            scaled[:] = room[0].permute(1, 2, 0).numpy().view(np.uint32)[..., 0]
        else:
            whole = np.array([0, 0, *square.shape, 0, size, scaled.ctypes.data], np.int64)
            self._run(square, whole.ctypes.data, 1)
        return scaled

    def _run(self, pixels: np.ndarray, crops: int, count: int) -> None:
        assert self._function is not None
        if self._function(pixels.ctypes.data, pixels.strides[0], crops, count):
            raise MemoryError("no memory for crops")

    def _cut_by_torch(self, square: np.ndarray, crops: Crops, row: int) -> None:
        for (top, left, rows, columns, flip, *_), room in zip(
            crops.plan[row].tolist(), crops.rooms, strict=True
        ):
            part = square[top : top + rows, left : left + columns]
            # mirroring costs least here, where a pixel is a single number
            scale_into(self._boxed(part[:, ::-1] if flip else part), room[row : row + 1])

    def _boxed(self, part: np.ndarray) -> np.ndarray:
        """Return uint8 (rows, columns, 4): a contiguous copy, valid until the next call."""
        self._box = _at_least(self._box, part.size)
        box = self._box[: part.size].reshape(part.shape)
        box[:] = part
        return box.view(np.uint8).reshape(*part.shape, _PIXEL)

    def _decoded(self, data: bytes, *, mode: int, width: int, height: int) -> np.ndarray:
        """Return uint32 (height, width), a number for each pixel; valid until the next call."""
        self._image = _at_least(self._image, height * width)
        image = self._image[: height * width].reshape(height, width)
        channels = image.view(np.uint8).reshape(height, width, _PIXEL)
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
    """Return memory for this many pixels, and for what compiled code may read behind them."""
    count += SLACK // _PIXEL
    return memory if len(memory) >= count else np.empty(count, memory.dtype)
