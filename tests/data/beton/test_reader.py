import logging

import numpy as np
import pytest
from PIL import Image

from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json
from fourlenses.data.beton import reader as ours
from fourlenses.data.beton.reader import Beton
from fourlenses.data.beton.writer import BetonWriter
from fourlenses.data.conversion.encode import encode
from fourlenses.data.loading.resident import load_images, square
from fourlenses.data.manifest.manifest import labels_of
from tests.helpers.conversions import convert_folder
from tests.helpers.pictures import jpeg_bytes, picture


def test_the_layout_is_ffcvs():
    from ffcv import types

    assert ours.VERSION == types.CURRENT_VERSION
    assert types.HeaderType == ours.HEADER
    assert types.FieldDescType == ours.DESCRIPTOR
    assert types.ALLOC_TABLE_TYPE == ours.ALLOCATION
    handlers = [types.TYPE_ID_HANDLER[type_id]() for _, type_id in ours.FIELDS]
    theirs = types.get_metadata_type(handlers)
    assert (theirs.itemsize, [theirs.fields[n][1] for n in theirs.names]) == (
        ours.SAMPLE.itemsize,
        [ours.SAMPLE.fields[n][1] for n in ours.SAMPLE.names],
    )
    assert theirs[0] == ours.IMAGE


@pytest.mark.parametrize("variant", ["clean", "salt_and_pepper"])
def test_plain_ffcv_reads_what_we_wrote(tmp_path, image_folder, variant):
    """JPEGs that fit (passed through) or pixels (corrupted), through FFCV's own Loader."""
    from ffcv.fields.basics import IntDecoder
    from ffcv.fields.decoders import SimpleRGBImageDecoder
    from ffcv.loader import Loader, OrderOption
    from ffcv.transforms import ToTensor

    file = tmp_path / "x.beton"
    manifest = convert_folder(image_folder, file, variant=variant)
    pipelines = {
        "image": [SimpleRGBImageDecoder(), ToTensor()],
        "label": [IntDecoder(), ToTensor()],
        "index": [IntDecoder(), ToTensor()],
    }
    loader = Loader(
        str(file),
        batch_size=16,
        num_workers=1,
        order=OrderOption.SEQUENTIAL,
        drop_last=False,
        pipelines=pipelines,
    )
    batches = [[part.clone().numpy() for part in batch] for batch in loader]
    images, labels, rows = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    assert images.shape == (48, 36, 40, 3)
    assert np.array_equal(rows[:, 0], np.arange(48))
    assert np.array_equal(labels[:, 0], labels_of(manifest))
    ids = [image_folder / path for path in manifest["path"]]
    expected = np.stack([np.asarray(Image.open(path)) for path in ids])
    # FFCV decodes JPEGs with TurboJPEG's fast transform: a few grey levels off
    difference = np.abs(images.astype(int) - expected)
    assert np.median(difference) <= 2 if variant == "clean" else (difference > 60).mean() < 0.02


def test_the_bytes_do_not_depend_on_the_number_of_workers(tmp_path, image_folder):
    for workers in (1, 2, 5):
        convert_folder(image_folder, tmp_path / f"{workers}.beton", size=30, workers=workers)
    one = (tmp_path / "1.beton").read_bytes()
    assert one == (tmp_path / "2.beton").read_bytes() == (tmp_path / "5.beton").read_bytes()


def test_jpegs_that_fit_are_kept_as_they_are(tmp_path, image_folder):
    convert_folder(image_folder, tmp_path / "x.beton", size=36)
    beton = Beton(tmp_path / "x.beton")
    stored = beton.image(0)
    assert (stored.mode, stored.width, stored.height) == (ours.JPEG, 40, 36)
    assert stored.data.tobytes() == (image_folder / "train/ant/0.jpg").read_bytes()
    sidecar = read_json(tmp_path / "x.json")
    assert sidecar["passed_through"] == 48
    assert sidecar["images"] == {"train": 36, "test": 12}


def test_others_are_shrunk_and_stored_without_loss(tmp_path, image_folder):
    convert_folder(image_folder, tmp_path / "x.beton", size=18)
    stored = Beton(tmp_path / "x.beton").image(0)
    assert (stored.mode, stored.width, stored.height) == (ours.RAW, 20, 18)
    expected = Image.open(image_folder / "train/ant/0.jpg").resize(
        (20, 18), Image.Resampling.BICUBIC
    )
    assert np.abs(stored.data.reshape(18, 20, 3).astype(int) - np.asarray(expected)).max() <= 1


def test_undecodable_images_are_listed_not_fatal(tmp_path, image_folder, caplog):
    (image_folder / "train/ant/broken.jpg").write_bytes(jpeg_bytes(1)[:300])
    (image_folder / "train/bee/empty.jpg").write_bytes(b"")
    (image_folder / "val/cat/text.jpg").write_text("not an image")
    with caplog.at_level(logging.WARNING):
        manifest = convert_folder(image_folder, tmp_path / "x.beton", allowed=0.1)
    listed = {
        entry["path"]: entry["reason"] for entry in read_json(tmp_path / "x.json")["undecodable"]
    }
    assert set(listed) == {"train/ant/broken.jpg", "train/bee/empty.jpg", "val/cat/text.jpg"}
    assert listed["train/bee/empty.jpg"] == "empty file"
    assert "train/ant/broken.jpg" in caplog.text
    beton = Beton(tmp_path / "x.beton")
    assert len(beton) == 48
    assert set(manifest["path"].iloc[sorted(set(range(51)) - set(beton.index.tolist()))]) == set(
        listed
    )


def test_too_many_undecodable_images_fail_and_leave_nothing(tmp_path, image_folder):
    (image_folder / "train/ant/0.jpg").write_bytes(b"")
    output = tmp_path / "out" / "x.beton"
    with pytest.raises(
        UserError,
        match=r"1 of 48 images cannot be decoded, more than 'max_undecodable' "
        r"\(0.01\).*train/ant/0.jpg \(empty file\)",
    ):
        convert_folder(image_folder, output, allowed=0.01)
    (listing,) = output.parent.iterdir()  # what was undecodable is not lost with the conversion
    assert [entry["path"] for entry in read_json(listing)] == ["train/ant/0.jpg"]
    assert listing.name == "x.undecodable.json"


def test_a_damaged_beton_says_so(tmp_path, image_folder):
    file = tmp_path / "x.beton"
    convert_folder(image_folder, file)
    whole = file.read_bytes()
    for damaged, message in [
        (whole[:-10], "truncated"),
        (whole[:100], "no beton"),
        (bytes(len(whole)), "no finished beton"),  # what an interrupted FFCV writer leaves
    ]:
        file.write_bytes(damaged)
        with pytest.raises(UserError, match=message):
            Beton(file)


def test_a_sample_larger_than_a_page_is_an_error(tmp_path):
    writer = BetonWriter(tmp_path / "x.beton", 1)
    with pytest.raises(UserError, match="more than a page"):
        writer.add(np.zeros((2000, 2000, 3), np.uint8), width=2000, height=2000, label=0, index=0)


def test_samples_never_cross_a_page(tmp_path):
    writer = BetonWriter(tmp_path / "x.beton", 30)
    for row in range(30):
        writer.add(
            np.full((600, 600, 3), row, np.uint8), width=600, height=600, label=row % 3, index=row
        )
    writer.close()
    beton = Beton(tmp_path / "x.beton")
    starts = beton.start.astype(int)
    assert (starts // ours.PAGE_SIZE == (starts + 600 * 600 * 3 - 1) // ours.PAGE_SIZE).all()
    assert all((beton.image(row).data == row).all() for row in range(30))


def test_resident_images_are_centred_squares(tmp_path, image_folder):
    convert_folder(image_folder, tmp_path / "x.beton")
    rows = np.array([5, 0, 40])
    loaded = load_images(tmp_path / "x.beton", rows, 36, dataset="animals", workers=2)
    assert loaded.images.shape == (3, 3, 36, 36)
    whole = np.asarray(Image.open(image_folder / "train/ant/0.jpg"))
    assert np.array_equal(loaded.images[1].permute(1, 2, 0).numpy(), whole[:, 2:38])
    assert loaded.num_classes == 3
    assert len(set(loaded.ids.tolist())) == 3
    assert np.array_equal(
        load_images(tmp_path / "x.beton", rows[:1], 36, dataset="animals", workers=1).ids,
        loaded.ids[:1],
    )
    with pytest.raises(UserError, match="lacks row 48"):
        load_images(tmp_path / "x.beton", np.array([48]), 36, dataset="animals", workers=1)


@pytest.mark.parametrize(("width", "height"), [(41, 36), (36, 41), (36, 36)])
def test_the_central_square_is_cut_out_at_whole_pixels(width, height):
    pixels = np.asarray(picture(3, width, height))
    stored = ours.Stored(mode=ours.RAW, width=width, height=height, data=pixels.reshape(-1))
    left, top = (width - 36) // 2, (height - 36) // 2
    assert np.array_equal(square(stored, 36), pixels[top:, left:][:36, :36])
    box = (left, top, left + 36, top + 36)
    assert np.array_equal(
        square(stored, 30), Image.fromarray(pixels).resize((30, 30), Image.Resampling.BILINEAR, box)
    )


def test_pictures_of_odd_shapes(tmp_path):
    for width, height in ((1, 1), (30000, 3), (3, 500)):
        result = encode(jpeg_bytes(1, width, height), 16, corruption=None, image_id=0)
        assert (result.width, result.height) == (width, height) or min(
            result.width, result.height
        ) == 16
    large = np.asarray(picture(1, 7000, 500))
    assert "more than a page" in encode(large, 500, corruption="noise", image_id=0).reason
    long = np.asarray(picture(1, 70000, 2))
    assert "longer than" in encode(long, 16, corruption=None, image_id=0).reason
