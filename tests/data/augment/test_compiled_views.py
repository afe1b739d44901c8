"""Compiled views are those of torch's operations, and the same bits however they are made."""

import ctypes
import logging
import subprocess

import numpy as np
import pytest
import torch

from fourlenses.core.machine import compiled_code
from fourlenses.core.machine.compiled_code import FLAGS, find_compiler
from fourlenses.data.augment import augment as augment_module
from fourlenses.data.augment.augment import Augment, Augmentation
from fourlenses.data.augment.compiled_views import SOURCE, views_function
from tests.data.augment.test_augment import smooth_images

EVERYTHING = Augmentation(
    jitter_probability=0.9,
    grey=0.3,
    solarise=0.3,
    mean=(0.4, 0.5, 0.6),
    std=(0.9, 0.8, 1.0),
)
HALF_A_THOUSANDTH_OF_A_GREY_LEVEL = 2e-6
# of blends that multiply rounding by up to 1.8 each, and hues of pixels that are almost grey
CLOSE = 8 * HALF_A_THOUSANDTH_OF_A_GREY_LEVEL


def noise(count, height, width):
    """uint8, with greys, black and white among the pixels."""
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (count, 3, height, width), generator=generator)
    images[:, :, : height // 3] = images[:, :1, : height // 3]
    images[:, :, :, : width // 4] = images[:, :, :, : width // 4] // 128 * 255
    return images.to(torch.uint8)


@pytest.fixture
def by_torch(monkeypatch):
    """A function that makes views by torch's operations."""

    def views(make):
        with monkeypatch.context() as patch:
            patch.setattr(augment_module, "views_function", lambda: None)
            return make()

    return views


@pytest.mark.parametrize(
    ("height", "width", "size"),
    [(32, 32, 32), (24, 30, 33), (96, 70, 24), (9, 20, 65), (7, 5, 8), (150, 210, 131)],
)
@pytest.mark.parametrize("draw", [smooth_images, noise])
def test_compiled_views_are_those_of_torch(by_torch, height, width, size, draw):
    images, ids = draw(40, height, width), np.arange(40, dtype=np.uint64)
    for recipe in (EVERYTHING, Augmentation(), Augmentation(jitter=None, grey=0, blur=0)):
        make = Augment(recipe, size, seed=3)
        views = make(images, ids, epoch=1, view=0)
        theirs = by_torch(lambda make=make: make(images, ids, epoch=1, view=0))
        assert views.shape == theirs.shape
        assert views.is_contiguous()
        assert 0 < (views - theirs).abs().max() < CLOSE
        assert (views - theirs).abs().mean() < HALF_A_THOUSANDTH_OF_A_GREY_LEVEL


def test_compiled_crops_are_those_of_torch(by_torch):
    make = Augment(EVERYTHING, 45, seed=3)
    parameters = make.draw(45, 45, np.arange(30, dtype=np.uint64), epoch=0, view=1)
    crops = torch.cat([noise(30, 45, 45), torch.full((30, 1, 45, 45), 7)], 1).to(torch.uint8)
    for layout in (torch.contiguous_format, torch.channels_last):
        stored = crops.contiguous(memory_format=layout)
        views = make.of_crops(stored, parameters)
        theirs = by_torch(lambda stored=stored: make.of_crops(stored, parameters))
        assert (views - theirs).abs().max() < CLOSE


def test_a_view_has_the_same_bits_in_any_batch_and_on_any_number_of_threads():
    images, ids = noise(23, 40, 50), np.arange(23, dtype=np.uint64)
    make = Augment(EVERYTHING, 33, seed=3)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        together = make(images, ids, epoch=0, view=0)
        torch.set_num_threads(3)
        assert torch.equal(make(images, ids, epoch=0, view=0), together)
    finally:
        torch.set_num_threads(before)
    rows = np.random.default_rng(0).permutation(23)[:9]
    some = images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)[rows]  # channels last
    assert torch.equal(make(some, ids[rows], epoch=0, view=0), together[rows])


def test_every_processor_gives_the_same_bits(tmp_path, monkeypatch):
    """Here: what any x86 processor can run, and the clone that this one takes."""
    plain = tmp_path / "plain.c"
    source = SOURCE.read_text()
    assert source.count("\nFOR_EACH_PROCESSOR int") == 1
    plain.write_text(source.replace("\nFOR_EACH_PROCESSOR int", "\nint"))
    command = [*find_compiler(), *FLAGS, "-o", tmp_path / "plain.so", plain, "-lm"]
    subprocess.run(command, check=True)
    function = ctypes.CDLL(str(tmp_path / "plain.so")).fourlenses_views
    function.argtypes = views_function().argtypes
    images, ids = noise(23, 40, 50), np.arange(23, dtype=np.uint64)
    make = Augment(EVERYTHING, 64, seed=3)
    views = make(images, ids, epoch=0, view=0)
    monkeypatch.setattr(augment_module, "views_function", lambda: function)
    assert torch.equal(make(images, ids, epoch=0, view=0), views)


def test_boxes_of_other_images_are_refused():
    make = Augment(Augmentation(), 16, seed=0)
    parameters = make.draw(64, 64, np.arange(8, dtype=np.uint64), epoch=0, view=0)
    with pytest.raises(ValueError, match="not for images of 20x20 px"):
        make.of_images(smooth_images(8, 20, 20), parameters)


@pytest.fixture
def no_compiler(monkeypatch, tmp_path):
    """Nothing is compiled yet, and nothing can be."""
    monkeypatch.setattr(compiled_code, "_folders", lambda: iter([tmp_path / "cache"]))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    views_function.cache_clear()
    yield
    views_function.cache_clear()


def test_without_a_compiler_views_are_torchs(no_compiler, caplog, by_torch):
    images, ids = smooth_images(8), np.arange(8, dtype=np.uint64)
    make = Augment(EVERYTHING, 24, 1)
    with caplog.at_level(logging.WARNING):
        views = make(images, ids, epoch=0, view=0)
    assert torch.equal(views, by_torch(lambda: make(images, ids, epoch=0, view=0)))
    assert "views are made without compiled code, which is slower" in caplog.text
