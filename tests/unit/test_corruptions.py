import numpy as np
import pytest
from tests.pictures import picture

from fourlenses.data.corruptions import CORRUPTIONS, corrupt
from fourlenses.errors import UserError

PIXELS = np.asarray(picture(3, 64, 48))


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_once_per_image(name):
    result = corrupt(name, PIXELS, 5)
    assert result.shape == PIXELS.shape
    assert result.dtype == np.uint8
    assert not np.array_equal(result, PIXELS)
    assert np.array_equal(result, corrupt(name, PIXELS, 5))


def test_salt_and_pepper_hits_one_value_in_a_hundred():
    grey = np.full((200, 200, 3), 100, np.uint8)
    results = [corrupt("salt_and_pepper", grey, number) for number in range(5)]
    values = np.stack(results)
    assert set(np.unique(values)) == {0, 100, 255}
    assert abs((values != 100).mean() - 0.01) < 4 * np.sqrt(0.01 / values.size)
    salt, hits = (values == 255).sum(), (values != 100).sum()
    assert abs(salt / hits - 0.5) < 4 * np.sqrt(0.25 / hits)
    # each channel by itself, each image by itself
    assert ((results[0] != 100).sum(-1) == 1).mean() > 0
    assert not np.array_equal(results[0], results[1])


def test_downsampling_removes_what_is_finer_than_the_factor():
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.ptp(corrupt("downsample4", stripes, 0).astype(int)) < 30
    flat = np.full((32, 32, 3), 77, np.uint8)
    assert np.array_equal(corrupt("downsample4", flat, 0), flat)


def test_unknown_corruption():
    with pytest.raises(UserError, match=r"unknown corruption 'jpeg11' \(did you mean 'jpeg10'\?\); known: downsample2"):
        corrupt("jpeg11", PIXELS, 0)
