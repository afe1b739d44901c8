"""Flowers-102 as published: the labels and splits that torchvision reads from the same files."""

import hashlib

import numpy as np
import pytest
from torchvision.datasets import Flowers102

from fourlenses.core.errors import UserError
from fourlenses.data.download.registry import md5_sums
from fourlenses.data.sources import flowers102 as source
from fourlenses.data.sources.flowers102 import matlab
from tests.helpers.layouts.flowers102 import make_flowers102
from tests.helpers.layouts.flowers102 import matlab as matlab_bytes


@pytest.mark.parametrize("extracted", [False, True])
def test_the_same_as_torchvision(tmp_path, monkeypatch, extracted):
    definition, raw = make_flowers102(tmp_path, extracted=extracted)
    manifest = source.index("flowers", definition, raw).set_index("id")
    make_flowers102(tmp_path / "theirs", extracted=True)
    (tmp_path / "theirs" / "flowers").rename(tmp_path / "theirs" / "flowers-102")
    monkeypatch.setattr(Flowers102, "_check_integrity", lambda _: True)
    seen = set()
    for part, split in (("train", "train"), ("val", "train"), ("test", "test")):
        theirs = Flowers102(tmp_path / "theirs", split=part)
        for file, label in zip(theirs._image_files, theirs._labels, strict=True):
            row = manifest.loc[file.stem]
            assert (row["split"], row["level:class"]) == (split, Flowers102.classes[label])
            seen.add(file.stem)
    assert seen == set(manifest.index)
    assert dict(manifest["split"].value_counts()) == {"train": 15, "test": 15}


def test_images_come_in_the_order_of_the_manifest(tmp_path):
    definition, raw = make_flowers102(tmp_path)
    manifest = source.index("flowers", definition, raw)
    images = list(source.images("flowers", definition, raw, manifest=manifest, size=32))
    files = [(raw / "flowers" / "jpg" / f"{name}.jpg") for name in manifest["id"]]
    make_flowers102(tmp_path, extracted=True)
    assert [np.asarray(bytearray(image)).tolist() for image in images] == [
        list(file.read_bytes()) for file in files
    ]


def test_another_file_than_the_published_one_is_refused(tmp_path):
    definition, raw = make_flowers102(tmp_path)
    with pytest.raises(UserError, match=r"imagelabels.mat has md5 \w+, the published one has e062"):
        source.index("flowers", {**definition, "verify": True}, raw)
    content = (raw / "flowers" / "setid.mat").read_bytes()
    md5 = hashlib.md5(content).hexdigest()
    numbers = matlab.read_numbers(raw / "flowers" / "setid.mat", ["trnid"], md5=md5)
    assert len(numbers["trnid"]) == 9


def test_sums_are_torchvisions():
    assert md5_sums("flowers102") == dict(Flowers102._file_dict.values())


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        (
            "setid.mat",
            b"MATLAB 5.0",
            r"setid.mat cannot be read as a MATLAB file with trnid",
        ),
        ("setid.mat", matlab_bytes({"trnid": np.array([1])}), r"KeyError: 'valid'.*download it"),
        (
            "imagelabels.mat",
            matlab_bytes({"labels": np.array([0.5])}),
            r"'labels' is no list of numbers from 1",
        ),
        (
            "imagelabels.mat",
            matlab_bytes({"labels": np.full(30, 103)}),
            r"has a class 103, Flowers-102 has 102",
        ),
        (
            "imagelabels.mat",
            matlab_bytes({"labels": np.array([1, 2])}),
            r"102flowers.tgz has '\S+', which imagelabels.mat and setid.mat do not list",
        ),
    ],
)
def test_damaged_files_are_named(tmp_path, file, content, message):
    definition, raw = make_flowers102(tmp_path)
    (raw / "flowers" / file).write_bytes(content)
    with pytest.raises(UserError, match=message):
        source.index("flowers", definition, raw)


def test_a_missing_file_is_named(tmp_path):
    definition, raw = make_flowers102(tmp_path)
    (raw / "flowers" / "setid.mat").unlink()
    with pytest.raises(UserError, match=r"holds no splits of Flowers-102; expected one of setid"):
        source.index("flowers", definition, raw)
