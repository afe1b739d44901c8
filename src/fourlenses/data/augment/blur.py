"""Gaussian blur of a batch, every sample with a standard deviation of its own."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

# px. Measured: from here on a CPU's grouped convolution takes longer, at 224 px 2.2 times as long.
TAP_BY_TAP_FROM = 128
# Of a weight. All that are less add up to less than float32 rounds the sum of the others by.
NEGLIGIBLE = 2.0**-31


def kernel_size(size: int) -> int:
    """Odd width in pixels of the blur of views of ``size`` pixels: a tenth of it, as in SimCLR's appendix A, and at least 3."""
    return max(3, (size // 10) | 1)


def gaussian_weights(sigma: np.ndarray, kernel: int) -> np.ndarray:
    """float32 (n, kernel), each row of sum 1, of ``sigma`` (float (n,), in pixels)."""
    taps = np.arange(kernel) - kernel // 2
    weights = np.exp(-0.5 * (taps / sigma[:, None]) ** 2)
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)


def gaussian_blur(images: Tensor, sigma: np.ndarray, kernel: int) -> Tensor:
    """Blur float32 images (n, 3, S, S) with ``sigma`` (float (n,), in pixels), a row and a column of ``kernel`` taps.

    The borders are reflected without repeating the edge. Equals torchvision's ``gaussian_blur`` with the same kernel and sigma.
    """
    samples, channels, height, width = images.shape
    weights = gaussian_weights(sigma, kernel)
    padded = F.pad(images, [kernel // 2] * 4, mode="reflect")
    if images.device.type == "cpu" and min(height, width) >= TAP_BY_TAP_FROM:
        return _tap_by_tap(padded, weights, torch.empty_like(images))
    # Samples and channels become the groups of one grouped convolution, each with its own weights.
    groups = samples * channels
    weights = torch.from_numpy(weights).to(images.device).repeat_interleave(channels, dim=0)
    planes = F.conv2d(
        padded.view(1, groups, *padded.shape[2:]), weights.view(groups, 1, 1, kernel), groups=groups
    )
    return F.conv2d(planes, weights.view(groups, 1, kernel, 1), groups=groups).view(images.shape)


def _tap_by_tap(padded: Tensor, weights: np.ndarray, out: Tensor) -> Tensor:
    """Blur images (n, 3, H + kernel - 1, W + kernel - 1) into ``out`` (n, 3, H, W), by ``weights`` (n, kernel).

    An image at a time, which stays in the processor's cache, and without the taps that change nothing: at most sigmas most of them.
    """
    height, width = out.shape[2:]
    across = out.new_empty(3, padded.shape[2], width)
    for image, its_weights, blurred in zip(padded, weights.tolist(), out, strict=True):
        (first, weight), *others = [
            (tap, weight) for tap, weight in enumerate(its_weights) if weight > NEGLIGIBLE
        ]
        torch.mul(image[..., first : first + width], weight, out=across)
        for tap, other in others:
            across.add_(image[..., tap : tap + width], alpha=other)
        torch.mul(across[:, first : first + height], weight, out=blurred)
        for tap, other in others:
            blurred.add_(across[:, tap : tap + height], alpha=other)
    return out
