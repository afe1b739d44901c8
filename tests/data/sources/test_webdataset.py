"""Shards of WebDataset: labels in .cls or in a json, splits by their names, what is refused."""

import pytest

from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json
from fourlenses.data.conversion.convert import write_beton
from fourlenses.data.manifest.manifest import hierarchy_of, read_manifest, write_manifest
from fourlenses.data.manifest.skipped import skipped_of
from fourlenses.data.sources import image_folder, unlabelled
from fourlenses.data.sources import webdataset as source
from tests.helpers.layouts import generic as layouts
from tests.helpers.layouts import tar
from tests.helpers.layouts.generic import ANIMALS, LISTED, PICTURES
from tests.helpers.pictures import jpeg_bytes

ONE = {"source": "webdataset", "path": "set.tar"}


def indexed(definition, raw):
    return source.index("animals", definition, raw)


def contents(definition, raw, manifest):
    every = source.images("animals", definition, raw, manifest=manifest, size=32)
    return [each() if callable(each) else each for each in every]


def one_shard(folder, **files):
    """Write set.tar: names are given with __ for dots and as bytes or text."""
    members = {
        name.replace("__", "."): data if isinstance(data, bytes) else str(data).encode()
        for name, data in files.items()
    }
    tar(folder / "set.tar", members)
    return ONE, folder


@pytest.mark.parametrize("kind", ["json", "cls"])
def test_shards_of_two_splits(tmp_path, kind):
    names = {} if kind == "json" else {"class_names": list(ANIMALS)}
    definition, raw = layouts.webdataset(tmp_path, kind, **names)
    manifest = indexed(definition, raw)
    assert manifest["level:class"].tolist() == [label for _, label, _ in LISTED]
    assert manifest["split"].tolist() == [
        {"val": "test"}.get(split, split) for _, _, split in LISTED
    ]
    assert manifest["id"][15] == "train-0001/0000.jpg"
    assert (manifest["width"] > 0).all()
    assert contents(definition, raw, manifest) == [PICTURES[file] for file, _, _ in LISTED]
    if kind == "json":
        assert hierarchy_of(manifest).classes == [["insect", "mammal"], ["ant", "bee", "cat"]]


def test_numbers_stay_numbers_and_a_split_is_drawn(tmp_path):
    files = {f"a/{n}.{end}": data for n in range(40) for end, data in
             (("jpg", jpeg_bytes(n)), ("cls", str(n % 3).encode()))}  # fmt: skip
    tar(tmp_path / "set.tar", files)
    manifest = indexed(ONE | {"seed": 2}, tmp_path)
    assert manifest["level:class"].tolist()[:4] == ["0", "1", "2", "0"]
    assert set(manifest["split"]) == {"train", "test"}
    assert manifest["id"][0] == "set/a/0.jpg"
    assert contents(ONE, tmp_path, manifest) == [files[f"a/{n}.jpg"] for n in range(40)]


def test_dots_case_and_more_files_of_a_sample(tmp_path):
    files = {}
    for n in range(6):
        files |= {f"x{n}.left.JPG": jpeg_bytes(n), f"x{n}.right.jpg": jpeg_bytes(n + 9)}
        files |= {f"x{n}.CLS": b"fish\n", f"x{n}.txt": b"a caption", f"x{n}.mask.npy": b"x"}
    tar(tmp_path / "set.tar", files)
    with pytest.raises(UserError, match=r"animals.image_file': sample 'x0' .*left.jpg, right.jpg"):
        indexed(ONE, tmp_path)
    definition = ONE | {"image_file": "left.jpg"}
    manifest = indexed(definition, tmp_path)
    assert set(manifest["level:class"]) == {"fish"}
    assert contents(definition, tmp_path, manifest) == [files[f"x{n}.left.JPG"] for n in range(6)]


def test_what_is_skipped_is_counted(tmp_path):
    definition, raw = one_shard(
        tmp_path, a__jpg=jpeg_bytes(1), a__cls=1, b__cls=2, README="x", __MACOSX__jpg=b"x"
    )
    skipped = skipped_of(indexed(definition, raw))
    assert {reason: entry["files"] for reason, entry in skipped.items()}["no ending"] == 1
    assert skipped["no image in this sample"]["example"] == "set.tar/b"


@pytest.mark.parametrize(
    ("files", "keys", "message"),
    [
        ({"a__jpg": b"x", "a__txt": "1"}, {}, "label_file': sample 'a' .* no file .cls; its files"),
        ({"a__jpg": b"x", "a__cls": "-1"}, {}, "'-1' as its label"),
        ({"a__jpg": b"x", "a__cls": "7"}, {"class_names": ["p"]}, "class_names': the label .* '7'"),
        ({"a__jpg": b"x", "a__cls": "p"}, {"class_names": ["p"]}, "a number from 0 to 0"),
        ({"a__jpg": b"x", "a__json": "[1]"}, {"label_field": "y"}, "no .json that holds fields"),
        ({"a__jpg": b"x", "a__json": "[" * 99999}, {"label_field": "y"}, "no .json that holds"),
        (
            {"a__jpg": b"x", "a__json": '{"label": 1}'},
            {"label_field": "lable"},
            r"label_field': .* no field 'lable' \(did you mean 'label'\?\)",
        ),
        ({"a__jpg": b"x", "a__json": '{"y": [1]}'}, {"label_field": "y"}, r"is \[1\]; a label is"),
        ({"a__jpg": b"x", "a__cls": 1, "b__jpg": b"x", "b__cls": 1, "a__png": b"x"}, {}, "more"),
        ({"a__cls": 1}, {}, "hold no images"),
    ],
)
def test_what_is_refused(tmp_path, files, keys, message):
    definition, raw = one_shard(tmp_path, **files)
    with pytest.raises(UserError, match=message):
        indexed(definition | keys, raw)


def test_a_shard_that_breaks_off(tmp_path):
    definition, raw = layouts.webdataset(tmp_path, "cls")
    shard = raw / "set/train-0001.tar"
    shard.write_bytes(shard.read_bytes()[:-9000])
    with pytest.raises(UserError, match=r"train-0001.tar is damaged or truncated after \d+ files"):
        indexed(definition, raw)


def test_other_sources_name_this_one(tmp_path):
    _, raw = layouts.webdataset(tmp_path, "cls")
    for path, message in (
        ("set", "'datasets.animals.source' to webdataset"),
        ("set/train-0000.tar", "a .cls file for each image"),
    ):
        with pytest.raises(UserError, match=message):
            image_folder.index("animals", {"source": "image_folder", "path": path}, raw)
    alone = unlabelled.index("more", {"source": "unlabelled", "path": "set/train-0000.tar"}, raw)
    assert len(alone) == 15


def test_from_shards_to_a_beton(tmp_path):
    definition, raw = layouts.webdataset(tmp_path)
    write_manifest(indexed(definition, raw), tmp_path / "m.parquet")
    write_beton(
        "animals",
        definition,
        raw,
        manifest=read_manifest(tmp_path / "m.parquet"),
        variant="clean",
        size=24,
        max_undecodable=0.0,
        output=tmp_path / "clean.beton",
        workers=1,
    )
    assert read_json(tmp_path / "clean.json")["images"] == {"train": 24, "test": 6}
