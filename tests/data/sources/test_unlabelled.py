"""Images without labels: a flat folder or an archive, for pretraining alone."""

import numpy as np
import pytest

from fourlenses.check.check import CheckSettings, check_dataset
from fourlenses.check.report import summary
from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json
from fourlenses.data.conversion.convert import write_beton
from fourlenses.data.dataset import index_dataset
from fourlenses.data.manifest.manifest import read_manifest, write_manifest
from fourlenses.data.manifest.skipped import skipped_of
from fourlenses.data.manifest.subsets import draw_subset
from tests.helpers.trees import KINDS, tree

TREES = {
    "flat": {"": 30},
    "one folder": {"images": 30},
    "folders that mean nothing": {"2019/may": 10, "2020": 10, "train/cat": 10},
    "called like a split": {"test": 30},
}


def files_of(case):
    return {
        f"{folder}/{number}.jpg".lstrip("/"): b""
        for folder, count in TREES[case].items()
        for number in range(count)
    }


def index(path):
    return index_dataset("more", {"source": "unlabelled", "path": path.name}, path.parent)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", TREES)
def test_every_image_trains(tmp_path, case, kind):
    files = files_of(case) | {".ipynb_checkpoints/x.jpg": b"", "notes.txt": b"x"}
    manifest = index(tree(tmp_path / "more", files, kind))
    assert len(manifest) == 30
    assert set(manifest["split"]) == {"train"}
    assert set(manifest["level:class"]) == {"unlabelled"}
    assert set(skipped_of(manifest)) == {"hidden", "no image (.txt)"}


def test_from_files_to_a_subset_and_a_check(tmp_path):
    definition = {"source": "unlabelled", "path": "more.zip"}
    tree(tmp_path / "more", files_of("flat"), ".zip")
    write_manifest(index_dataset("more", definition, tmp_path), tmp_path / "m.parquet")
    manifest = read_manifest(tmp_path / "m.parquet")
    write_beton(
        "more",
        definition,
        tmp_path,
        manifest=manifest,
        variant="clean",
        size=32,
        max_undecodable=0.0,
        output=tmp_path / "clean.beton",
        workers=1,
    )
    assert read_json(tmp_path / "clean.json")["images"] == {"train": 30, "test": 0}
    rows = draw_subset(manifest, set(), subset=12, seed=0, dataset="more")
    assert len(np.unique(rows)) == 12
    report = check_dataset(
        "more",
        definition,
        tmp_path,
        manifest=manifest,
        settings=CheckSettings(image_size=32, stored_size=32, asked=20),
        folder=tmp_path / "check",
        workers=1,
    )
    assert report["verdict"] != "not usable"
    assert not any("test images" in finding["what"] for finding in report["findings"])
    assert "30 training and 0 test images" in summary(report)


def test_a_folder_without_images_is_an_error(tmp_path):
    with pytest.raises(UserError, match=r"more holds no images \(1 files: no image"):
        index(tree(tmp_path / "more", {"x.txt": b"x"}))
