"""Crop, resize and mirror a batch, with a different box for every sample.

As two batched matrix products.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor


class Boxes(NamedTuple):
    """A box in each of B images: int (B,) in pixels; flip: bool (B,), mirrored left to right."""

    top: np.ndarray
    left: np.ndarray
    height: np.ndarray
    width: np.ndarray
    flip: np.ndarray


def interpolation_matrices(
    start: np.ndarray,
    length: np.ndarray,
    *,
    source: int,
    size: int,
    device: torch.device,
    mirror: np.ndarray | None = None,
    gain: float = 1.0,
) -> Tensor:
    """Return the matrices that resize a run of pixels of an axis.

    Antialiased linear interpolation: a triangle of half-width max(1, length / size) source pixels
    around each output pixel's centre, cut off at the box and scaled there to a sum of ``gain``, so
    that nothing outside the box is read.

    Args:
        start: int (B,), the first pixel.
        length: int (B,), the number of pixels.
        source: Pixels of the axis.
        size: Pixels of the output.
        device: Of the result.
        mirror: bool (B,): where set, the output runs backwards.
        gain: Factor of all weights.

    Returns:
        float32 (B, size, source).
    """
    scale = length / size  # (B,) source pixels an output pixel
    # (B, size), in source indices
    centres = (np.arange(size) + 0.5) * scale[:, None] + start[:, None] - 0.5
    if mirror is not None:
        centres[mirror] = centres[mirror, ::-1]
    pixels = np.arange(source)
    inside = (pixels >= start[:, None]) & (pixels < (start + length)[:, None])  # (B, source)
    # The divisions are made on the host in double precision; the triangle is then one subtraction
    # from a stretched axis, along which what is outside the box lies infinitely far.
    inverse = 1 / np.maximum(scale, 1)[:, None]
    axis = np.where(inside, pixels * inverse, np.inf).astype(np.float32)
    stretched = torch.from_numpy(axis).to(device)[:, None, :]  # (B, 1, source)
    middle = torch.from_numpy((centres * inverse).astype(np.float32)).to(device)
    weights = torch.rsub((stretched - middle[:, :, None]).abs_(), 1).relu_()
    return weights.mul_(gain / weights.sum(2, keepdim=True))


def resample(images: Tensor, boxes: Boxes, size: int, *, gain: float = 1.0) -> Tensor:
    """Cut and resize a box of each image, and multiply by ``gain``.

    Equals torchvision's ``resized_crop`` with ``antialias=True``.

    Args:
        images: (B, 3, H, W) of any dtype.
        boxes: Of B images.
        size: Of the result, px.
        gain: Factor of all values.

    Returns:
        float32 (B, 3, size, size).
    """
    batch, channels, rows, columns = images.shape
    across = interpolation_matrices(
        boxes.left,
        boxes.width,
        source=columns,
        size=size,
        device=images.device,
        mirror=boxes.flip,
        gain=gain,
    )
    down = interpolation_matrices(
        boxes.top, boxes.height, source=rows, size=size, device=images.device
    )
    pixels = images.to(torch.float32, memory_format=torch.contiguous_format)
    planes = pixels.view(batch, channels * rows, columns)
    narrow = torch.bmm(planes, across.transpose(1, 2))  # (B, 3 * H, size)
    return torch.matmul(down[:, None], narrow.view(batch, channels, rows, size))
