import io

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from fourlenses.core.errors import UserError
from fourlenses.data.conversion.corruptions import corrupt, corrupt_to_store
from fourlenses.data.conversion.encode import encode
from fourlenses.study.corruptions import ALIASES, CORRUPTION_FAMILIES, CORRUPTIONS, changes_nothing
from tests.helpers.pictures import picture

# a smooth picture with texture on it, as a photograph has both
TEXTURE = np.random.default_rng(0).integers(-40, 41, (240, 320, 3))
PIXELS = (np.asarray(picture(3, 320, 240)) + TEXTURE).clip(0, 255).astype(np.uint8)
GREY = np.full((200, 200, 3), 100, np.uint8)


def psnr(one, other):
    return 10 * np.log10(255**2 / np.square(one.astype(float) - other).mean())


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_once_per_image(name):
    result = corrupt(name, PIXELS, 5)
    assert result.dtype == np.uint8
    if not changes_nothing(name, 240):
        assert not np.array_equal(result, PIXELS)
    assert np.array_equal(result, corrupt(name, PIXELS, 5))
    random = CORRUPTIONS[name][0] in ("salt_and_pepper", "noise")
    assert np.array_equal(result, corrupt(name, PIXELS, 6)) != random
    tiny = np.asarray(picture(1, 3, 1))
    assert corrupt(name, tiny, 1).shape == tiny.shape


@pytest.mark.parametrize("family", CORRUPTION_FAMILIES)
def test_higher_severities_are_worse(family):
    def quality(severity):
        result = Image.fromarray(corrupt(f"{family}_s{severity}", PIXELS, 5)).resize(
            (320, 240), Image.Resampling.BICUBIC
        )
        return np.inf if np.array_equal(result, PIXELS) else psnr(np.asarray(result), PIXELS)

    qualities = [quality(severity) for severity in range(1, 6)]
    assert qualities == sorted(qualities, reverse=True)
    assert len(set(qualities)) == 5


def test_the_names_of_the_figures_are_severities():
    assert {name: CORRUPTIONS[name] for name in ALIASES} == {
        "salt_and_pepper": ("salt_and_pepper", 0.01),
        "jpeg10": ("jpeg", 10),
        "resize256": ("resize", 256),
        "downsample2": ("downsample", 2),
        "downsample4": ("downsample", 4),
        "blur": ("blur", 3.0),
        "noise": ("noise", 0.18),
    }
    assert len(CORRUPTIONS) == len(ALIASES) + 5 * len(CORRUPTION_FAMILIES)


def test_salt_and_pepper_hits_one_value_in_a_hundred():
    results = [corrupt("salt_and_pepper", GREY, number) for number in range(5)]
    values = np.stack(results)
    assert set(np.unique(values)) == {0, 100, 255}
    assert abs((values != 100).mean() - 0.01) < 4 * np.sqrt(0.01 / values.size)
    salt, hits = (values == 255).sum(), (values != 100).sum()
    assert abs(salt / hits - 0.5) < 4 * np.sqrt(0.25 / hits)
    # each channel by itself, each image by itself
    assert ((results[0] != 100).sum(-1) == 1).mean() > 0
    assert not np.array_equal(results[0], results[1])
    # a higher severity keeps the hits of a lower one
    worse = corrupt("salt_and_pepper_s5", GREY, 0)
    assert (worse[results[0] != 100] != 100).all()
    assert abs((worse != 100).mean() - 0.17) < 4 * np.sqrt(0.17 / worse.size)


def test_jpeg_is_pillows():
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, "JPEG", quality=10)
    assert np.array_equal(corrupt("jpeg10", PIXELS, 0), np.asarray(Image.open(buffer)))


def test_jpeg_is_stored_as_the_jpeg_it_is():
    stored = corrupt_to_store("jpeg10", PIXELS, 0)
    assert isinstance(stored, bytes)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(stored))), corrupt("jpeg10", PIXELS, 0))
    assert len(stored) < PIXELS.nbytes / 15
    assert np.array_equal(corrupt_to_store("noise", PIXELS, 0), corrupt("noise", PIXELS, 0))


def test_downsampling_is_pillows_there_and_back():
    small = Image.fromarray(PIXELS).resize((80, 60), Image.Resampling.BILINEAR)
    assert np.array_equal(
        corrupt("downsample4", PIXELS, 0),
        np.asarray(small.resize((320, 240), Image.Resampling.BILINEAR)),
    )


def test_downsampling_removes_what_is_finer_than_the_factor():
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.ptp(corrupt("downsample4", stripes, 0).astype(int)) < 30
    flat = np.full((32, 32, 3), 77, np.uint8)
    assert np.array_equal(corrupt("downsample4", flat, 0), flat)


def test_what_is_stored_larger_is_resized_to_the_papers_side_first():
    large = np.asarray(picture(4, 600, 400))
    resized = corrupt("resize256", large, 0)
    assert resized.shape == (256, 384, 3)
    assert np.array_equal(corrupt("downsample2", large, 0), corrupt("downsample2", resized, 0))
    assert np.array_equal(corrupt("resize256", PIXELS, 0), PIXELS)
    assert changes_nothing("resize256", 256)
    assert not changes_nothing("resize256", 257)


@pytest.mark.parametrize("severity", range(1, 6))
def test_blur_is_a_gaussian(severity):
    sigma = CORRUPTION_FAMILIES["blur"].severities[severity - 1]
    reference = gaussian_filter(PIXELS.astype(float), (sigma, sigma, 0), mode="mirror", truncate=4)
    assert np.abs(corrupt(f"blur_s{severity}", PIXELS, 0) - reference).max() <= 0.51


def test_noise_is_normal_and_of_its_deviation():
    values = corrupt("noise_s1", GREY, 1).astype(float) - 100
    count = values.size
    assert abs(values.mean()) < 4 * 20.4 / np.sqrt(count)
    assert abs(values.std() - 0.08 * 255) < 4 * 20.4 / np.sqrt(2 * count)
    inside = (np.abs(values) < 20.4).mean()
    assert abs(inside - 0.6827) < 4 * np.sqrt(0.22 / count) + 0.01  # values are whole numbers
    channels = values.reshape(-1, 3)
    assert np.abs(np.corrcoef(channels.T)[np.triu_indices(3, 1)]).max() < 4 / np.sqrt(len(channels))


def test_a_corruption_is_not_compressed_again():
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, "JPEG", quality=90)
    clean, corrupted = (
        encode(buffer.getvalue(), 200, corruption=None, image_id=7),
        encode(buffer.getvalue(), 200, corruption="salt_and_pepper", image_id=7),
    )
    assert isinstance(clean.image, bytes)
    assert isinstance(corrupted.image, np.ndarray)
    assert isinstance(encode(buffer.getvalue(), 200, corruption="jpeg10", image_id=7).image, bytes)


def test_unknown_corruption():
    with pytest.raises(
        UserError, match=r"unknown corruption 'jpeg11' \(did you mean 'jpeg10'\?\); known: blur"
    ):
        corrupt("jpeg11", PIXELS, 0)
