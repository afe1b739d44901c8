import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms.v2 import functional as reference

from fourlenses.data.augment.resample import Boxes, resample


def random_boxes(rng, count, height, width):
    """Boxes of all kinds, among them single pixels, single rows and the whole image."""
    heights, widths = rng.integers(1, height + 1, count), rng.integers(1, width + 1, count)
    heights[0], widths[0] = 1, 1
    heights[1], widths[1] = height, width
    heights[2], widths[3] = 1, 1
    return (
        rng.integers(0, height - heights + 1),
        rng.integers(0, width - widths + 1),
        heights,
        widths,
    )


def check_against_torchvision(height, width, size, seed):
    rng = np.random.default_rng(seed)
    count = 40
    images = torch.from_numpy(rng.random((count, 3, height, width), np.float32))
    top, left, heights, widths = random_boxes(rng, count, height, width)
    flip = rng.random(count) < 0.5
    ours = resample(images, Boxes(top, left, heights, widths, flip), size)
    for row in range(count):
        box = [int(values[row]) for values in (top, left, heights, widths)]
        theirs = reference.resized_crop(images[row], *box, [size, size], antialias=True)
        theirs = theirs.flip(-1) if flip[row] else theirs
        torch.testing.assert_close(ours[row], theirs, atol=1e-4, rtol=0)


def test_equals_torchvision_when_shrinking():
    check_against_torchvision(96, 70, 24, seed=0)


def test_equals_torchvision_when_enlarging():
    check_against_torchvision(9, 20, 33, seed=1)


def test_equals_torchvision_at_the_images_own_size():
    check_against_torchvision(32, 32, 32, seed=2)


def test_uint8_images_with_a_gain_are_their_floats():
    images = torch.randint(
        0, 256, (4, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    some = Boxes(
        top=np.array([0, 1, 2, 3]),
        left=np.array([3, 2, 1, 0]),
        height=np.array([8, 9, 10, 13]),
        width=np.array([13, 5, 7, 16]),
        flip=np.array([True, False, True, False]),
    )
    ours, theirs = resample(images, some, 8, gain=1 / 255), resample(images / 255, some, 8)
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)


boxes = (
    st.integers(1, 40)
    .flatmap(lambda side: st.tuples(st.just(side), st.integers(0, side - 1)))
    .flatmap(
        lambda pair: st.tuples(
            st.just(pair[0]), st.just(pair[1]), st.integers(1, pair[0] - pair[1])
        )
    )
)


@settings(max_examples=60, deadline=None)
@given(
    rows=boxes,
    columns=boxes,
    size=st.integers(1, 48),
    flip=st.booleans(),
    value=st.floats(0, 1, width=32),
    seed=st.integers(0, 99),
)
def test_constants_stay_and_the_range_is_kept(rows, columns, size, flip, value, seed):
    (height, top, box_height), (width, left, box_width) = rows, columns
    box = Boxes(*(np.array([entry]) for entry in (top, left, box_height, box_width, flip)))
    constant = resample(torch.full((1, 3, height, width), value), box, size)
    assert (constant - value).abs().max() <= 1e-5
    noise = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))
    inside = noise[..., top : top + box_height, left : left + box_width]
    view = resample(noise, box, size)
    assert view.min() >= inside.min() - 1e-5
    assert view.max() <= inside.max() + 1e-5
