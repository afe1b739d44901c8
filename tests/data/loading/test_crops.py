import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fourlenses.data.augment.resample import Boxes, resample
from fourlenses.data.beton.reader import JPEG, RAW
from fourlenses.data.images.content import Undecodable
from fourlenses.data.images.scaling import central_square, picture_room, scale_into
from fourlenses.data.images.turbojpeg import JpegDecoder
from fourlenses.data.loading.crops import Cropper
from tests.helpers.pictures import jpeg_bytes, picture


def cut(data, mode, width, height, box, flip, size):
    """One crop of the central square as int64 (3, size, size)."""
    output = picture_room(size, 4)
    Cropper().cut(
        data,
        mode=mode,
        width=width,
        height=height,
        size=min(width, height),
        boxes=[box],
        flips=[flip],
        outputs=[output],
    )
    return output[0, :3].long()


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
        boxes = [[0, 0, side, side], [0, 1, side, side - 1]]
        outputs = [picture_room(side, 4) for _ in boxes]
        cutter.cut(
            pixels.tobytes(),
            mode=RAW,
            width=width,
            height=height,
            size=side,
            boxes=boxes,
            flips=[False, True],
            outputs=outputs,
        )
        first, second = (output[0, :3].permute(1, 2, 0).numpy() for output in outputs)
        square = Image.fromarray(pixels[central_square(width, height)])
        assert np.array_equal(first, square)
        right = square.crop((1, 0, side, side)).resize((side, side), Image.Resampling.BILINEAR)
        assert np.abs(second[:, ::-1].astype(int) - right).max() <= 1


@settings(deadline=None)
@given(
    st.integers(1, 150),
    st.integers(1, 150),
    st.integers(1, 100),
    st.integers(3, 4),
    st.integers(0, 99),
)
def test_scaling_is_pillows_within_a_level(width, height, size, channels, seed):
    pixels = (
        np.random.default_rng(seed).integers(0, 256, (height, width, channels)).astype(np.uint8)
    )
    ours = picture_room(size, channels)
    scale_into(pixels, ours)
    theirs = Image.frombuffer("RGB" if channels == 3 else "RGBX", (width, height), pixels).resize(
        (size, size), Image.Resampling.BILINEAR
    )
    assert np.abs(ours[0].permute(1, 2, 0).numpy().astype(int) - np.asarray(theirs)).max() <= 1
