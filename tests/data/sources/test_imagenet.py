import hashlib
import io
import logging
import shutil
import tarfile

import pytest

from fourlenses.core.errors import UserError
from fourlenses.data.conversion.convert import write_beton
from fourlenses.data.manifest.manifest import hierarchy_of, read_manifest, write_manifest
from fourlenses.data.sources import imagenet as source
from fourlenses.data.sources.ilsvrc.truth import TRUTH
from tests.helpers.archives import extract_all
from tests.helpers.layouts import tar
from tests.helpers.layouts.imagenet_inat21 import WNIDS, make_imagenet
from tests.helpers.pictures import contents, jpeg_bytes

TRAIN, VAL, DEVKIT = (
    "ILSVRC2012_img_train.tar",
    "ILSVRC2012_img_val.tar",
    "ILSVRC2012_devkit_t12.tar.gz",
)


@pytest.fixture
def archives(tmp_path):
    return make_imagenet(tmp_path / "archives", train=3, test=2)


@pytest.fixture
def folders(tmp_path):
    return make_imagenet(tmp_path / "folders", train=3, test=2, extracted=True)


def index(made, **keys):
    definition, raw_data = made
    return source.index("in1k", {**definition, **keys}, raw_data)


def images_of(made):
    definition, raw_data = made
    manifest = index(made)
    return dict(
        zip(
            manifest["id"],
            contents(source.images("in1k", definition, raw_data, manifest=manifest, size=32)),
            strict=True,
        )
    )


def members_of(file):
    with tarfile.open(file) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}


def test_archives_and_folders_give_the_same_images_under_the_same_ids(archives, folders):
    one, other = index(archives), index(folders)
    columns = [column for column in one if column != "path"]
    sort = [
        table[columns].astype(str).sort_values("id", ignore_index=True) for table in (one, other)
    ]
    assert sort[0].equals(sort[1])
    assert "train/n01440764/n01440764_0.JPEG" in set(one["id"])
    assert "val/n01443537/ILSVRC2012_val_00000002.JPEG" in set(one["id"])
    assert dict(one["split"].value_counts()) == {"train": 15, "test": 10}
    assert set(zip(one["width"], one["height"], strict=True)) == {(40, 36)}
    assert images_of(archives) == images_of(folders)


def test_parts_may_be_mixed_and_val_flat(archives, folders):
    root = archives[1] / "imagenet"
    shutil.rmtree(folders[1] / "imagenet" / "val")
    with tarfile.open(root / VAL) as archive:
        extract_all(archive, folders[1] / "imagenet" / "val")
    kit = members_of(root / DEVKIT)
    (folders[1] / "imagenet" / TRUTH).write_bytes(kit[f"ILSVRC2012_devkit_t12/data/{TRUTH}"])
    assert images_of(archives) == images_of(folders)


def test_a_folder_of_class_tars_is_read_as_it_is(archives):
    before, root = images_of(archives), archives[1] / "imagenet"
    with tarfile.open(root / TRAIN) as archive:
        extract_all(archive, root / "train")
    (root / TRAIN).unlink()
    assert images_of(archives) == before


def test_levels_are_depths_of_wordnet(archives, caplog):
    caplog.set_level(logging.INFO)
    hierarchy = hierarchy_of(index(archives))
    assert hierarchy.names == [*(f"depth{depth}" for depth in range(1, 18)), "class"]
    assert hierarchy.classes[-1] == sorted(WNIDS)
    # 3: whole; 4: living thing, artifact; 8: vertebrate, and the crane that lifts at its own depth;
    # 9: fish, bird, mammal apart
    assert [len(hierarchy.classes[depth - 1]) for depth in (3, 4, 8, 9)] == [1, 2, 2, 4]
    assert "in1k: depth 6: 2 labels (the paper: 95, of 1000 classes)" in caplog.text


def test_a_manifest_survives_its_file(archives, tmp_path):
    manifest = index(archives)
    write_manifest(manifest, tmp_path / "manifest.parquet")
    again = read_manifest(tmp_path / "manifest.parquet")
    assert {column: list(again[column]) for column in again} == {
        column: manifest[column].tolist() for column in manifest
    }
    assert hierarchy_of(again).classes == hierarchy_of(manifest).classes


def test_a_beton_is_written_from_the_archives(archives, tmp_path):
    definition, raw_data = archives
    manifest = index(archives)
    write_beton(
        "in1k",
        definition,
        raw_data,
        manifest=manifest,
        variant="clean",
        size=32,
        max_undecodable=0.0,
        output=tmp_path / "clean.beton",
        workers=1,
    )
    assert (tmp_path / "clean.json").exists()


def test_md5_sums_are_checked_and_named(archives, monkeypatch):
    root = archives[1] / "imagenet"
    sums = {
        name: hashlib.md5((root / name).read_bytes()).hexdigest() for name in (TRAIN, VAL, DEVKIT)
    }
    for name in sums:
        monkeypatch.setattr(source, "MD5", {**sums, name: source.MD5[name]})
        expected = (
            rf"imagenet/{name} has md5 {sums[name]}, expected {source.MD5[name]}: .*fetch it again,"
            " or set 'datasets.in1k.verify'"
        )
        with pytest.raises(UserError, match=expected):
            index(archives, verify=True)
        monkeypatch.undo()
    monkeypatch.setattr(source, "MD5", sums)
    assert len(index(archives, verify=True)) == 25


def _cut(root, at):
    file = root / TRAIN
    file.write_bytes(file.read_bytes()[:at])


def _truncate_inner(root):
    members = members_of(root / TRAIN)
    with tarfile.open(fileobj=io.BytesIO(members["n01443537.tar"])) as inner:
        cut = inner.getmembers()[2].offset
    tar(root / TRAIN, {**members, "n01443537.tar": members["n01443537.tar"][:cut]})


def _rename_class(root):
    members = members_of(root / TRAIN)
    members["n99999999.tar"] = members.pop("n01443537.tar")
    tar(root / TRAIN, members)


def _truth(text):
    return lambda root: tar(root / DEVKIT, {f"kit/data/{TRUTH}": text}, "w:gz")


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (
            lambda root: (root / TRAIN).unlink(),
            r"in1k.path'.*holds no training images of ILSVRC2012; expected one of \S*train.tar, "
            r"train;",
        ),
        (
            lambda root: (root / VAL).unlink(),
            r"holds no validation images of ILSVRC2012; expected one of ILSVRC2012_img_val.tar, "
            r"val;",
        ),
        (
            lambda root: (root / DEVKIT).unlink(),
            r"val.tar lie in no class folders, and .* holds no ILSVRC2012_devkit_t12.tar.gz, "
            r".*val/<wnid>/",
        ),
        (
            lambda root: tar(root / DEVKIT, {"readme.txt": b""}, "w:gz"),
            r"devkit_t12.tar.gz holds no ILSVRC2012_validation_ground_truth.txt",
        ),
        (
            _truth(b"449\n1001\n"),
            r"says '1001' of image 2, which is no whole number from 1 to 1000",
        ),
        (
            _truth(b"449\n450\n"),
            r"ILSVRC2012_val_00000003.JPEG' .* is not one of .*00000001.JPEG to "
            r"ILSVRC2012_val_00000002.JPEG",
        ),
        (
            _truth(b"449\n450\n429\n545\n449\n" * 2),
            r"1 classes of .*train.tar have no image in .*val.tar, e.g. 'n02124075'; complete",
        ),
        (
            _truth(b"449\n450\n429\n545\n1\n" * 2),
            r"classes of .*train.tar have no image in .*val.tar, e.g. 'n02124075'",
        ),
        (
            _rename_class,
            r"'\S*train.tar/n99999999.tar/n01443537_0.JPEG' lies in 'n99999999', which is none "
            r"of the 1000 classes",
        ),
        (
            _truncate_inner,
            r"train.tar is damaged or truncated after 5 files \(ReadError: in n01443537.tar: no "
            r"end-of-archive mark\)",
        ),
        (
            lambda root: _cut(root, 30000),
            r"train.tar is damaged or truncated after \d+ files \(ReadError: in n\d+.tar: ",
        ),
        (
            lambda root: tar(root / TRAIN, {}),
            r"train.tar holds no images \(files named .jpeg, .jpg, .png",
        ),
    ],
)
def test_mistakes(archives, break_it, message):
    break_it(archives[1] / "imagenet")
    with pytest.raises(UserError, match=message):
        index(archives)


def test_an_image_that_went_away_after_indexing(folders):
    definition, raw_data = folders
    manifest = index(folders)
    (raw_data / "imagenet/train/n01440764/n01440764_1.JPEG").unlink()
    with pytest.raises(
        UserError,
        match=r"train/n01440764/n01440764_1.JPEG' is no longer where it was .*delete "
        r"data/in1k/manifest.parquet",
    ):
        contents(source.images("in1k", definition, raw_data, manifest=manifest, size=32))


def test_what_is_no_image_is_passed_over(folders):
    root = folders[1] / "imagenet"
    (root / "train/n01440764/.DS_Store").write_bytes(b"")
    (root / "train/n01440764/._n01440764_0.JPEG").write_bytes(b"")
    (root / "train/n01440764/broken.JPEG").write_bytes(jpeg_bytes(1)[:20])
    manifest = index(folders).set_index("id")
    assert len(manifest) == 26
    assert (
        manifest.loc["train/n01440764/broken.JPEG", "width"] == 0
    )  # listed: the conversion says why it is left out


def test_all_classes_with_too_few_images_are_warned_about(tmp_path, caplog, monkeypatch):
    made = make_imagenet(tmp_path / "few", train=3, test=2)
    wordnet = source.read_wordnet()
    wordnet.numbers.update({wnid: wordnet.numbers.pop(wnid) for wnid in WNIDS})
    for wnid in set(wordnet.numbers) - set(WNIDS):
        del wordnet.numbers[wnid]
    monkeypatch.setattr(source, "read_wordnet", lambda: wordnet)
    index(made)
    assert (
        "{'train': 15, 'test': 10} images, where ILSVRC2012 has {'train': 1281167, 'test': 50000}"
        in caplog.text
    )
