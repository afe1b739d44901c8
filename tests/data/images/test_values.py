"""Scientific images: scaled by a stated rule, or refused with the reason."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from fourlenses.data.conversion.encode import encode
from fourlenses.data.dataset import images_of_dataset, index_dataset
from fourlenses.data.images.content import Undecodable
from fourlenses.data.images.decode import decode, header_size
from fourlenses.data.images.tiff import read_samples
from fourlenses.data.images.values import ValueRule, samples_of
from tests.helpers.tiffs import tiff, tiff_of_pages
from tests.helpers.trees import tree

RNG = np.random.default_rng(0)
KINDS = {
    "12 bits in 16": RNG.integers(0, 4096, (20, 30, 1), dtype=np.uint16),
    "signed 16": RNG.integers(-1000, 3000, (20, 30, 1), dtype=np.int16),
    "32 bits": RNG.integers(0, 2**20, (20, 30, 1), dtype=np.uint32),
    "float": RNG.random((20, 30, 1), dtype=np.float32),
    "double": RNG.random((20, 30, 1)),
    "half": RNG.random((20, 30, 1)).astype(np.float16),
    "float colours": RNG.random((20, 30, 3), dtype=np.float32),
    "two bands": RNG.integers(0, 256, (20, 30, 2), dtype=np.uint8),
    "four bands": RNG.integers(0, 256, (20, 30, 4), dtype=np.uint8),
    "four bands of 16": RNG.integers(0, 4096, (20, 30, 4), dtype=np.uint16),
    "five bands": RNG.integers(0, 256, (20, 30, 5), dtype=np.uint8),
    "thirteen bands": RNG.integers(0, 10_000, (20, 30, 13), dtype=np.uint16),
}
REASONS = {
    "signed 16": "a TIFF of signed integers of 16 bits; set 'range'",
    "32 bits": "a TIFF of integers of 32 bits; set 'range'",
    "float": "a TIFF of 32-bit floating-point numbers; set 'range' or 'percentiles'",
    "double": "a TIFF of 64-bit floating-point numbers",
    "half": "a TIFF of 16-bit floating-point numbers",
    "float colours": "a TIFF of 32-bit floating-point numbers",
    "two bands": "a TIFF of 2 bands; set 'bands' to the one or three to use",
    "four bands": "a TIFF of 4 bands; set 'bands'",
    "four bands of 16": "a TIFF of 4 bands; set 'bands'",
    "five bands": "a TIFF of 5 bands; set 'bands'",
    "thirteen bands": "a TIFF of 13 bands; set 'bands'",
}


@pytest.mark.parametrize("case", REASONS)
def test_without_a_rule_they_are_refused_with_the_reason(case):
    data = tiff(KINDS[case])
    with pytest.raises(Undecodable) as caught:
        decode(data)
    assert str(caught.value).startswith(REASONS[case])
    assert encode(data, 16, corruption=None, image_id=0).reason.startswith(REASONS[case])


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("packing", ["raw", "zlib", "zlib, predictor", "tiles", "planes"])
@pytest.mark.parametrize("case", KINDS)
def test_every_sample_is_read_as_it_is_stored(case, packing, order):
    samples = KINDS[case]
    data = tiff(samples, packing=packing, order=order)
    read = read_samples(data)
    assert read.dtype == samples.dtype
    assert np.array_equal(read, samples)


def test_pages_of_a_stack_are_bands():
    stack = [RNG.integers(0, 65536, (20, 30, 1), dtype=np.uint16) for _ in range(4)]
    data = tiff_of_pages(stack)
    assert np.array_equal(read_samples(data), np.concatenate(stack, axis=2))
    with pytest.raises(Undecodable, match="a TIFF of a stack of 4 pages; set 'bands'"):
        decode(data)
    rule = ValueRule(bands=(4, 1, 1), range=(0, 65535))
    drawn = rule.render(samples_of(data))
    assert np.array_equal(drawn[:, :, 0], np.rint(stack[3][:, :, 0] / 257).astype(np.uint8))
    assert np.array_equal(drawn[:, :, 1], drawn[:, :, 2])


def test_a_preview_is_no_page_of_a_stack():
    picture = RNG.integers(0, 256, (20, 30, 1), dtype=np.uint8)
    data = tiff_of_pages([picture, picture], kinds=[0, 1])
    assert np.array_equal(np.asarray(decode(data))[:, :, 0], picture[:, :, 0])


def test_a_preview_before_the_picture_is_not_the_picture():
    """As cameras and scanners write them: the first page is a small copy."""
    picture = RNG.integers(0, 256, (20, 30, 1), dtype=np.uint8)
    data = tiff_of_pages([picture[::2, ::2], picture], kinds=[1, 0])
    assert header_size(data) == (30, 20)
    assert np.array_equal(np.asarray(decode(data))[:, :, 0], picture[:, :, 0])
    assert np.array_equal(read_samples(data), picture)
    previews = tiff_of_pages([picture, picture], kinds=[1, 1])
    assert np.array_equal(np.asarray(decode(previews))[:, :, 0], picture[:, :, 0])


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("rule", [None, ValueRule(bands=(1,)), "range", "percentiles"])
def test_what_is_small_is_bright_where_a_film_scanner_says_so(bits, rule):
    """Tag 262 is 0: zero is white. Radiographs are stored so."""
    most = 2**bits - 1
    ramp = np.linspace(0, most, 40).astype(f"uint{bits}")
    data = tiff(np.broadcast_to(ramp[None, :, None], (4, 40, 1)), tags={262: 0})
    if isinstance(rule, str):
        rule = ValueRule(**{rule: (0, most if rule == "range" else 100)})
    drawn = np.asarray(decode(data)) if rule is None else rule.applied_to(data)()
    shades = drawn[0, :, 0].astype(int)
    assert np.abs(shades - (255 - ramp.astype(float) / most * 255)).max() <= 1


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "packbits", "zstd", "raw"])
@pytest.mark.parametrize("mode", ["L", "RGB", "I;16", "F"])
def test_what_pillow_writes_is_read_as_pillow_reads_it(mode, compression):
    values = {
        "L": RNG.integers(0, 256, (50, 70), dtype=np.uint8),
        "RGB": RNG.integers(0, 256, (50, 70, 3), dtype=np.uint8),
        "I;16": RNG.integers(0, 65536, (50, 70), dtype=np.uint16),
        "F": RNG.random((50, 70), dtype=np.float32),
    }[mode]
    buffer = io.BytesIO()
    options = {} if compression == "raw" else {"compression": compression}
    Image.fromarray(values).save(buffer, "TIFF", **options)
    read = read_samples(buffer.getvalue())
    assert np.array_equal(read.reshape(values.shape), values)


def test_a_range_is_the_same_in_every_image():
    rule = ValueRule(range=(0, 4095))
    values = np.array([[[0], [2048], [4095], [5000]]], np.uint16)
    assert rule.render(values)[0, :, 0].tolist() == [0, 128, 255, 255]
    signed = ValueRule(range=(-1000, 1000)).render(np.array([[[-1000], [0], [3000]]], np.int16))
    assert signed[0, :, 0].tolist() == [0, 128, 255]


def test_percentiles_are_of_each_image():
    rule = ValueRule(percentiles=(0, 100))
    for factor in (1, 1000):
        values = factor * np.linspace(3, 5, 101)[None, :, None]
        assert rule.render(values)[0, [0, 50, 100], 0].tolist() == [0, 128, 255]
    holes = np.array([[[np.nan], [0.0], [1.0], [np.inf]]])
    assert rule.render(holes)[0, :, 0].tolist() == [0, 0, 255, 255]
    assert not rule.render(np.full((2, 2, 1), 7.0)).any()


def test_bands_are_chosen_in_their_order():
    samples = np.stack([np.full((2, 3), 10 * band, np.uint8) for band in range(1, 6)], axis=2)
    assert ValueRule(bands=(4, 1, 2)).render(samples)[0, 0].tolist() == [40, 10, 20]
    assert ValueRule(bands=(5,)).render(samples)[0, 0].tolist() == [50, 50, 50]
    with pytest.raises(Undecodable, match="'bands' names band 6, but there are 5"):
        ValueRule(bands=(6,)).render(samples)
    with pytest.raises(Undecodable, match="5 bands; set 'bands' to the one or three to use"):
        ValueRule(range=(0, 1)).render(samples)


@pytest.mark.parametrize("kind", ["directory", ".zip"])
def test_a_dataset_by_its_rule(tmp_path, kind):
    samples = [RNG.integers(0, 10_000, (20, 30, 13), dtype=np.uint16) for _ in range(12)]
    files = {f"{'ab'[at % 2]}/{at:02}.tif": tiff(values) for at, values in enumerate(samples)}
    path = tree(tmp_path / "fields", files, kind)
    definition = {
        "source": "image_folder",
        "path": path.name,
        "bands": [4, 3, 2],
        "range": [0, 10_000],
    }
    manifest = index_dataset("fields", definition, tmp_path)
    images = images_of_dataset("fields", definition, tmp_path, manifest=manifest, size=16)
    for name, image in zip(manifest["path"], images, strict=True):
        values = samples[int(name[2:4])][:, :, [3, 2, 1]]
        assert np.array_equal(image(), np.rint(values / 10_000 * 255).astype(np.uint8))
        assert encode(image, 64, corruption=None, image_id=0).image is not None


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_pictures_of_8_bits_may_have_a_range_too(mode):
    buffer = io.BytesIO()
    values = np.full((4, 5) if mode == "L" else (4, 5, 3), 100, np.uint8)
    Image.fromarray(values).save(buffer, "PNG")
    drawn = ValueRule(range=(50, 150)).render(samples_of(buffer.getvalue()))
    assert set(np.unique(drawn)) == {128}


def test_a_png_of_16_bits_a_colour_is_not_cut_in_silence():
    rows = b"".join(b"\0" + b"\x0f\xff" * 3 * 4 for _ in range(4))
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    with pytest.raises(Undecodable, match="a PNG of 16 bits a colour"):
        samples_of(data)
    assert np.asarray(decode(data)).max() == 15  # without a rule: 16 bits are the whole range


@pytest.mark.parametrize("cut", [3, 9, 100, 1000])
def test_damaged_tiffs_are_undecodable(cut):
    data = tiff(KINDS["thirteen bands"])
    for broken in (data[:cut], data[:-cut], data[: len(data) // 2] + b"\xff" * cut):
        for read in (decode, read_samples):
            with pytest.raises(Undecodable):
                read(broken)


def test_mutated_tiffs_raise_nothing_else():
    data = bytearray(tiff(KINDS["four bands of 16"], packing="zlib"))
    rng = np.random.default_rng(1)
    for _ in range(400):
        broken = bytearray(data)
        for at in rng.integers(0, len(data), 4):
            broken[at] = rng.integers(0, 256)
        for read in (decode, read_samples):
            try:
                read(bytes(broken))
            except Undecodable:
                continue
