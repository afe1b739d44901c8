"""Crop, resize and mirror a batch, every sample with a box of its own, as two batched matrix products."""

import numpy as np
import torch
from torch import Tensor


def interpolation_matrices(
    start: np.ndarray,
    length: np.ndarray,
    source: int,
    size: int,
    mirror: np.ndarray | None,
    device: torch.device,
    gain: float = 1.0,
) -> Tensor:
    """float32 (B, size, source): the rows that resize pixels ``start .. start + length`` of an axis of ``source`` pixels to ``size``.

    Antialiased linear interpolation: a triangle of half-width max(1, length / size) source pixels around each output pixel's
    centre, cut off at the box and scaled there to a sum of ``gain``, so that nothing outside the box is read. Where ``mirror``
    (bool (B,)) is set, the output runs backwards.
    """
    scale = length / size  # (B,) source pixels an output pixel
    centres = (
        (np.arange(size) + 0.5) * scale[:, None] + start[:, None] - 0.5
    )  # (B, size), in source indices
    if mirror is not None:
        centres[mirror] = centres[mirror, ::-1]
    pixels = np.arange(source)
    inside = (pixels >= start[:, None]) & (pixels < (start + length)[:, None])  # (B, source)
    # The divisions are made on the host in double precision; the triangle is then one subtraction from a stretched axis, along
    # which what is outside the box lies infinitely far.
    inverse = 1 / np.maximum(scale, 1)[:, None]
    stretched = torch.from_numpy(np.where(inside, pixels * inverse, np.inf).astype(np.float32)).to(
        device
    )[:, None, :]  # (B, 1, source)
    centres = torch.from_numpy((centres * inverse).astype(np.float32)).to(device)[
        :, :, None
    ]  # (B, size, 1)
    weights = torch.rsub((stretched - centres).abs_(), 1).relu_()
    return weights.mul_(gain / weights.sum(2, keepdim=True))


def resample(
    images: Tensor,
    top: np.ndarray,
    left: np.ndarray,
    height: np.ndarray,
    width: np.ndarray,
    flip: np.ndarray,
    size: int,
    gain: float = 1.0,
) -> Tensor:
    """float32 (B, 3, size, size): the boxes (int (B,) each, in pixels) of images (B, 3, H, W) of any dtype, times ``gain``.

    ``flip`` (bool (B,)) mirrors left to right. Equals torchvision's ``resized_crop`` with ``antialias=True``.
    """
    batch, channels, rows, columns = images.shape
    across = interpolation_matrices(left, width, columns, size, flip, images.device, gain)
    down = interpolation_matrices(top, height, rows, size, None, images.device)
    pixels = images.to(torch.float32, memory_format=torch.contiguous_format)
    narrow = torch.bmm(
        pixels.view(batch, channels * rows, columns), across.transpose(1, 2)
    )  # (B, 3 * H, size)
    return torch.matmul(down[:, None], narrow.view(batch, channels, rows, size))
