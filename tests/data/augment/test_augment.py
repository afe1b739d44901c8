import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as reference

from fourlenses.data.augment import augment as module
from fourlenses.data.augment.augment import Augment, Augmentation
from fourlenses.data.augment.blur import kernel_size
from fourlenses.data.augment.parameters import (
    BRIGHTNESS,
    CONTRAST,
    HUE,
    SATURATION,
    draw_parameters,
)

ADJUST = {
    BRIGHTNESS: reference.adjust_brightness,
    CONTRAST: reference.adjust_contrast,
    SATURATION: reference.adjust_saturation,
    HUE: reference.adjust_hue,
}
RECIPE = Augmentation(solarise=0.3)


@pytest.fixture(params=["compiled", "by torch"], autouse=True)
def way(request, monkeypatch):
    """Both ways in which a CPU makes views."""
    if request.param == "by torch":
        monkeypatch.setattr(module, "views_function", lambda: None)
    else:
        assert module.views_function() is not None


def smooth_images(count, height=24, width=30):
    coarse = torch.rand(count, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    images = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")
    return (images * 255).to(torch.uint8)


def one_by_one(image, p, row, size):
    """One sample's view by torchvision's functions, in the order of the recipe."""
    box = [int(values[row]) for values in (p.top, p.left, p.height, p.width)]
    view = reference.resized_crop(image.float() / 255, *box, [size, size], antialias=True)
    view = view.flip(-1) if p.flip[row] else view
    if p.jitter[row]:
        for operation in p.order[row]:
            view = ADJUST[operation](view, p.factors[row, operation])
    view = reference.rgb_to_grayscale(view, 3) if p.grey[row] else view
    view = (
        reference.gaussian_blur(view, [kernel_size(size)] * 2, [float(p.sigma[row])] * 2)
        if p.blur[row]
        else view
    )
    return reference.solarize(view, 0.5) if p.solarise[row] else view


@pytest.mark.parametrize(
    "recipe",
    [
        RECIPE,
        Augmentation(jitter=None),
        Augmentation(jitter_probability=1.0, grey=1.0, blur=1.0),
        Augmentation(blur=0, grey=0),
    ],
)
def test_every_view_equals_torchvisions_functions(recipe):
    images, ids = smooth_images(64), np.arange(100, 164, dtype=np.uint64)
    views = Augment(recipe, 32, seed=5)(images, ids, epoch=2, view=1)
    parameters = draw_parameters(recipe, 24, 30, seed=5, sample_ids=ids, epoch=2, view=1)
    expected = torch.stack(
        [one_by_one(image, parameters, row, 32) for row, image in enumerate(images)]
    )
    difference = (views - expected).abs().amax((1, 2, 3))
    assert views.dtype == torch.float32
    assert views.shape == (64, 3, 32, 32)
    assert difference.max() <= 2e-3
    assert views.min() >= 0
    assert views.max() <= 1


def test_a_samples_view_is_the_same_in_any_batch(monkeypatch):
    images, ids = smooth_images(40), np.arange(40, dtype=np.uint64) * 7
    make = Augment(RECIPE, 24, seed=1)
    together = make(images, ids, epoch=0, view=0)
    shuffled = np.random.default_rng(0).permutation(40)
    torch.testing.assert_close(
        make(images[shuffled], ids[shuffled], epoch=0, view=0),
        together[shuffled],
        atol=2e-6,
        rtol=0,
    )
    torch.testing.assert_close(
        make(images[3:4], ids[3:4], epoch=0, view=0), together[3:4], atol=2e-6, rtol=0
    )
    monkeypatch.setattr(module, "CPU_PART", 3 * 30 * 30 * 7)  # parts of 6 or 7 images
    torch.testing.assert_close(make(images, ids, epoch=0, view=0), together, atol=2e-6, rtol=0)


def test_epoch_view_and_seed_each_change_the_view():
    images, ids = smooth_images(16), np.arange(16, dtype=np.uint64)
    base = Augment(RECIPE, 24, 1)(images, ids, epoch=0, view=0)
    assert torch.equal(base, Augment(RECIPE, 24, 1)(images, ids, epoch=0, view=0))
    for other in (
        Augment(RECIPE, 24, 1)(images, ids, epoch=1, view=0),
        Augment(RECIPE, 24, 1)(images, ids, epoch=0, view=1),
        Augment(RECIPE, 24, 2)(images, ids, epoch=0, view=0),
    ):
        assert ((other - base).abs().amax((1, 2, 3)) > 0.02).all()


def test_mean_and_std_come_last():
    images, ids = smooth_images(8), np.arange(8, dtype=np.uint64)
    plain = Augment(Augmentation(), 24, 1)(images, ids, epoch=0, view=0)
    scaled = Augment(Augmentation(mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 2.0)), 24, 1)(
        images, ids, epoch=0, view=0
    )
    torch.testing.assert_close(
        scaled, reference.normalize(plain, [0.1, 0.2, 0.3], [0.5, 0.25, 2.0])
    )


def test_a_recipe_of_nothing_is_the_image():
    still = Augmentation(crop_scale=(1, 1), crop_ratio=(1, 1), flip=0, jitter=None, grey=0, blur=0)
    images = smooth_images(4, 32, 32)
    torch.testing.assert_close(
        Augment(still, 32, 0)(images, np.arange(4, dtype=np.uint64), epoch=0, view=0),
        images / 255,
        atol=1e-6,
        rtol=0,
    )


def test_autocast_does_not_reach_the_views():
    images, ids = smooth_images(8), np.arange(8, dtype=np.uint64)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = Augment(RECIPE, 24, 1)(images, ids, epoch=0, view=0)
    assert torch.equal(inside, Augment(RECIPE, 24, 1)(images, ids, epoch=0, view=0))


@pytest.mark.parametrize("part", [2**19, 3 * 32 * 32 * 5])
def test_crops_made_elsewhere_get_the_rest_of_the_recipe(monkeypatch, part):
    """The photometric half alone must agree where the crop is the whole image.

    A fourth channel changes nothing.
    """
    monkeypatch.setattr(module, "CPU_PART", part)
    recipe = Augmentation(
        crop_scale=(1, 1),
        crop_ratio=(1, 1),
        flip=0,
        solarise=0.3,
        mean=(0.4, 0.5, 0.6),
        std=(0.2, 0.3, 0.4),
    )
    images, ids = smooth_images(33, 32, 32), np.arange(33, dtype=np.uint64)
    make = Augment(recipe, 32, seed=2)
    parameters = make.draw(32, 32, ids, epoch=4, view=1)
    with_x = torch.cat([images, torch.full((33, 1, 32, 32), 9, dtype=torch.uint8)], 1).contiguous(
        memory_format=torch.channels_last
    )
    for crops in (images, with_x):
        views = make.of_crops(crops, parameters)
        assert views.is_contiguous()
        torch.testing.assert_close(views, make(images, ids, epoch=4, view=1), atol=2e-5, rtol=0)
    for wrong in (images.float(), images[:, :2], images[..., 1:]):
        with pytest.raises(ValueError, match="crops are uint8"):
            make.of_crops(wrong, parameters)


def test_wrong_inputs_are_refused():
    make = Augment(RECIPE, 24, 1)
    for images, count in (
        (smooth_images(2).float(), 2),
        (smooth_images(2)[:, :1], 2),
        (smooth_images(2), 3),
    ):
        with pytest.raises(ValueError, match="uint8 images"):
            make(images, np.arange(count, dtype=np.uint64), epoch=0, view=0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_makes_the_same_views():
    images, ids = smooth_images(64), np.arange(64, dtype=np.uint64)
    make = Augment(RECIPE, 32, seed=5)
    torch.testing.assert_close(
        make(images.cuda(), ids, epoch=2, view=1).cpu(),
        make(images, ids, epoch=2, view=1),
        atol=1e-4,
        rtol=0,
    )
