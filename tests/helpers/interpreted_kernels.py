"""Kernels of `augment.triton_kernels` compared with the operations that they replace.

Triton's interpreter runs them: see test_triton_kernels. Whether it does is decided when a kernel is
defined, hence a separate process.
"""

import json

import numpy as np
import torch

from fourlenses.data.augment.augment import Augment, without_crop
from fourlenses.data.augment.augmentation import Augmentation
from fourlenses.data.augment.triton_kernels import fused_views
from tests.data.augment.test_augment import smooth_images

CASES = {
    "larger than the image, two blocks of pixels": (
        Augmentation(solarise=0.4, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4)),
        24,
        30,
        40,
    ),
    "much smaller, many taps": (
        Augmentation(jitter_probability=1.0, grey=0.5, blur=0.5, solarise=0.4),
        50,
        41,
        12,
    ),
    "crop and flip alone": (Augmentation(jitter=None, grey=0, blur=0), 20, 20, 20),
}


def largest_difference(recipe: Augmentation, height: int, width: int, size: int) -> float:
    images, ids = smooth_images(8, height, width), np.arange(8, dtype=np.uint64)
    make = Augment(recipe, size, seed=5)
    parameters = make.draw(height, width, ids, epoch=2, view=1)
    views = fused_views(images, parameters, size, mean=recipe.mean, std=recipe.std)
    return float((views - make(images, ids, epoch=2, view=1)).abs().max())


def difference_of_crops() -> float:
    """As the streaming input gives them: 4 channels, channels last, cut and mirrored already."""
    crops, ids = smooth_images(8, 16, 16), np.arange(8, dtype=np.uint64)
    with_x = torch.cat([crops, torch.full((8, 1, 16, 16), 9, dtype=torch.uint8)], 1).contiguous(
        memory_format=torch.channels_last
    )
    make = Augment(Augmentation(solarise=0.4), 16, seed=2)
    parameters = make.draw(24, 30, ids, epoch=4, view=1)
    views = fused_views(with_x, without_crop(parameters, 16), 16)
    return float((views - make.of_crops(with_x, parameters)).abs().max())


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(
        json.dumps(
            {name: largest_difference(*case) for name, case in CASES.items()}
            | {"crops": difference_of_crops()}
        )
    )
