import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as reference

from fourlenses.data.augment.blur import TAP_BY_TAP_FROM, gaussian_blur, kernel_size


@pytest.mark.parametrize(
    ("kernel", "shape"),
    [(3, (24, 24)), (7, (24, 24)), (9, (24, 20)), (13, (128, 140)), (23, (150, 128))],
)
def test_equals_torchvision_per_sample(kernel, shape):
    images = torch.rand(12, 3, *shape, generator=torch.Generator().manual_seed(0))
    sigma = np.linspace(0.1, 2.0, 12)
    ours = gaussian_blur(images, sigma, kernel)
    for row in range(12):
        theirs = reference.gaussian_blur(images[row], [kernel, kernel], [float(sigma[row])] * 2)
        torch.testing.assert_close(ours[row], theirs, atol=1e-5, rtol=0)
    assert (ours[-1] - images[-1]).abs().max() > 0.1


def test_large_images_are_blurred_as_small_ones_are():
    images, sigma = (
        torch.rand(
            8, 3, TAP_BY_TAP_FROM, TAP_BY_TAP_FROM, generator=torch.Generator().manual_seed(0)
        ),
        np.linspace(0.1, 2.0, 8),
    )
    whole = gaussian_blur(images, sigma, 23)
    part = gaussian_blur(
        images[:, :, :60, :60].contiguous(), sigma, 23
    )  # by convolution, as it is small
    torch.testing.assert_close(whole[:, :, :48, :48], part[:, :, :48, :48], atol=2e-7, rtol=0)
    assert torch.equal(whole[3:5], gaussian_blur(images[3:5], sigma[3:5], 23))


def test_the_kernel_is_a_tenth_and_odd():
    assert [kernel_size(size) for size in (8, 32, 64, 96, 224)] == [3, 3, 7, 9, 23]
