import io

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fourlenses.data.augment.resample import Boxes, resample
from fourlenses.data.beton.reader import JPEG, RAW
from fourlenses.data.images.content import Undecodable
from fourlenses.data.images.scaling import central_square, picture_room, scale_into
from fourlenses.data.images.turbojpeg import JpegDecoder
from fourlenses.data.loading import crops as crops_module
from fourlenses.data.loading.compiled_crops import crops_function
from fourlenses.data.loading.crops import Cropper, Crops
from tests.helpers.pictures import jpeg_bytes, picture


def cut(data, mode, width, height, box, flip, size):
    """One crop of the central square as int64 (3, size, size)."""
    return cut_all(data, mode, width, height, boxes=[box], flips=[flip], sizes=[size])[0]


def cut_all(data, mode, width, height, *, boxes, flips, sizes, square=None, cropper=None):
    """Crops of an image as `cut` returns them.

    Its rooms are those of the second of three images; nothing else is written to.
    """
    rooms = [picture_room(size, 4, count=3).fill_(77) for size in sizes]
    square = square or min(width, height)
    crops = Crops(np.array([boxes] * 3), np.array([flips] * 3), rooms, size=square)
    (cropper or Cropper()).cut(data, mode=mode, width=width, height=height, crops=crops, row=1)
    assert all((room[[0, 2]] == 77).all() for room in rooms)
    return [room[1, :3].long() for room in rooms]


@pytest.fixture
def by_torch(monkeypatch):
    """A function that cuts as where there is no compiler."""

    def cut_by_torch(*args, **keywords):
        with monkeypatch.context() as patch:
            patch.setattr(crops_module, "crops_function", lambda: None)
            return cut_all(*args, **keywords)

    return cut_by_torch


@pytest.mark.parametrize("sizes", [(224, 224), (224, 96), (33, 1), (7, 8)])
@pytest.mark.parametrize(
    ("width", "height", "square"),
    [(341, 256, 256), (375, 500, 375), (100, 130, 100), (61, 60, 45), (40, 90, 64), (5, 3, 3)],
)
def test_compiled_crops_are_torchs_to_the_last_bit(by_torch, width, height, square, sizes):
    """At every corner of the picture, mirrored or not, shrunk and enlarged, down to a pixel."""
    assert crops_function() is not None
    rng = np.random.default_rng(width)
    pixels = rng.integers(0, 256, (height, width, 3)).astype(np.uint8).tobytes()
    boxes = [[0, 0, square, square], [square - 1, square - 1, 1, 1], [0, square - 1, square, 1]]
    for _ in range(15):
        lengths = rng.integers(1, square + 1, 2)
        boxes.append([*rng.integers(0, square - lengths + 1), *lengths])
    for first, second in zip(boxes, boxes[::-1], strict=True):
        asked = {"boxes": [first, second], "flips": rng.random(2) < 0.5, "sizes": sizes}
        asked["square"] = square
        ours = cut_all(pixels, RAW, width, height, **asked)
        theirs = by_torch(pixels, RAW, width, height, **asked)
        assert all(torch.equal(*both) for both in zip(ours, theirs, strict=True))


def test_boxes_beyond_the_square_are_refused():
    for box in ([0, 0, 11, 1], [-1, 0, 3, 3], [4, 4, 0, 4], [3, 9, 2, 2]):
        with pytest.raises(ValueError, match="not within a square of 10 px"):
            Crops(np.array([[box]]), np.array([[False]]), [picture_room(8, 4)], size=10)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_crops_are_the_resident_paths_within_a_level(data):
    """Noise, black-and-white noise and flat pictures, shrunk and enlarged.

    Boxes are of any shape, among them single pixels.
    """
    side, size = (data.draw(st.integers(1, limit)) for limit in (140, 80))
    box_height, box_width = data.draw(st.integers(1, side)), data.draw(st.integers(1, side))
    top, left = (
        data.draw(st.integers(0, side - box_height)),
        data.draw(st.integers(0, side - box_width)),
    )
    flip, kind, seed = (
        data.draw(st.booleans()),
        data.draw(st.sampled_from(["noise", "black and white", "flat"])),
        data.draw(st.integers(0, 99)),
    )
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3)).astype(np.uint8)
    pixels = {
        "noise": pixels,
        "black and white": pixels // 128 * 255,
        "flat": np.full_like(pixels, 200),
    }[kind]
    ours = cut(pixels.tobytes(), RAW, side, side, [top, left, box_height, box_width], flip, size)
    box = Boxes(*(np.array([value]) for value in (top, left, box_height, box_width, flip)))
    expected = resample(torch.from_numpy(pixels).permute(2, 0, 1)[None], box, size)[0]
    assert (ours - expected.round()).abs().max() <= 1
    if ours.numel() >= 300:  # of few values the mean is any
        assert (ours - expected).abs().mean() <= 0.5
    if kind == "flat":
        assert (ours == 200).all()


VARIANTS = [
    {},
    {"subsampling": 0},
    {"subsampling": 1},
    {"progressive": True},
    {"quality": 30, "restart_marker_blocks": 2},
]


@pytest.mark.parametrize("options", VARIANTS, ids=str)
@pytest.mark.parametrize(("width", "height"), [(40, 36), (37, 61), (1, 1)])
def test_jpegs_decode_to_pillows_pixels(options, width, height):
    """Not within a tolerance: equal. A stream and a resident run then see the same image."""
    data = jpeg_bytes(5, width, height, **options)
    pixels = np.zeros((height, width, 4), np.uint8)
    assert JpegDecoder().decode(data, pixels)
    assert np.array_equal(pixels[..., :3], np.asarray(Image.open(io.BytesIO(data))))


def test_a_grey_jpeg_becomes_rgb():
    buffer = io.BytesIO()
    picture(2).convert("L").save(buffer, "JPEG")
    whole = cut(buffer.getvalue(), JPEG, 40, 36, [0, 0, 36, 36], False, 36)
    expected = np.asarray(Image.open(buffer))[:, 2:38]
    assert all(np.array_equal(channel, expected) for channel in whole.numpy())


def test_a_jpeg_that_only_pillow_takes_goes_through_it():
    """Stray bytes before its end: TurboJPEG calls that corrupt, libjpeg's other users do not."""
    data = jpeg_bytes(3)
    odd = data[:-2] + bytes(40) + data[-2:]
    assert not JpegDecoder().decode(odd, np.zeros((36, 40, 4), np.uint8))
    assert torch.equal(*(cut(one, JPEG, 40, 36, [0, 0, 30, 36], True, 30) for one in (data, odd)))


@pytest.mark.parametrize(
    ("data", "mode", "reason"),
    [
        (jpeg_bytes(1)[:300], JPEG, "(?i)truncated"),
        (bytes(500), JPEG, "no picture of a known kind"),
        (jpeg_bytes(1, 80, 72), JPEG, r"40x36 px announced, but it has \(72, 80, 3\)"),
        (bytes(50), RAW, "40x36 px announced"),
    ],
)
def test_what_is_no_such_image_is_an_error(data, mode, reason):
    with pytest.raises(Undecodable, match=reason):
        cut(data, mode, 40, 36, [0, 0, 36, 36], False, 36)


def test_crops_of_one_image_after_another_do_not_mix():
    cutter, pictures = (
        Cropper(),
        [np.asarray(picture(seed, 20 + 9 * seed, 60 - 8 * seed)) for seed in range(5)],
    )
    for pixels in [*pictures, *pictures[::-1]]:
        height, width = pixels.shape[:2]
        side = min(height, width)
        crops = cut_all(
            pixels.tobytes(),
            RAW,
            width,
            height,
            boxes=[[0, 0, side, side], [0, 1, side, side - 1]],
            flips=[False, True],
            sizes=[side, side],
            cropper=cutter,
        )
        first, second = (crop.permute(1, 2, 0).numpy() for crop in crops)
        square = Image.fromarray(pixels[central_square(width, height)])
        assert np.array_equal(first, square)
        right = square.crop((1, 0, side, side)).resize((side, side), Image.Resampling.BILINEAR)
        assert np.abs(second[:, ::-1] - right).max() <= 1


@settings(deadline=None)
@given(
    st.integers(1, 150),
    st.integers(1, 150),
    st.integers(1, 100),
    st.integers(3, 4),
    st.integers(0, 99),
)
def test_scaling_is_exact_within_a_level_as_pillows_is(width, height, size, channels, seed):
    """Both round twice, each in its way: a value in twenty million differs by two levels."""
    pixels = (
        np.random.default_rng(seed).integers(0, 256, (height, width, channels)).astype(np.uint8)
    )
    ours = picture_room(size, channels)
    scale_into(pixels, ours)
    theirs = Image.frombuffer("RGB" if channels == 3 else "RGBX", (width, height), pixels).resize(
        (size, size), Image.Resampling.BILINEAR
    )
    planes = torch.from_numpy(pixels).permute(2, 0, 1)[None].double()
    exact = F.interpolate(planes, (size, size), mode="bilinear", antialias=True)[0]
    levels, exact = ours[0].permute(1, 2, 0).numpy(), exact.permute(1, 2, 0).numpy()
    assert np.abs(levels - exact).max() < 1.1
    assert np.abs(np.asarray(theirs) - exact).max() < 1.1
