"""Squares of stored images: scaled as PIL, torchvision and timm scale them."""

import numpy as np
import pytest
import timm.data
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as transforms

from fourlenses.data.beton.reader import RAW, Stored
from fourlenses.data.loading.resident import square
from fourlenses.study.preprocessing import BICUBIC, BILINEAR, INTERPOLATIONS


@pytest.fixture(scope="module")
def pixels():
    """A picture of 96 px with smooth parts and edges."""
    generator = np.random.default_rng(0)
    coarse = Image.fromarray(generator.integers(0, 256, (12, 12, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((96, 96), Image.Resampling.BICUBIC)).copy()
    smooth[20:40, 30:70] = 255
    return smooth


def stored(pixels):
    height, width, _ = pixels.shape
    return Stored(mode=RAW, width=width, height=height, data=pixels)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("size", [64, 131])  # made smaller, and larger
def test_a_square_is_scaled_as_torchvision_does(pixels, interpolation, size):
    mode = InterpolationMode(interpolation)
    made = square(stored(pixels), size, interpolation)
    picture = transforms.resize(Image.fromarray(pixels), [size, size], mode)
    assert np.array_equal(made, np.asarray(picture))
    tensor = torch.from_numpy(pixels).permute(2, 0, 1)
    of_tensor = transforms.resize(tensor, [size, size], mode, antialias=True)
    # of 255: each rounds on its way from columns to rows
    assert np.abs(made - of_tensor.permute(1, 2, 0).numpy().astype(int)).max() <= 2


def test_bilinear_unless_said(pixels):
    made = {name: square(stored(pixels), 64, name) for name in INTERPOLATIONS}
    assert np.array_equal(square(stored(pixels), 64), made[BILINEAR])
    assert np.abs(made[BILINEAR].astype(int) - made[BICUBIC]).max() > 10


def test_the_centre_of_an_image_is_that_of_timms_own_transform(pixels):
    config = timm.data.resolve_data_config({"input_size": (3, 56, 56), "interpolation": "bicubic"})
    picture = Image.fromarray(pixels)
    theirs = timm.data.create_transform(**config, normalize=False)(picture)  # 64 px, then 56
    made = square(stored(pixels), 64, BICUBIC)[4:60, 4:60]
    assert np.array_equal(made, theirs.permute(1, 2, 0).numpy())
