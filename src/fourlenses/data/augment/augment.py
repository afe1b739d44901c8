"""Random views of a batch of images in memory: crop, flip, colour jitter, grey, blur, solarise (SimCLR, appendix A).

Each step works on a whole batch with parameters of its own per sample. What is drawn depends on (seed, epoch, sample, view)
alone, hence not on the device, on the number of workers or on who else is in the batch.
"""

import dataclasses
import functools
import importlib.util
import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from fourlenses.data.augment.augmentation import Augmentation
from fourlenses.data.augment.blur import gaussian_blur, kernel_size
from fourlenses.data.augment.colour import hue_steps, jitter_, luma
from fourlenses.data.augment.parameters import Parameters, draw_parameters
from fourlenses.data.augment.resample import resample

__all__ = ["Augment", "Augmentation", "Parameters", "apply_parameters", "draw_parameters"]

# Values (channels x pixels) of a part of a batch on a CPU. Measured: with parts of 2 MB a view of 256 images of 32 px takes no
# page faults to speak of, while in one part these cost as much again as the arithmetic.
CPU_PART = 2**19


class Augment:
    """A recipe at one size and seed: call it for one view of each image of a batch."""

    def __init__(self, recipe: Augmentation, size: int, seed: int):
        self.recipe = recipe
        self.size = size
        self.seed = seed

    def __call__(
        self, images: Tensor, sample_ids: np.ndarray, epoch: int | np.ndarray, view: int
    ) -> Tensor:
        """float32 (B, 3, size, size) on the images' device, in [0, 1] before the recipe's mean and std.

        ``images`` are uint8 (B, 3, H, W) and ``sample_ids`` uint64 (B,); ``epoch`` is one number or int64 (B,),
        as a batch may cross the end of a pass; ``view`` numbers the views of a sample in an epoch.
        """
        if (
            images.dtype != torch.uint8
            or images.ndim != 4
            or images.shape[1] != 3
            or len(images) != len(sample_ids)
        ):
            raise ValueError(
                f"views need uint8 images (B, 3, H, W) and B sample ids, not {images.dtype} {tuple(images.shape)} and {len(sample_ids)}"
            )
        return self.of_images(images, self.draw(*images.shape[2:], sample_ids, epoch, view))

    def of_images(self, images: Tensor, parameters: Parameters) -> Tensor:
        """As `__call__`, with ``parameters`` that `draw` has made for these images."""
        return self._finished(images, parameters, apply_parameters)

    def draw(
        self, height: int, width: int, sample_ids: np.ndarray, epoch: int | np.ndarray, view: int
    ) -> Parameters:
        """What `__call__` does to images of ``height`` by ``width`` pixels with these ids."""
        return draw_parameters(self.recipe, height, width, self.seed, sample_ids, epoch, view)

    def of_crops(self, crops: Tensor, parameters: Parameters) -> Tensor:
        """As `__call__`, of uint8 crops (B, 3 or 4, size, size) that were cut, scaled and mirrored already; a fourth channel is ignored."""
        if (
            crops.dtype != torch.uint8
            or crops.shape[1] not in (3, 4)
            or crops.shape[2:] != (self.size, self.size)
        ):
            raise ValueError(
                f"crops are uint8 (B, 3 or 4, {self.size}, {self.size}), not {crops.dtype} {tuple(crops.shape)}"
            )
        return self._finished(crops, parameters, _apply_to_crops)

    def _finished(
        self,
        images: Tensor,
        parameters: Parameters,
        apply: Callable[[Tensor, Parameters, int], Tensor],
    ) -> Tensor:
        if images.is_cuda and _triton_is_there():
            from fourlenses.data.augment.triton_kernels import (
                fused_views,  # its kernels are of no use elsewhere, and take time to import
            )

            if apply is _apply_to_crops:
                parameters = _without_crop(parameters, self.size)
            return fused_views(images, parameters, self.size, self.recipe.mean, self.recipe.std)
        # Autocast would take the matrix products of a view to half precision.
        with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
            views = _in_parts(images, parameters, self.size, apply)
            if self.recipe.mean is not None:
                mean, std = (
                    torch.tensor(values, device=images.device)[:, None, None]
                    for values in (self.recipe.mean, self.recipe.std)
                )
                views = views.sub_(mean).div_(std)
        return views


@functools.cache
def _triton_is_there() -> bool:
    """torch brings it along for NVIDIA GPUs; without it a GPU works operation by operation, as a CPU does."""
    return importlib.util.find_spec("triton") is not None


def _without_crop(parameters: Parameters, size: int) -> Parameters:
    count = len(parameters.top)
    whole, start = np.full(count, size), np.zeros(count, np.int64)
    return dataclasses.replace(
        parameters, top=start, left=start, height=whole, width=whole, flip=np.zeros(count, bool)
    )


def _in_parts(
    images: Tensor,
    parameters: Parameters,
    size: int,
    apply: Callable[[Tensor, Parameters, int], Tensor],
) -> Tensor:
    """``apply`` by parts of the batch on a CPU, where larger temporaries than this go back to the system each time."""
    values = 3 * max(size * size, images.shape[2] * images.shape[3])
    count = math.ceil(len(images) * values / CPU_PART) if images.device.type == "cpu" else 1
    if count <= 1:
        return apply(images, parameters, size)
    views = torch.empty(len(images), 3, size, size)
    for rows in np.array_split(np.arange(len(images)), min(count, len(images))):
        part = slice(rows[0], rows[-1] + 1)
        views[part] = apply(images[part], parameters.take(part), size)
    return views


def apply_parameters(images: Tensor, parameters: Parameters, size: int) -> Tensor:
    """The views (float32 (B, 3, size, size) in [0, 1]) that ``parameters`` make of uint8 images (B, 3, H, W)."""
    sequence = _first_order(parameters)
    box = parameters.take(sequence)
    views = resample(
        _rows(images, sequence),
        box.top,
        box.left,
        box.height,
        box.width,
        box.flip,
        size,
        gain=1 / 255,
    )
    # Rounding leaves sums of weights a few 1e-7 above 1.
    return _photometric(views.clamp_(max=1), sequence, parameters, size)


def _apply_to_crops(crops: Tensor, parameters: Parameters, size: int) -> Tensor:
    sequence = _first_order(parameters)
    views = (
        _rows(crops, sequence)[:, :3]
        .to(torch.float32, memory_format=torch.contiguous_format)
        .div_(255)
    )
    return _photometric(views, sequence, parameters, size)


def _first_order(parameters: Parameters) -> np.ndarray:
    """int64 (B,): jittered samples by the step of their hue, then the others."""
    return np.argsort(np.where(parameters.jitter, hue_steps(parameters.order), 4), kind="stable")


def _photometric(views: Tensor, sequence: np.ndarray, parameters: Parameters, size: int) -> Tensor:
    """What follows the crop, on views (float32 (B, 3, size, size)) in the order ``sequence``, which are overwritten; in the order of
    ``parameters``.

    The batch is sorted twice on the way, so that the samples of an operation are one contiguous run, worked on in place; a
    gather is cheap (the first one moves bytes), a scatter is not. The last gather restores the caller's order.
    """
    jittered = sequence[: parameters.jitter.sum()]
    jitter_(views[: len(jittered)], parameters.order[jittered], parameters.factors[jittered])

    # Second order: grey only, grey and blurred, blurred only, neither: the samples of either operation are one run.
    grey, blurred = parameters.grey[sequence], parameters.blur[sequence]
    run = np.where(grey, np.where(blurred, 1, 0), np.where(blurred, 2, 3))
    second = np.argsort(run, kind="stable")
    starts = np.searchsorted(run[second], np.arange(4))
    views, sequence = _rows(views, second), sequence[second]
    if parameters.grey.any():
        part = views[: starts[2]]
        part.copy_(luma(part).expand_as(part))
    if parameters.blur.any():
        part = slice(starts[1], starts[3])
        views[part] = gaussian_blur(
            views[part], parameters.sigma[sequence[part]], kernel_size(size)
        )

    views = _rows(views, np.argsort(sequence))
    if parameters.solarise.any():
        # Inverting what is at least 1/2 is the lesser of a value and its inverse.
        chosen = torch.from_numpy(parameters.solarise.nonzero()[0]).to(views.device)
        views[chosen] = torch.minimum(views[chosen], 1 - views[chosen])
    return views


def _rows(tensor: Tensor, rows: np.ndarray) -> Tensor:
    """The rows (int64) of a tensor, all of them, gathered into a new one; the tensor itself where they are in order already, as those of
    recipes without colours are."""
    if (rows[:-1] < rows[1:]).all():
        return tensor
    return tensor.index_select(0, torch.from_numpy(rows).to(tensor.device))
