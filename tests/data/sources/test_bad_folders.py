"""Folders with links, without images, of one split only, and with names that are not UTF-8."""

import logging
import re

import numpy as np
import pytest

from fourlenses.data.conversion.convert import write_beton
from fourlenses.data.images.decode import decode
from fourlenses.data.manifest.manifest import one_sided, read_manifest, write_manifest
from fourlenses.data.sources import SOURCES
from tests.helpers.conversions import convert
from tests.helpers.layouts.imagenet_inat21 import make_imagenet, make_inat21
from tests.helpers.layouts.places365_glc20 import make_glc20, make_places365
from tests.helpers.odd_files import good, packed
from tests.helpers.pictures import jpeg_bytes

FIRST = jpeg_bytes(50)


def test_links_in_a_directory(tmp_path):
    """A link to a folder is a folder, a circle is not followed, a broken link is undecodable."""
    root = good(tmp_path / "animals")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.jpg").write_bytes(FIRST)
    (root / "train/cat").symlink_to(tmp_path / "elsewhere")
    (root / "train/ant/up").symlink_to(root)
    (root / "train/ant/gone.jpg").symlink_to(tmp_path / "gone.jpg")
    pixels, sidecar, _ = convert(root, tmp_path / "out")
    assert np.array_equal(pixels["train/cat/x.jpg"], np.asarray(decode(FIRST)))
    assert len(pixels) == 9
    (entry,) = sidecar["undecodable"]
    assert (entry["id"], entry["reason"]) == (
        "train/ant/gone.jpg",
        f"a link to '{tmp_path / 'gone.jpg'}', which does not exist",
    )


@pytest.mark.parametrize("kind", ["directory", ".tar"])
def test_a_class_folder_without_images_is_no_class_and_is_named(tmp_path, kind, caplog):
    root = good(tmp_path / "animals")
    for split in ("train", "val"):
        (root / split / "dog").mkdir()
        (root / split / "dog" / "readme.heic").write_bytes(b"x")
    with caplog.at_level(logging.INFO):
        _, sidecar, _ = convert(packed(root, kind), tmp_path / "out")
    assert sidecar["classes"] == 2
    assert "2 folders hold no images and make no class, e.g. 'train/dog'" in caplog.text
    assert "2 files skipped: HEIC, which is not read, e.g. 'train/dog/readme.heic'" in caplog.text


def test_classes_of_one_split_only(tmp_path):
    """They keep their number.

    A class without training images is never predicted, so its test images count as wrong.
    """
    import torch

    from fourlenses.evaluation.probes.contract import LabelledFeatures
    from fourlenses.evaluation.probes.linear_probe import linear_probe
    from fourlenses.metrics.label_levels import LabelLevels

    root = good(tmp_path / "animals")
    for folder in ("train/cow", "val/yak"):
        (root / folder).mkdir()
        (root / folder / "1.jpg").write_bytes(FIRST)
    pixels, sidecar, manifest = convert(root, tmp_path / "out")
    assert one_sided(manifest) == {"train": ["cow"], "test": ["yak"]}
    assert (len(pixels), sidecar["classes"]) == (10, 4)
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 10)  # ant, bee, cow; none of yak
    train = torch.from_numpy(np.eye(3)[labels] + 0.01 * rng.standard_normal((30, 3))).float()
    test = torch.from_numpy(np.eye(3)[[0, 1, 1, 0]]).float()
    (result,) = linear_probe(
        LabelledFeatures(train, torch.from_numpy(labels)),
        LabelledFeatures(test, torch.tensor([0, 1, 3, 3])),
        {"30": np.arange(30)},
        levels=LabelLevels.of_classes(4),
        l2=[1e-3],
        validation_fraction=0.2,
        seed=0,
    )
    assert result.report.top1 == 50
    assert any(
        "1 of 4 classes have no label among these 30; they are never predicted" in note
        for note in result.notes
    )


@pytest.mark.parametrize("name", ["imagenet", "inat21", "places365", "glc20"])
def test_names_that_are_not_utf8_in_the_published_datasets(tmp_path, name):
    made = {
        "imagenet": lambda: make_imagenet(tmp_path, 2, 1, extracted=True),
        "inat21": lambda: make_inat21(tmp_path, 2, 1, extracted=True),
        "places365": lambda: make_places365(tmp_path, "easy_tree"),
        "glc20": lambda: make_glc20(tmp_path, "npy_tree"),
    }
    definition, raw = made[name]()
    folder = "00" if name == "glc20" else "train"
    (split,) = (path for path in raw.rglob(folder) if path.is_dir() and any(path.iterdir()))
    image = min(
        file for file in split.rglob("*.*") if re.search(r"(jpe?g|\d\.npy)$", file.name.lower())
    )
    odd = image.with_name(f"\udcff{image.name}")
    if name == "glc20":
        odd = image.parent / "\udcff" / image.name
    odd.parent.mkdir(exist_ok=True)
    image.rename(odd)
    manifest = SOURCES[name].index(name, definition, raw)
    write_manifest(manifest, tmp_path / "m.parquet")
    again = read_manifest(tmp_path / "m.parquet")
    assert sum("\udcff" in path for path in again["path"]) == 1
    write_beton(
        name,
        definition,
        raw,
        manifest=again,
        variant="clean",
        size=32,
        max_undecodable=0.0,
        output=tmp_path / "x.beton",
        workers=1,
    )
