import itertools

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as reference

from fourlenses.data.augment.colour import blend, blend_maps, hue_steps, jitter_, luma, shift_hue
from fourlenses.data.augment.parameters import BRIGHTNESS, CONTRAST, HUE, SATURATION

ADJUST = {
    BRIGHTNESS: reference.adjust_brightness,
    CONTRAST: reference.adjust_contrast,
    SATURATION: reference.adjust_saturation,
    HUE: reference.adjust_hue,
}


def sample_images(count):
    """Noise with the corners of the colour cube (grey, ties among channels) in every image."""
    images = torch.rand(count, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    corners = torch.tensor(list(itertools.product([0.0, 0.5, 1.0], repeat=3))).T  # (3, 27)
    images.view(count, 3, 144)[:, :, :27] = corners
    return images


@pytest.mark.parametrize("operation", [BRIGHTNESS, CONTRAST, SATURATION])
def test_blends_equal_torchvision(operation):
    images = sample_images(30)
    factors = np.concatenate([[0.0, 1.0], np.random.default_rng(1).uniform(0, 2.5, 28)])
    ours = blend(images, *blend_maps(np.full(30, operation), factors))
    for row in range(30):
        torch.testing.assert_close(
            ours[row], ADJUST[operation](images[row], factors[row]), atol=1e-5, rtol=0
        )


def test_blends_of_different_operations_share_a_batch():
    images = sample_images(6)
    operations = np.array([BRIGHTNESS, CONTRAST, SATURATION, CONTRAST, BRIGHTNESS, SATURATION])
    factors = np.linspace(0.3, 1.7, 6)
    ours = blend(images, *blend_maps(operations, factors))
    theirs = torch.stack(
        [ADJUST[o](image, f) for image, o, f in zip(images, operations, factors, strict=True)]
    )
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


def test_hue_equals_torchvision():
    images = sample_images(40)
    turns = np.concatenate(
        [[-0.5, 0.5, 0.0, 1 / 3], np.random.default_rng(2).uniform(-0.5, 0.5, 36)]
    )
    ours = shift_hue(images, turns)
    for row in range(40):
        torch.testing.assert_close(
            ours[row], reference.adjust_hue(images[row], turns[row]), atol=2e-3, rtol=0
        )
    assert (ours[0] - images[0]).abs().max() > 0.5


def test_luma_equals_torchvision():
    images = sample_images(2)
    torch.testing.assert_close(luma(images), reference.rgb_to_grayscale(images), atol=1e-6, rtol=0)


def test_jitter_applies_each_samples_order():
    """All 24 orders, sorted by the step of the hue, against torchvision's separate operations."""
    order = np.array(list(itertools.permutations(range(4))))
    order = order[np.argsort(hue_steps(order), kind="stable")]
    rng = np.random.default_rng(3)
    factors = np.concatenate(
        [rng.uniform(0.2, 1.8, (24, 3)), rng.uniform(-0.2, 0.2, (24, 1))], axis=1
    )
    images = sample_images(24)
    expected = []
    for image, steps, values in zip(images, order, factors, strict=True):
        for operation in steps:
            image = ADJUST[operation](image, values[operation])
        expected.append(image)
    jitter_(images, order, factors)
    torch.testing.assert_close(images, torch.stack(expected), atol=2e-3, rtol=0)


def test_jitter_refuses_unsorted_samples():
    with pytest.raises(ValueError, match="sorted by the step"):
        jitter_(sample_images(2), np.array([[0, 1, 2, 3], [3, 0, 1, 2]]), np.ones((2, 4)))
