"""Image files as real datasets have them, from the index to the pixels read back.

Each case has a stated outcome: pixels, or the reason for which the image is undecodable.
"""

import io
import logging

import numpy as np
import pytest
from PIL import Image

from fourlenses.data.images.decode import decode
from fourlenses.data.manifest.manifest import hierarchy_of
from tests.helpers.conversions import convert
from tests.helpers.odd_files import (
    bomb,
    broken_exif,
    clear,
    deep,
    encoded,
    good,
    grey,
    over_white,
    packed,
    turned,
)
from tests.helpers.pictures import jpeg_bytes, picture

# spaces, quotes, a newline, a byte that is not UTF-8
ODD = 'train/ant/it\'s "odd"\n$(x) \udcff.jpg'
WHOLE = np.asarray(picture(1))
JPEG = np.asarray(Image.open(io.BytesIO(jpeg_bytes(1))))
PALETTE = picture(1).convert("P")
# 9 MB of noise, 40 px high: its bytes do not fit into a page of the beton, compressed again they do
NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60_000, 3), np.uint8))
HUGE = encoded(NOISE, "JPEG", quality=100, subsampling=0)
# compressed again, or by another program
LOSSY = {"CMYK": 6, "30,000 px wide": 8, "more than a page": 40}
# file name, bytes, and either the pixels that come back or the reason for which it is undecodable
CONTENTS = {
    "truncated JPEG": ("x.jpg", jpeg_bytes(1)[:-100], "OSError: image file is truncated"),
    "header cut off": ("x.jpg", jpeg_bytes(1)[:10], "OSError: Truncated File Read"),
    "zero bytes": ("x.jpg", b"", "empty file"),
    "text": ("x.jpg", b"<html>404 Not Found</html>", "a web page, not the image"),
    "PostScript": (
        "x.jpg",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%id) (w) file\n",
        "PostScript, which is not read",
    ),
    "decompression bomb": ("x.png", bomb(), "200000x90000, more than 100000000 pixels"),
    "CMYK": (
        "x.jpg",
        encoded(picture(1).convert("CMYK"), "JPEG", quality=100, subsampling=0),
        WHOLE,
    ),
    "16-bit PNG": (
        "x.png",
        encoded(deep(), "PNG"),
        grey((np.asarray(deep()) >> 8).astype(np.uint8)),
    ),
    "palette PNG": ("x.png", encoded(PALETTE, "PNG"), np.asarray(PALETTE.convert("RGB"))),
    "animated GIF": (
        "x.gif",
        encoded(PALETTE, "GIF", save_all=True, append_images=[picture(2).convert("P")]),
        np.asarray(PALETTE.convert("RGB")),
    ),
    "EXIF-rotated": ("x.jpg", turned(), np.rot90(np.asarray(Image.open(io.BytesIO(turned()))), 3)),
    "broken EXIF": ("x.jpg", broken_exif(), np.asarray(Image.open(io.BytesIO(broken_exif())))),
    "greyscale": (
        "x.png",
        encoded(picture(1).convert("L"), "PNG"),
        grey(np.asarray(picture(1).convert("L"))),
    ),
    "alpha": ("x.png", encoded(clear(), "PNG"), over_white()),
    "one pixel": ("x.png", encoded(picture(1, 1, 1), "PNG"), np.asarray(picture(1, 1, 1))),
    "30,000 px wide": (
        "x.png",
        encoded(picture(1, 30000, 8), "PNG"),
        np.asarray(picture(1, 30000, 8)),
    ),
    "more than a page": ("x.jpg", HUGE, np.asarray(Image.open(io.BytesIO(HUGE)))),
    "70,000 px wide": (
        "x.png",
        encoded(picture(1, 70000, 2), "PNG"),
        "70000x2 px, a side longer than the format's 65535",
    ),
    "upper-case ending": ("x.JPEG", jpeg_bytes(1), JPEG),
}


@pytest.mark.parametrize("kind", ["directory", ".tar.gz", ".zip"])
@pytest.mark.parametrize("case", CONTENTS)
def test_contents(tmp_path, case, kind, caplog):
    name, data, outcome = CONTENTS[case]
    root = good(tmp_path / "animals")
    (root / "train/ant" / name).write_bytes(data)
    with caplog.at_level(logging.WARNING):
        pixels, sidecar, manifest = convert(packed(root, kind), tmp_path / "out")
    key, row = f"train/ant/{name}", manifest["id"].index(f"train/ant/{name}")
    assert len(pixels) == 8 + isinstance(outcome, np.ndarray)
    if isinstance(outcome, str):
        (entry,) = sidecar["undecodable"]
        assert (entry["id"], entry["path"]) == (key, key)
        assert outcome in entry["reason"]
        assert f"undecodable: {key}: {entry['reason']}" in caplog.text
        # no address in memory: equal runs, equal bytes
        assert "0x" not in entry["reason"].replace("200000x", "").replace("70000x", "")
    else:
        assert pixels[key].shape == outcome.shape
        assert np.abs(pixels[key].astype(int) - outcome).max() <= LOSSY.get(case, 0)
        # the header has the same size, rotation included
        assert (manifest["width"][row], manifest["height"][row]) == outcome.shape[1::-1]


@pytest.mark.parametrize("kind", ["directory", ".tar", ".tar.gz", ".zip"])
def test_names(tmp_path, kind, caplog):
    """Spaces, quotes, a newline and a byte that is not UTF-8, in names of files and of classes."""
    root = good(tmp_path / "animals")
    (root / ODD).write_bytes(jpeg_bytes(77))
    (root / ODD.replace(".jpg", " empty.jpg")).write_bytes(b"")
    for split in ("train", "val"):
        (root / split / "b\udce9e eater").mkdir()
        (root / split / "b\udce9e eater" / "1.jpg").write_bytes(jpeg_bytes(78))
    with caplog.at_level(logging.WARNING):
        pixels, sidecar, manifest = convert(packed(root, kind), tmp_path / "out")
    assert np.array_equal(pixels[ODD], np.asarray(decode(jpeg_bytes(77))))
    assert hierarchy_of(manifest).classes == [["ant", "bee", "b\udce9e eater"]]
    (entry,) = sidecar["undecodable"]
    assert entry["id"] == ODD.replace(".jpg", " empty.jpg")
    (tmp_path / "out" / "x.json").read_bytes().decode("ascii")  # JSON for every reader
    (line,) = [
        record.getMessage() for record in caplog.records if "undecodable" in record.getMessage()
    ]
    assert line == r"""undecodable: train/ant/it's "odd"\n$(x) \udcff empty.jpg: empty file"""
