import io

import numpy as np
import pytest
from PIL import Image

from fourlenses.data.conversion.encode import encode
from fourlenses.data.images import decode
from fourlenses.data.images.jpeg_header import read_header
from fourlenses.data.images.turbojpeg import is_intact, read_pixels
from tests.helpers.pictures import jpeg_bytes, picture


def saved(image: Image.Image, form: str = "JPEG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(picture(1), exif=exif)


KINDS = {
    "plain": jpeg_bytes(1),
    "4:4:4": jpeg_bytes(1, subsampling=0),
    "4:2:2": jpeg_bytes(1, subsampling=1),
    "progressive": jpeg_bytes(1, progressive=True),
    "optimised": jpeg_bytes(1, optimize=True),
    "restart markers": jpeg_bytes(1, 300, 200, restart_marker_blocks=3),
    "comment": jpeg_bytes(1, comment=b"\xff\xd8 made here \xff\xd9" * 50),
    "profile": jpeg_bytes(1, icc_profile=bytes(70000)),
    "grey": saved(picture(1).convert("L")),
    "large": jpeg_bytes(1, 700, 500),
    "one pixel": jpeg_bytes(1, 1, 1),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("divisor", [1, 2, 4, 8])
def test_header_and_pixels_are_pillows(kind, divisor):
    data = KINDS[kind]
    image = Image.open(io.BytesIO(data))
    header = read_header(data)
    assert header == (*image.size, True)
    assert is_intact(data, header)
    image.draft(None, tuple(-(-side // divisor) for side in image.size))
    image.load()
    expected = np.asarray(image.convert("RGB"))
    found = read_pixels(data, header, divisor)
    if expected.shape == found.shape:  # Pillow's draft takes another size of very small pictures
        assert np.array_equal(found, expected)
    else:
        assert divisor > 1


def test_what_is_not_plain_is_left_to_pillow():
    cmyk = saved(picture(1).convert("CMYK"))
    for data in (
        cmyk,
        saved(picture(1), "PNG"),
        b"",
        b"\xff\xd8\xff",
        b"\xff\xd8" + bytes(100),
        jpeg_bytes(1)[:60],
        jpeg_bytes(1)[2:],
    ):
        assert read_header(data) is None
    several = saved(picture(1), "MPO", save_all=True, append_images=[picture(2)])
    for data in (turned(1), turned(6), several):
        assert read_header(data).plain is False


def test_turned_pictures_are_stored_upright_and_upright_ones_kept():
    assert encode(turned(1), 50, corruption=None, image_id=0).passed_through
    result = encode(turned(6), 50, corruption=None, image_id=0)
    assert (result.passed_through, result.width, result.height) == (False, 36, 40)
    cmyk = saved(picture(1).convert("CMYK"))
    assert not encode(cmyk, 50, corruption=None, image_id=0).passed_through


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 4}])
def test_an_eighth_finds_what_the_whole_picture_finds(options):
    """Cut off anywhere, or a byte changed anywhere: the check at an eighth of the size agrees."""
    data = jpeg_bytes(7, 360, 300, subsampling=0, **options)
    header = read_header(data)
    assert header.width * header.height > 1 << 16  # large enough to be checked at an eighth
    random = np.random.default_rng(0)
    scan = data.index(b"\xff\xda")
    damaged = [data[:length] for length in random.integers(scan + 20, len(data) - 2, 60)]
    for place in random.integers(scan + 14, len(data) - 2, 150):
        changed = bytearray(data)
        changed[place] ^= 1 << random.integers(8)
        damaged.append(bytes(changed))
    complaints = 0
    for candidate in damaged:
        header = read_header(candidate)
        assert header is not None
        in_full = read_pixels(candidate, header) is not None
        assert is_intact(candidate, header) == in_full
        complaints += not in_full
    assert (
        complaints >= 60
    )  # of the changed bytes many only change the picture, which nothing can know


def test_what_pillow_refuses_is_never_kept():
    data = jpeg_bytes(7, 360, 300)
    for length in range(0, len(data) - 2, 37):
        assert encode(data[:length], 300, corruption=None, image_id=0).passed_through is False
        assert encode(data[:length], 300, corruption=None, image_id=0).reason


def test_large_jpegs_are_decoded_smaller_and_look_the_same():
    random = np.random.default_rng(1)
    pixels = np.asarray(picture(2, 1200, 900), float) + np.repeat(
        np.repeat(random.normal(0, 20, (225, 300, 3)), 4, 0), 4, 1
    )
    data = saved(Image.fromarray(pixels.clip(0, 255).astype(np.uint8)), quality=90)
    whole = decode.shrink(np.asarray(decode.decode(data)), 128)
    assert decode.decode(data, 128).size == (600, 450)
    ours = decode.shrink(read_pixels(data, read_header(data), 2), 128)
    for small in (decode.shrink(np.asarray(decode.decode(data, 128)), 128), ours):
        assert small.shape == whole.shape
        error = np.square(small.astype(float) - whole).mean()
        assert 10 * np.log10(255**2 / error) > 40
    assert [
        decode.divisor_of(shortest, 100) for shortest in (100, 399, 400, 799, 800, 1600, 9999)
    ] == [1, 1, 2, 2, 4, 8, 8]


def test_without_the_library_pillow_decides(monkeypatch):
    monkeypatch.setattr("fourlenses.data.images.turbojpeg._functions", lambda: None)
    assert encode(jpeg_bytes(1), 50, corruption=None, image_id=0).passed_through
    assert encode(jpeg_bytes(1)[:300], 50, corruption=None, image_id=0).reason
    assert encode(jpeg_bytes(1), 20, corruption=None, image_id=0).width == 22
