"""Gaussian blur of a batch, every sample with a standard deviation of its own."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


def kernel_size(size: int) -> int:
    """Odd width in pixels of the blur of views of ``size`` pixels: a tenth of it, as in SimCLR's appendix A, and at least 3."""
    return max(3, (size // 10) | 1)


def gaussian_blur(images: Tensor, sigma: np.ndarray, kernel: int) -> Tensor:
    """Blur float32 images (n, 3, S, S) with ``sigma`` (float (n,), in pixels), a row and a column of ``kernel`` taps.

    The borders are reflected without repeating the edge. Equals torchvision's ``gaussian_blur`` with the same kernel and sigma.
    """
    samples, channels, height, width = images.shape
    taps = np.arange(kernel) - kernel // 2
    weights = np.exp(-0.5 * (taps / sigma[:, None]) ** 2)  # (n, kernel)
    weights = torch.from_numpy((weights / weights.sum(1, keepdims=True)).astype(np.float32)).to(images.device)
    # Samples and channels become the groups of one grouped convolution, each with its own weights.
    groups = samples * channels
    weights = weights.repeat_interleave(channels, dim=0)
    planes = F.pad(images, [kernel // 2] * 4, mode="reflect").view(1, groups, height + kernel - 1, width + kernel - 1)
    planes = F.conv2d(planes, weights.view(groups, 1, 1, kernel), groups=groups)
    return F.conv2d(planes, weights.view(groups, 1, kernel, 1), groups=groups).view(images.shape)
