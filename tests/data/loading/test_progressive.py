"""Views that grow over the steps, of every kind of input that makes views."""

import numpy as np
import pytest
import torch

from fourlenses.data.augment.augment import Augment, Augmentation
from fourlenses.data.beton.writer import BetonWriter
from fourlenses.data.loading.inputs import choose_input
from fourlenses.data.loading.progressive import ProgressiveInput
from fourlenses.training.sampling import Stream
from tests.helpers.pictures import picture

CPU = torch.device("cpu")
WHOLE = [Augmentation(), Augmentation(size=16)]
STEPS = 11
SHARES = [0.5, 0.75, 1.0]  # of 11 steps: 0 to 3, 4 to 6, 7 to 10
PARTS = [[Augment(view.at_share(share, 24), 24, 1) for view in WHOLE] for share in SHARES]
PART_OF_STEP = [0] * 4 + [1] * 3 + [2] * 4


@pytest.fixture
def parts(tmp_path):
    writer = BetonWriter(tmp_path / "one.beton", 20)
    for row in range(20):
        pixels = np.asarray(picture(row, 32, 32))
        writer.add(pixels, width=32, height=32, label=row % 3, index=row)
    writer.close()
    return [(tmp_path / "one.beton", np.arange(20), "one")]


def batches(parts, kind, first_step=0):
    source = choose_input(kind, parts, stored_size=32, views=PARTS[-1], device=CPU, workers=1)
    growing = ProgressiveInput(source, PARTS, total_steps=STEPS, first_step=first_step)
    stream = Stream(len(growing.labels), 8, seed=0)
    return list(growing.batches(stream.batch(step) for step in range(first_step, STEPS)))


def test_sizes_grow_in_equal_parts_of_the_steps(parts):
    sizes = [[view.shape[-1] for view in views] for views in batches(parts, "resident")]
    assert sizes == [[[12, 8], [18, 12], [24, 16]][part] for part in PART_OF_STEP]


@pytest.mark.parametrize("kind", ["resident", "streaming"])
def test_a_small_view_is_of_the_crop_and_colours_of_the_whole_one(parts, kind):
    source = choose_input(kind, parts, stored_size=32, views=PARTS[0], device=CPU, workers=1)
    stream = Stream(20, 8, seed=0)
    small = list(source.batches(stream.batch(step) for step in range(STEPS)))
    for step, views in enumerate(batches(parts, kind)):
        if PART_OF_STEP[step] == 0:
            assert all(map(torch.equal, views, small[step]))


@pytest.mark.parametrize("kind", ["resident", "streaming"])
@pytest.mark.parametrize("first_step", [2, 4, 9])
def test_from_a_later_step_on_the_views_are_the_same(parts, kind, first_step):
    whole, rest = batches(parts, kind), batches(parts, kind, first_step)
    assert len(rest) == STEPS - first_step
    for views, again in zip(whole[first_step:], rest, strict=True):
        assert all(map(torch.equal, views, again))


def test_more_parts_than_steps_leave_some_out(parts):
    source = choose_input("resident", parts, stored_size=32, views=PARTS[0], device=CPU, workers=1)
    growing = ProgressiveInput(source, PARTS, total_steps=2)
    stream = Stream(20, 8, seed=0)
    sizes = [views[0].shape[-1] for views in growing.batches(map(stream.batch, range(2)))]
    assert sizes == [12, 24]
