import io

import numpy as np
import pytest
from PIL import Image

from fourlenses.data.images import decode
from fourlenses.data.images.content import Undecodable
from tests.helpers.pictures import jpeg_bytes, picture


def encoded(image: Image.Image, form: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held sideways
    return encoded(picture(1, 40, 20), "JPEG", exif=exif)


def test_what_can_be_read_is_upright_rgb():
    deep = Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000)
    for data, size in [
        (jpeg_bytes(1), (40, 36)),
        (encoded(picture(1).convert("CMYK"), "JPEG"), (40, 36)),
        (encoded(picture(1).convert("L"), "JPEG"), (40, 36)),
        (encoded(picture(1).convert("P"), "PNG"), (40, 36)),
        (encoded(picture(1).convert("RGBA"), "PNG"), (40, 36)),
        (encoded(deep, "PNG"), (8, 8)),
        (
            encoded(
                picture(1).convert("P"),
                "GIF",
                save_all=True,
                append_images=[picture(2).convert("P")],
            ),
            (40, 36),
        ),
        (rotated(), (20, 40)),
        (encoded(picture(1, 1, 1), "PNG"), (1, 1)),
    ]:
        image = decode.decode(data)
        assert (image.mode, image.size) == ("RGB", size)


def test_sixteen_bits_are_scaled_not_clipped():
    deep = np.array([[0, 32768], [65535, 257]], np.uint16)
    assert np.asarray(decode.decode(encoded(Image.fromarray(deep), "PNG")))[..., 0].tolist() == [
        [0, 128],
        [255, 1],
    ]


def test_transparency_is_white():
    clear = Image.new("RGBA", (4, 4), (10, 20, 30, 0))
    assert np.asarray(decode.decode(encoded(clear, "PNG"))).min() == 255


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"some text", "UnidentifiedImageError"),
        (jpeg_bytes(1)[:200], "OSError|SyntaxError|UnidentifiedImageError"),
    ],
)
def test_what_cannot_be_read_says_why(data, reason):
    with pytest.raises(Undecodable, match=reason):
        decode.decode(data)


def test_a_decompression_bomb_is_refused():
    bomb = encoded(Image.new("1", (20000, 20000)), "PNG")
    with pytest.raises(Undecodable, match="more than 100000000 pixels"):
        decode.decode(bomb)


def test_shrink_bounds_the_shortest_side_and_never_enlarges():
    assert decode.shrink(np.asarray(picture(1, 100, 50)), 25).shape == (25, 50, 3)
    assert decode.shrink(np.asarray(picture(1, 50, 101)), 25).shape == (50, 25, 3)
    assert decode.shrink(np.asarray(picture(1, 20, 200)), 25).shape == (200, 20, 3)
    assert decode.shrink(np.asarray(picture(1, 3000, 30)), 25).shape == (25, 2500, 3)


def test_what_is_stored_as_it_is():
    assert decode.fits_as_stored(jpeg_bytes(1), 36)
    assert decode.fits_as_stored(encoded(picture(1).convert("L"), "JPEG"), 36)
    assert not decode.fits_as_stored(jpeg_bytes(1), 35)
    assert not decode.fits_as_stored(rotated(), 100)
    assert not decode.fits_as_stored(encoded(picture(1).convert("CMYK"), "JPEG"), 100)
    assert not decode.fits_as_stored(encoded(picture(1), "PNG"), 100)
