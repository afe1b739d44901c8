"""The random parameters of views, drawn on the host from counters, so that they are the same on every device."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from fourlenses.core.randomness import named_seed, uniform
from fourlenses.data.augment.augmentation import Augmentation

CROP_ATTEMPTS = 10
BRIGHTNESS, CONTRAST, SATURATION, HUE = range(4)


@dataclass(frozen=True)
class Parameters:
    """What happens to each of B samples: numpy arrays of first dimension B.

    The crop box ``top, left, height, width`` is int64, in pixels of the source. ``order[b, k]`` (int64) is the operation, of
    BRIGHTNESS to HUE, at step k of the colour jitter; ``factors[b, operation]`` (float64) its factor, for hue its shift in turns.
    ``sigma`` (float64) is in pixels of the view. The rest are booleans: whether an operation is applied at all.
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
        """The parameters of some of the samples."""
        return type(self)(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def draw_parameters(
    recipe: Augmentation,
    height: int,
    width: int,
    seed: int,
    sample_ids: np.ndarray,
    epoch: int | np.ndarray,
    view: int,
) -> Parameters:
    """Parameters of one view of each sample (ids uint64 (B,)) whose image is of ``height`` by ``width`` pixels.

    Every quantity has columns of its own among a sample's draws, so that changing one setting leaves the others' draws alone.
    """
    draws = uniform(
        named_seed(seed, "views"),
        epoch,
        np.asarray(sample_ids, np.uint64),
        view,
        draws=2 * CROP_ATTEMPTS + 16,
    )
    area, ratio, draws = np.split(draws, [CROP_ATTEMPTS, 2 * CROP_ATTEMPTS], axis=1)
    top, left, box_height, box_width = _crop_boxes(
        recipe, height, width, area, ratio, draws[:, 0], draws[:, 1]
    )
    strengths = np.array(recipe.jitter or (0.0, 0.0, 0.0, 0.0))
    low, high = np.maximum(0, 1 - strengths), 1 + strengths
    low[HUE], high[HUE] = -strengths[HUE], strengths[HUE]
    return Parameters(
        top=top,
        left=left,
        height=box_height,
        width=box_width,
        flip=draws[:, 2] < recipe.flip,
        jitter=draws[:, 3] < (recipe.jitter_probability if recipe.jitter else 0.0),
        order=np.argsort(draws[:, 4:8], axis=1),
        factors=low + (high - low) * draws[:, 8:12],
        grey=draws[:, 12] < recipe.grey,
        blur=draws[:, 13] < recipe.blur,
        sigma=recipe.blur_sigma[0] + (recipe.blur_sigma[1] - recipe.blur_sigma[0]) * draws[:, 14],
        solarise=draws[:, 15] < recipe.solarise,
    )


def _crop_boxes(
    recipe: Augmentation,
    height: int,
    width: int,
    area: np.ndarray,
    ratio: np.ndarray,
    down: np.ndarray,
    right: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """int64 (B,) top, left, height, width as ``RandomResizedCrop.get_params`` draws them, from uniforms in [0, 1).

    ``area`` and ``ratio`` (B, attempts) hold all attempts at once and the first that fits is taken; where none does, the box is
    the largest central one within the bounds of the ratio. ``down`` and ``right`` (B,) place the box.
    """
    area = (
        height
        * width
        * (recipe.crop_scale[0] + (recipe.crop_scale[1] - recipe.crop_scale[0]) * area)
    )
    shortest, widest = np.log(recipe.crop_ratio)
    ratio = np.exp(shortest + (widest - shortest) * ratio)  # log-uniform
    widths = np.rint(np.sqrt(area * ratio)).astype(np.int64)
    heights = np.rint(np.sqrt(area / ratio)).astype(np.int64)
    fits = (widths > 0) & (widths <= width) & (heights > 0) & (heights <= height)
    first = fits.argmax(axis=1)[:, None]
    box_width = np.take_along_axis(widths, first, 1)[:, 0]
    box_height = np.take_along_axis(heights, first, 1)[:, 0]
    top = (down * (height - box_height + 1)).astype(np.int64)
    left = (right * (width - box_width + 1)).astype(np.int64)
    none = ~fits.any(axis=1)
    if none.any():
        # round() of Python and not floor, as in torchvision; at least a pixel, for an image that is extremely long.
        central_width = min(width, max(1, round(height * recipe.crop_ratio[1])))
        central_height = min(height, max(1, round(width / recipe.crop_ratio[0])))
        box_height[none], box_width[none] = central_height, central_width
        top[none], left[none] = (height - central_height) // 2, (width - central_width) // 2
    return top, left, box_height, box_width
