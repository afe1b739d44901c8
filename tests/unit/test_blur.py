import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as reference

from fourlenses.data.blur import gaussian_blur, kernel_size


@pytest.mark.parametrize("kernel", [3, 7, 9])
def test_equals_torchvision_per_sample(kernel):
    images = torch.rand(12, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    sigma = np.linspace(0.1, 2.0, 12)
    ours = gaussian_blur(images, sigma, kernel)
    for row in range(12):
        theirs = reference.gaussian_blur(images[row], [kernel, kernel], [float(sigma[row])] * 2)
        torch.testing.assert_close(ours[row], theirs, atol=1e-5, rtol=0)
    assert (ours[-1] - images[-1]).abs().max() > 0.1


def test_the_kernel_is_a_tenth_and_odd():
    assert [kernel_size(size) for size in (8, 32, 64, 96, 224)] == [3, 3, 7, 9, 23]
