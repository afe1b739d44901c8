"""Random parameters of views, drawn on the host from counters: the same on every device."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from fourlenses.core.randomness import named_seed, uniform
from fourlenses.data.augment.augmentation import Augmentation

CROP_ATTEMPTS = 10
BRIGHTNESS, CONTRAST, SATURATION, HUE = range(4)


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """Parameters of each of B samples: numpy arrays of first dimension B.

    The other attributes are booleans: whether an operation is applied at all.

    Attributes:
        top, left, height, width: int64, the crop box in pixels of the source.
        order: int64 (B, 4), the operation (BRIGHTNESS to HUE) at each step of the colour jitter.
        factors: float64 (B, 4), by operation; for hue the shift in turns.
        sigma: float64, of the blur, in pixels of the view.
    """

    top: np.ndarray
    left: np.ndarray
    height: np.ndarray
    width: np.ndarray
    flip: np.ndarray
    jitter: np.ndarray
    order: np.ndarray
    factors: np.ndarray
    grey: np.ndarray
    blur: np.ndarray
    sigma: np.ndarray
    solarise: np.ndarray

    def take(self, rows: slice | np.ndarray) -> Self:
        """Return the parameters of some of the samples."""
        return type(self)(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def draw_parameters(
    augmentation: Augmentation,
    height: int,
    width: int,
    *,
    seed: int,
    sample_ids: np.ndarray,
    epoch: int | np.ndarray,
    view: int,
) -> Parameters:
    """Return the parameters of one view of each sample.

    Every quantity has separate columns among a sample's draws, so a change of one setting leaves
    the other draws alone.

    Args:
        augmentation: The random operations.
        height: Of the images, px.
        width: Of the images, px.
        seed: Of the draws.
        sample_ids: uint64 (B,).
        epoch: A number or int64 (B,).
        view: Number of the view.
    """
    draws = uniform(
        named_seed(seed, "views"),
        epoch,
        np.asarray(sample_ids, np.uint64),
        view,
        draws=2 * CROP_ATTEMPTS + 16,
    )
    area, ratio, draws = np.split(draws, [CROP_ATTEMPTS, 2 * CROP_ATTEMPTS], axis=1)
    boxes = _crop_boxes(augmentation, height, width, area=area, ratio=ratio, corner=draws[:, :2])
    top, left, box_height, box_width = boxes
    strengths = np.array(augmentation.jitter or (0.0, 0.0, 0.0, 0.0))
    least_sigma, largest_sigma = augmentation.blur_sigma
    low, high = np.maximum(0, 1 - strengths), 1 + strengths
    low[HUE], high[HUE] = -strengths[HUE], strengths[HUE]
    return Parameters(
        top=top,
        left=left,
        height=box_height,
        width=box_width,
        flip=draws[:, 2] < augmentation.flip,
        jitter=draws[:, 3] < (augmentation.jitter_probability if augmentation.jitter else 0.0),
        order=np.argsort(draws[:, 4:8], axis=1),
        factors=low + (high - low) * draws[:, 8:12],
        grey=draws[:, 12] < augmentation.grey,
        blur=draws[:, 13] < augmentation.blur,
        sigma=least_sigma + (largest_sigma - least_sigma) * draws[:, 14],
        solarise=draws[:, 15] < augmentation.solarise,
    )


def _crop_boxes(
    augmentation: Augmentation,
    height: int,
    width: int,
    *,
    area: np.ndarray,
    ratio: np.ndarray,
    corner: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return int64 (B,) top, left, height and width of boxes, from uniforms in [0, 1).

    As torchvision's ``RandomResizedCrop.get_params`` draws them. The first attempt that fits is
    taken; where none does, the box is the largest central one within the bounds of the ratio.

    Args:
        augmentation: With the bounds of area and ratio.
        height: Of the images, px.
        width: Of the images, px.
        area: Uniforms (B, attempts).
        ratio: Uniforms (B, attempts).
        corner: Uniforms (B, 2), that place the box from the top and from the left.
    """
    least, largest = augmentation.crop_scale
    area = height * width * (least + (largest - least) * area)
    shortest, widest = np.log(augmentation.crop_ratio)
    ratio = np.exp(shortest + (widest - shortest) * ratio)  # log-uniform
    widths = np.rint(np.sqrt(area * ratio)).astype(np.int64)
    heights = np.rint(np.sqrt(area / ratio)).astype(np.int64)
    fits = (widths > 0) & (widths <= width) & (heights > 0) & (heights <= height)
    first = fits.argmax(axis=1)[:, None]
    box_width = np.take_along_axis(widths, first, 1)[:, 0]
    box_height = np.take_along_axis(heights, first, 1)[:, 0]
    top = (corner[:, 0] * (height - box_height + 1)).astype(np.int64)
    left = (corner[:, 1] * (width - box_width + 1)).astype(np.int64)
    none = ~fits.any(axis=1)
    if none.any():
        # round() of Python and not floor, as in torchvision; at least a pixel, for an image that is
        # extremely long.
        central_width = min(width, max(1, round(height * augmentation.crop_ratio[1])))
        central_height = min(height, max(1, round(width / augmentation.crop_ratio[0])))
        box_height[none], box_width[none] = central_height, central_width
        top[none], left[none] = (height - central_height) // 2, (width - central_width) // 2
    return top, left, box_height, box_width
