"""Colour operations on batches of float32 images (n, 3, S, S) in [0, 1].

Each sample has different factors. The definitions, and the clamp to [0, 1] after each, are those of
torchvision's ``adjust_*``.
"""

from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fourlenses.data.augment.parameters import CONTRAST, HUE, SATURATION

# Luma of ITU-R BT.601, as torchvision rounds it: shares of red, green and blue.
RED, GREEN, BLUE = 0.2989, 0.587, 0.114
LUMA = np.array([RED, GREEN, BLUE])


def luma(images: Tensor) -> Tensor:
    """Return the grey value of every pixel: (n, 3, S, S) to (n, 1, S, S)."""
    red, green, blue = images.split(1, dim=1)
    return (red * RED).add_(green, alpha=GREEN).add_(blue, alpha=BLUE)


def blend_maps(operations: np.ndarray, factors: np.ndarray) -> tuple[Tensor, Tensor]:
    """Return brightness, contrast or saturation as affine maps of a pixel's colour.

    All three are clamp(f x + (1 - f) t) with t = 0, the image's mean luma, or the pixel's luma: a
    matrix, and the share of each channel's mean in what is added to all channels. So a single
    batched product serves samples with different operations.

    Args:
        operations: int (...), of BRIGHTNESS, CONTRAST and SATURATION.
        factors: float (...).

    Returns:
        float32 (..., 3, 3) and (..., 3).
    """
    factors = factors[..., None]
    towards_luma = (operations[..., None] == SATURATION) * (1 - factors)
    matrices = factors[..., None] * np.eye(3) + towards_luma[..., None] * LUMA
    towards_mean = (operations[..., None] == CONTRAST) * (1 - factors) * LUMA
    return (
        torch.from_numpy(matrices.astype(np.float32)),
        torch.from_numpy(towards_mean.astype(np.float32)),
    )


def blend(
    images: Tensor, matrices: Tensor, towards_mean: Tensor, *, out: Tensor | None = None
) -> Tensor:
    """Apply `blend_maps` (n, 3, 3) and (n, 3) by sample; into ``out`` if given."""
    pixels = images.flatten(2)
    offset = (pixels.mean(2) * towards_mean).sum(1)[:, None, None]  # (n, 1, 1)
    blended = torch.bmm(matrices, pixels, out=None if out is None else out.view(pixels.shape))
    return blended.add_(offset).clamp_(0, 1).view(images.shape)


def shift_hue(images: Tensor, turns: np.ndarray, out: Tensor | None = None) -> Tensor:
    """Shift the hue, keeping HSV's saturation and value.

    Without branches. With m the least and c the range of a pixel's channels, its distance from red
    on the hexagon of hues is d = 1 + (G + B - R - m) / c, of 0 to 3 sixths, on the side of green
    where G >= B; and a pixel whose hue is d sixths away from a channel's hue has
    m + c clamp(2 - d, 0, 1) in that channel. (Both follow by cases from the six sectors of HSV.)

    Args:
        images: float32 (n, 3, S, S).
        turns: float (n,); 1 is the whole circle.
        out: Filled if given, of the images' shape.
    """
    red, green, blue = images.split(1, dim=1)  # (n, 1, S, S) each
    side = green - blue
    least = torch.minimum(torch.minimum(red, green), blue)
    spread = torch.maximum(torch.maximum(red, green), blue).sub_(least)
    hue = (green + blue).sub_(red).sub_(least)
    # A grey pixel has no hue; the bound only avoids 0 / 0, as its spread of 0 removes any hue.
    sixth = hue.new_tensor(1 / 6)
    # in turns, within [-1/2, 1/2]
    hue = torch.addcdiv(sixth, hue, spread.clamp(min=1e-12), value=1 / 6).copysign_(side)
    # minus each channel's hue; the rest of 2.5 makes the sum positive and puts the nearest whole
    # turn at a half
    offsets = turns[:, None] - np.array([0, 1 / 3, 2 / 3]) + 2.5  # (n, 3)
    offsets = torch.from_numpy(offsets.astype(np.float32)).to(images.device)[:, :, None, None]
    # In one buffer from here on: allocating another for each pass takes longer than the arithmetic.
    out = torch.add(hue, offsets, out=out)  # (n, 3, S, S)
    distance = out.frac_().sub_(0.5).abs_()  # in turns, on the circle
    # clamp(2 - 6 distance, 0, 1), as hardsigmoid(x) is clamp(x / 6 + 1 / 2, 0, 1)
    share = F.hardsigmoid(torch.add(hue.new_tensor(9), distance, alpha=-36, out=out), inplace=True)
    return torch.addcmul(least, spread, share, out=out)


def hue_steps(order: np.ndarray) -> np.ndarray:
    """Return int64 (n,): the step of a jitter at which a sample's hue is shifted."""
    return np.argmax(order == HUE, axis=1)


def jitter_(images: Tensor, order: np.ndarray, factors: np.ndarray) -> None:
    """Apply the four operations to every sample in that sample's order, in place.

    Args:
        images: float32 (n, 3, S, S), sorted by ``hue_steps(order)``: those whose hue is shifted at
            a step, and those that are blended there, are then contiguous runs, and nothing is
            gathered or scattered.
        order: As in `Parameters`.
        factors: As in `Parameters`.

    Raises:
        ValueError: The samples are not sorted.
    """
    hue_step = hue_steps(order)
    if (np.diff(hue_step) < 0).any():
        raise ValueError("the samples must be sorted by the step of their hue")
    bounds = np.searchsorted(hue_step, np.arange(5))
    by_step = order.T  # (4, n)
    matrices, towards_mean = (
        maps.to(images.device)
        for maps in blend_maps(by_step, factors[np.arange(len(order)), by_step])
    )
    # Each step writes to the other of two buffers; after four of them the result is in the first.
    source, target = images, torch.empty_like(images)
    for step, (start, stop) in enumerate(pairwise(bounds)):
        if start < stop:
            shift_hue(source[start:stop], factors[start:stop, HUE], out=target[start:stop])
        for run in (slice(0, start), slice(stop, len(order))):
            if run.start < run.stop:
                blend(source[run], matrices[step, run], towards_mean[step, run], out=target[run])
        source, target = target, source
