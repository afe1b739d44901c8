"""Pictures of images: each cell is what pretraining gets, and the file is small."""

import numpy as np
import pytest
from PIL import Image

from fourlenses.core.randomness import string_ids
from fourlenses.data.augment.augment import Augment
from fourlenses.data.augment.augmentation import Augmentation
from fourlenses.data.beton.reader import Beton
from fourlenses.data.conversion.corruptions import corrupt
from fourlenses.data.loading.resident import load_images
from fourlenses.data.manifest.manifest import read_manifest, write_manifest
from fourlenses.pictures.examples import Treatments, draw_examples, example_rows, example_sheet
from fourlenses.pictures.sheet import MOST_BYTES
from fourlenses.pictures.stored import of_many_classes, pixels_of, stored_images
from tests.helpers.conversions import convert_folder
from tests.helpers.runs import RECIPES

NORMALISED = RECIPES["strong"] | {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.2]}
ENTRY = {
    "augmentations": [["SimCLR", [NORMALISED, RECIPES["small"]]]],
    "corruptions": ["jpeg_s5", "salt_and_pepper"],
    "stored_size": 24,
    "image_size": 16,
    "seed": 3,
}


@pytest.fixture
def animals(tmp_path, image_folder):
    manifest = convert_folder(image_folder, tmp_path / "clean.beton", size=24)
    write_manifest(manifest, tmp_path / "manifest.parquet")
    return tmp_path


def treatments():
    return Treatments.from_json(ENTRY | {"augmentations": list(ENTRY["augmentations"])})


def drawn(folder):
    manifest = read_manifest(folder / "manifest.parquet")
    beton = folder / "clean.beton"
    rows = example_rows(manifest, Beton(beton))
    sheet = example_sheet("animals", beton, manifest, treatments=treatments())
    return manifest, rows, {(row.name, row.note): row.groups[0] for row in sheet}


def test_images_are_of_training_and_of_as_many_classes_as_can_be(animals):
    manifest, rows, _ = drawn(animals)
    assert len(rows) == len(set(rows)) == 8
    assert {manifest["split"][int(row)] for row in rows} == {"train"}
    assert len({manifest["level:class"][int(row)] for row in rows[:3]}) == 3
    assert of_many_classes(np.array([5, 5, 2, 5, 7])).tolist() == [0, 2, 4, 1, 3]


def test_views_are_those_of_the_first_epoch_without_their_normalisation(animals):
    _, rows, sheet = drawn(animals)
    loaded = load_images(animals / "clean.beton", rows, 24, dataset="animals", workers=1)
    plain = NORMALISED | {"mean": None, "std": None}
    for view, recipe, side in ((0, plain, 16), (1, RECIPES["small"], 8)):
        augment = Augment(Augmentation.from_config("any", recipe), 16, 3)
        expected = augment(loaded.images, loaded.ids, epoch=0, view=view).numpy() * 255
        shown = sheet["SimCLR", f"{side} px, view {view + 1} of 2"]
        pixels = np.stack([square.pixels for square in shown]).transpose(0, 3, 1, 2)
        assert np.abs(pixels - expected).max() <= 1  # rounded to whole numbers


def test_corrupted_images_are_those_of_a_beton(animals, image_folder):
    manifest, rows, sheet = drawn(animals)
    stored = [pixels_of(image) for image in stored_images(animals / "clean.beton", rows)]
    ids = string_ids([manifest["id"][int(row)] for row in rows])
    for name, shown in (("jpeg_s5", "JPEG quality 7"), ("salt_and_pepper", "salt and pepper 0.01")):
        for image, number, square in zip(stored, ids, sheet[shown, "corrupted"], strict=True):
            whole = corrupt(name, image, int(number))
            left = (whole.shape[1] - 24) // 2
            assert (square.pixels == whole[:24, left : left + 24]).all()


def test_the_picture_is_small_and_the_same_every_time(animals):
    files = [animals / f"{name}.webp" for name in "ab"]
    for file in files:
        draw_examples(
            "animals",
            animals / "clean.beton",
            animals / "manifest.parquet",
            treatments=treatments(),
            output=file,
        )
    assert files[0].read_bytes() == files[1].read_bytes()
    assert files[0].stat().st_size <= MOST_BYTES
    width, height = Image.open(files[0]).size
    assert width > 8 * 64  # images
    assert height > 5 * 64  # rows
