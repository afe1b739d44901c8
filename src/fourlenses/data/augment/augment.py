"""Random views of a batch of images in memory: crop, flip, colour jitter, grey, blur, solarise.

They are those of SimCLR, appendix A (https://arxiv.org/abs/2002.05709). Each step works on a whole
batch, with different parameters for each sample. What is drawn depends on (seed, epoch, sample,
view) alone, hence not on the device, on the number of workers or on the rest of the batch.

Here the operations are torch's, batch by batch. A GPU has one kernel for all of them instead
(`triton_kernels`), a CPU compiled code (`compiled_views`), where these can be compiled.

By hand, not torchvision's or FFCV's transforms: these draw from a global state, one sample at a
time, and decode an image once a view (docs/measured/benchmarks.md has the times of each).
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from fourlenses.data.augment.augmentation import Augmentation
from fourlenses.data.augment.blur import gaussian_blur, kernel_size
from fourlenses.data.augment.colour import hue_steps, jitter_, luma
from fourlenses.data.augment.compiled_views import compiled_views, views_function
from fourlenses.data.augment.kernel_compiler import kernels_can_be_compiled
from fourlenses.data.augment.parameters import Parameters, draw_parameters
from fourlenses.data.augment.resample import Boxes, resample

__all__ = ["Augment", "Augmentation", "Parameters", "apply_parameters", "draw_parameters"]

# Values (channels x pixels) of a part of a batch on a CPU. Measured: with parts of 2 MB a view of
# 256 images of 32 px takes hardly any page faults, while in one part these cost as much again as
# the arithmetic.
CPU_PART = 2**19
Apply = Callable[[Tensor, Parameters, int], Tensor]


class Augment:
    """An augmentation with a size and a seed: call it for one view of each image of a batch.

    Args:
        augmentation: The random operations.
        image_size: Of the views where the augmentation does not say otherwise, px.
        seed: Of the draws.
    """

    def __init__(self, augmentation: Augmentation, image_size: int, seed: int) -> None:
        self.augmentation = augmentation
        self.size = augmentation.size_of(image_size)
        self.seed = seed

    def __call__(
        self, images: Tensor, sample_ids: np.ndarray, *, epoch: int | np.ndarray, view: int
    ) -> Tensor:
        """Return a view of each image.

        Args:
            images: uint8 (B, 3, H, W).
            sample_ids: uint64 (B,).
            epoch: A number or int64 (B,), as a batch may cross the end of a pass.
            view: Number of the view among those of a sample in an epoch.

        Returns:
            float32 (B, 3, size, size) on the images' device, in [0, 1] before mean and std.

        Raises:
            ValueError: The images are of another type or shape.
        """
        is_batch = images.dtype == torch.uint8 and images.ndim == 4 and images.shape[1] == 3
        if not is_batch or len(images) != len(sample_ids):
            raise ValueError(
                "views need uint8 images (B, 3, H, W) and B sample ids, not "
                f"{images.dtype} {tuple(images.shape)} and {len(sample_ids)}"
            )
        height, width = images.shape[2:]
        return self.of_images(images, self.draw(height, width, sample_ids, epoch=epoch, view=view))

    def of_images(self, images: Tensor, parameters: Parameters) -> Tensor:
        """Return views, with ``parameters`` that `draw` has made for these images."""
        return self._finished(images, parameters, apply_parameters)

    def draw(
        self,
        height: int,
        width: int,
        sample_ids: np.ndarray,
        *,
        epoch: int | np.ndarray,
        view: int,
    ) -> Parameters:
        """Return what `__call__` does to images of ``height`` by ``width`` pixels."""
        return draw_parameters(
            self.augmentation,
            height,
            width,
            seed=self.seed,
            sample_ids=sample_ids,
            epoch=epoch,
            view=view,
        )

    def of_crops(self, crops: Tensor, parameters: Parameters) -> Tensor:
        """Return views of crops that were cut, scaled and mirrored already.

        Args:
            crops: uint8 (B, 3 or 4, size, size); a fourth channel is ignored.
            parameters: From `draw`.

        Raises:
            ValueError: The crops are of another type or shape.
        """
        is_square = crops.shape[1] in (3, 4) and crops.shape[2:] == (self.size, self.size)
        if crops.dtype != torch.uint8 or not is_square:
            raise ValueError(
                f"crops are uint8 (B, 3 or 4, {self.size}, {self.size}), not "
                f"{crops.dtype} {tuple(crops.shape)}"
            )
        return self._finished(crops, parameters, _apply_to_crops)

    def _finished(self, images: Tensor, parameters: Parameters, apply: Apply) -> Tensor:
        mean, std = self.augmentation.mean, self.augmentation.std
        if images.is_cuda and kernels_can_be_compiled():
            # its kernels are of no use elsewhere, and take time to import
            from fourlenses.data.augment.triton_kernels import fused_views

            if apply is _apply_to_crops:
                parameters = without_crop(parameters, self.size)
            return fused_views(images, parameters, self.size, mean=mean, std=std)
        function = views_function() if images.device.type == "cpu" else None
        if function is not None:
            return compiled_views(
                images,
                parameters,
                self.size,
                normalise=None if mean is None or std is None else (mean, std),
                crops=apply is _apply_to_crops,
                function=function,
            )
        # Autocast would take the matrix products of a view to half precision.
        with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
            views = _in_parts(images, parameters, self.size, apply=apply)
            if mean is not None:
                shift, scale = (
                    torch.tensor(values, device=images.device)[:, None, None]
                    for values in (mean, std)
                )
                views = views.sub_(shift).div_(scale)
        return views


def without_crop(parameters: Parameters, size: int) -> Parameters:
    """Return parameters whose box is the whole image of ``size`` px, not mirrored."""
    count = len(parameters.top)
    whole, start = np.full(count, size), np.zeros(count, np.int64)
    return dataclasses.replace(
        parameters, top=start, left=start, height=whole, width=whole, flip=np.zeros(count, bool)
    )


def _in_parts(images: Tensor, parameters: Parameters, size: int, *, apply: Apply) -> Tensor:
    """Apply by parts of the batch on a CPU, where large temporaries go back to the system."""
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
    """Return the views that ``parameters`` make of images.

    Args:
        images: uint8 (B, 3, H, W).
        parameters: Of B samples.
        size: Of the views, px.

    Returns:
        float32 (B, 3, size, size) in [0, 1].
    """
    sequence = _first_order(parameters)
    drawn = parameters.take(sequence)
    boxes = Boxes(drawn.top, drawn.left, drawn.height, drawn.width, drawn.flip)
    views = resample(_rows(images, sequence), boxes, size, gain=1 / 255)
    # Rounding leaves sums of weights a few 1e-7 above 1.
    return _photometric(views.clamp_(max=1), sequence, parameters, size=size)


def _apply_to_crops(crops: Tensor, parameters: Parameters, size: int) -> Tensor:
    sequence = _first_order(parameters)
    views = (
        _rows(crops, sequence)[:, :3]
        .to(torch.float32, memory_format=torch.contiguous_format)
        .div_(255)
    )
    return _photometric(views, sequence, parameters, size=size)


def _first_order(parameters: Parameters) -> np.ndarray:
    """Return int64 (B,): jittered samples by the step of their hue, then the others."""
    return np.argsort(np.where(parameters.jitter, hue_steps(parameters.order), 4), kind="stable")


def _photometric(
    views: Tensor, sequence: np.ndarray, parameters: Parameters, *, size: int
) -> Tensor:
    """Apply what follows the crop; returns the views in the order of ``parameters``.

    The batch is sorted twice on the way, so that the samples of an operation are one contiguous
    run, which is changed in place; a gather is cheap (the first one moves bytes), a scatter is not.
    The last gather restores the caller's order.

    Args:
        views: float32 (B, 3, size, size) in the order ``sequence``; overwritten.
        sequence: int64 (B,).
        parameters: Of B samples.
        size: Of the views, px.
    """
    jittered = sequence[: parameters.jitter.sum()]
    jitter_(views[: len(jittered)], parameters.order[jittered], parameters.factors[jittered])

    # Second order: grey only, grey and blurred, blurred only, neither: then the samples of either
    # operation are one run.
    grey, blurred = parameters.grey[sequence], parameters.blur[sequence]
    run = np.where(grey, np.where(blurred, 1, 0), np.where(blurred, 2, 3))
    second = np.argsort(run, kind="stable")
    starts = np.searchsorted(run[second], np.arange(4))
    views, sequence = _rows(views, second), sequence[second]
    if parameters.grey.any():
        greyed = views[: starts[2]]
        greyed.copy_(luma(greyed).expand_as(greyed))
    if parameters.blur.any():
        part = slice(starts[1], starts[3])
        sigma = parameters.sigma[sequence[part]]
        views[part] = gaussian_blur(views[part], sigma, kernel_size(size))

    views = _rows(views, np.argsort(sequence))
    if parameters.solarise.any():
        # Inverting what is at least 1/2 is the lesser of a value and its inverse.
        chosen = torch.from_numpy(parameters.solarise.nonzero()[0]).to(views.device)
        views[chosen] = torch.minimum(views[chosen], 1 - views[chosen])
    return views


def _rows(tensor: Tensor, rows: np.ndarray) -> Tensor:
    """Return all rows of a tensor in the order ``rows`` (int64), gathered into a new one.

    The tensor itself where they are in order already, as those of augmentations without colours.
    """
    if (rows[:-1] < rows[1:]).all():
        return tensor
    return tensor.index_select(0, torch.from_numpy(rows).to(tensor.device))
