"""Betons that FFCV's own DatasetWriter wrote are a source, without the images."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json
from fourlenses.data.beton.foreign import KINDS, ForeignBeton
from fourlenses.data.beton.reader import Beton
from fourlenses.data.conversion.convert import write_beton
from fourlenses.data.images.content import Undecodable
from fourlenses.data.images.decode import decode
from fourlenses.data.manifest.manifest import hierarchy_of, read_manifest, write_manifest
from fourlenses.data.sources import beton as source

IMAGES = 11
# a smooth picture of a size of its own each, so that JPEG changes it little
WRITE = """
import sys
import numpy as np
from ffcv.fields import FloatField, IntField, JSONField, NDArrayField, RGBImageField
from ffcv.writer import DatasetWriter
from tests.data.sources.test_beton import IMAGES, label_of, picture

class Images:
    def __init__(self, names): self.names = names
    def __len__(self): return IMAGES
    def __getitem__(self, k):
        parts = {"weight": 0.5, "meta": {"k": int(k)}, "vector": np.arange(3.0), "other": 100 + k}
        return tuple(
            parts.get(name, picture(k) if name in ("image", "photo") else label_of(k))
            for name in self.names
        )

def write(file, names, mode):
    kinds = {
        "weight": FloatField(), "meta": JSONField(), "other": IntField(),
        "vector": NDArrayField(np.dtype("f8"), (3,)),
    }
    image = RGBImageField(write_mode=mode, smart_threshold=2500, jpeg_quality=95)
    fields = {
        name: kinds.get(name, image if name in ("image", "photo") else IntField())
        for name in names
    }
    DatasetWriter(file, fields, num_workers=2).from_indexed_dataset(Images(names), chunksize=3)

if __name__ == "__main__":
    folder = sys.argv[1]
    write(f"{folder}/raw.beton", ["image", "label"], "raw")
    write(f"{folder}/jpg.beton", ["label", "image"], "jpg")
    write(f"{folder}/smart.beton", ["weight", "photo", "meta", "vector", "target"], "smart")
    write(f"{folder}/two.beton", ["image", "coarse", "other"], "raw")
    write(f"{folder}/none.beton", ["image", "weight"], "raw")
"""


def picture(k: int) -> np.ndarray:
    rows, columns = np.mgrid[0 : 24 + k, 0 : 30 + k]
    return np.stack([rows * 4 + k, columns * 3, 0 * rows + 20 * k], 2).astype(np.uint8)


def label_of(k: int) -> int:
    return k % 4


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("betons")
    # in a process of its own: FFCV's writer forks
    done = subprocess.run(
        [sys.executable, "-c", WRITE, str(folder)], capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr
    return folder


def pixels_of(content: bytes | np.ndarray | Undecodable) -> np.ndarray:
    assert not isinstance(content, Undecodable), content
    return np.array(decode(content)) if isinstance(content, bytes) else content


def test_the_layout_is_ffcv_s() -> None:
    from ffcv.types import TYPE_ID_HANDLER

    for number, (name, kind) in KINDS.items():
        handler = TYPE_ID_HANDLER[number]
        assert handler.__name__ == name
        made = handler(np.dtype("f8"), (3,)) if name == "NDArrayField" else None
        if name != "TorchTensorField":  # as NDArrayField
            assert (made or handler()).metadata_type == kind


@pytest.mark.parametrize(
    ("file", "keys", "error"),
    [("raw.beton", {}, 0), ("jpg.beton", {}, 8), ("smart.beton", {}, 8)],
)
def test_images_and_labels(written: Path, file: str, keys: dict, error: int) -> None:
    definition = {"source": "beton", "path": file, **keys}
    manifest = source.index("pets", definition, written)
    stem = file.removesuffix(".beton")
    assert manifest["id"].tolist() == [f"{stem}/{k}" for k in range(IMAGES)]
    assert manifest["level:class"].tolist() == [str(label_of(k)) for k in range(IMAGES)]
    assert manifest["width"].tolist() == [30 + k for k in range(IMAGES)]
    assert set(manifest["split"]) == {"train", "test"}
    contents = list(source.images("pets", definition, written, manifest=manifest, size=32))
    for k, content in enumerate(contents):
        difference = np.abs(pixels_of(content()).astype(int) - picture(k))
        assert difference.max() <= error, k
    kinds = {type(content()) for content in contents}
    assert kinds == {"raw": {np.ndarray}, "jpg": {bytes}, "smart": {np.ndarray, bytes}}[stem]


def test_ffcv_s_files_of_train_and_val(written: Path, tmp_path: Path) -> None:
    for split, file in (("train", "raw"), ("val", "jpg")):
        (tmp_path / f"pets_{split}.beton").symlink_to(written / f"{file}.beton")
    names = ["ant", "bee", "cat", "dog"]
    definition = {"source": "beton", "path": ".", "class_names": names}
    manifest = source.index("pets", definition, tmp_path)
    assert manifest["split"].tolist() == ["train"] * IMAGES + ["test"] * IMAGES
    assert hierarchy_of(manifest).classes == [names]
    write_manifest(manifest, tmp_path / "manifest.parquet")
    output = tmp_path / "clean.beton"
    write_beton(
        "pets",
        definition,
        tmp_path,
        manifest=read_manifest(tmp_path / "manifest.parquet"),
        variant="clean",
        size=20,
        max_undecodable=0.0,
        output=output,
        workers=2,
    )
    assert read_json(output.with_suffix(".json"))["images"] == {"train": IMAGES, "test": IMAGES}
    assert Beton(output).label.tolist() == [label_of(k) for k in range(IMAGES)] * 2


def test_a_number_s_name_is_as_long_in_both_files(written: Path, monkeypatch) -> None:
    labels = np.array([3, 12, 100])
    assert source._classes({}, labels) == ["003", "012", "100"]


@pytest.mark.parametrize(
    ("file", "keys", "message"),
    [
        ("two.beton", {}, r"label_field': .*2 fields of kind IntField; name the one"),
        ("none.beton", {}, r"label_field': .*0 fields of kind IntField.*weight \(FloatField\)"),
        ("raw.beton", {"label_field": "lable"}, r"no field 'lable' .*did you mean 'label'"),
        ("raw.beton", {"class_names": ["a", "b"]}, r"sample 2: the label is 2, but the 2 of"),
        ("raw.beton", {"image_field": "label"}, r"no field 'label' of kind RGBImageField"),
    ],
)
def test_fields_that_do_not_fit(written: Path, file: str, keys: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        source.index("pets", {"source": "beton", "path": file, **keys}, written)


def test_another_field_can_be_the_label(written: Path) -> None:
    definition = {"source": "beton", "path": "two.beton", "label_field": "other"}
    manifest = source.index("pets", definition, written)
    assert manifest["level:class"].tolist() == [str(100 + k) for k in range(IMAGES)]


def test_damage(written: Path, tmp_path: Path) -> None:
    whole = (written / "raw.beton").read_bytes()
    damaged = tmp_path / "damaged.beton"
    for content, message in (
        (whole[:100], "is no whole beton"),
        (b"PK" + whole[2:], "is no beton that FFCV wrote"),
        (whole[:8] + b"\xff" * 8 + whole[16:], "is no whole beton"),
        (whole[:16] + bytes(8) + whole[24:], "was not finished"),
    ):
        damaged.write_bytes(content)
        with pytest.raises(UserError, match=message):
            ForeignBeton(damaged)
    beton = ForeignBeton(written / "raw.beton")
    start = int(beton.column("image")["data_ptr"][4])
    place = whole.index(start.to_bytes(8, "little"))
    damaged.write_bytes(whole[:place] + (start + 1).to_bytes(8, "little") + whole[place + 8 :])
    one = ForeignBeton(damaged).picture("image", 4)
    assert isinstance(one, Undecodable)
    assert isinstance(ForeignBeton(damaged).picture("image", 5), np.ndarray)
