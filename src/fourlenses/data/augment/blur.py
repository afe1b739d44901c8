"""Gaussian blur of a batch, with a different standard deviation for every sample."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

# px. Measured: from here on a CPU's grouped convolution takes longer, at 224 px 2.2 times as long.
TAP_BY_TAP_FROM = 128
# Of a weight. All smaller ones add up to less than float32 rounds the sum of the others by.
NEGLIGIBLE = 2.0**-31


def kernel_size(size: int) -> int:
    """Return the odd width of the blur's kernel, px.

    A tenth of the views' ``size``, as in SimCLR's appendix A, and at least 3.
    """
    return max(3, (size // 10) | 1)


def gaussian_weights(sigma: np.ndarray, kernel: int) -> np.ndarray:
    """Return float32 (n, kernel), each row of sum 1, of ``sigma`` (float (n,), in pixels)."""
    taps = np.arange(kernel) - kernel // 2
    weights = np.exp(-0.5 * (taps / sigma[:, None]) ** 2)
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)


def gaussian_blur(images: Tensor, sigma: np.ndarray, kernel: int) -> Tensor:
    """Blur images by a row and a column of weights.

    The borders are reflected without repeating the edge. Equals torchvision's ``gaussian_blur``
    with the same kernel and sigma.

    Args:
        images: float32 (n, 3, S, S).
        sigma: float (n,), px.
        kernel: Number of weights, odd.
    """
    samples, channels, height, width = images.shape
    weights = gaussian_weights(sigma, kernel)
    padded = F.pad(images, [kernel // 2] * 4, mode="reflect")
    if images.device.type == "cpu" and min(height, width) >= TAP_BY_TAP_FROM:
        return _tap_by_tap(padded, weights, torch.empty_like(images))
    # Samples and channels become the groups of one grouped convolution, each with its own weights.
    groups = samples * channels
    taps = torch.from_numpy(weights).to(images.device).repeat_interleave(channels, dim=0)
    planes = padded.view(1, groups, *padded.shape[2:])
    planes = F.conv2d(planes, taps.view(groups, 1, 1, kernel), groups=groups)
    return F.conv2d(planes, taps.view(groups, 1, kernel, 1), groups=groups).view(images.shape)


def _tap_by_tap(padded: Tensor, weights: np.ndarray, out: Tensor) -> Tensor:
    """Blur an image at a time, which stays in the processor's cache.

    Taps that change nothing are left out: at most sigmas, most of them.

    Args:
        padded: float32 (n, 3, H + kernel - 1, W + kernel - 1).
        weights: float32 (n, kernel).
        out: Filled: float32 (n, 3, H, W).
    """
    height, width = out.shape[2:]
    across = out.new_empty(3, padded.shape[2], width)
    for image, row, blurred in zip(padded, weights.tolist(), out, strict=True):
        taps = [(tap, weight) for tap, weight in enumerate(row) if weight > NEGLIGIBLE]
        (first, weight), *others = taps
        torch.mul(image[..., first : first + width], weight, out=across)
        for tap, other in others:
            across.add_(image[..., tap : tap + width], alpha=other)
        torch.mul(across[:, first : first + height], weight, out=blurred)
        for tap, other in others:
            blurred.add_(across[:, tap : tap + height], alpha=other)
    return out
