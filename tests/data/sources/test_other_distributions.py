"""The published datasets as Kaggle, Hugging Face, torchvision and others hand them out."""

import shutil
import tarfile
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fourlenses.core.errors import UserError
from fourlenses.data.conversion.convert import write_beton
from fourlenses.data.dataset import images_of_dataset, index_dataset
from fourlenses.data.manifest.manifest import read_manifest, write_manifest
from fourlenses.data.manifest.wordnet import read_wordnet
from tests.helpers.layouts.imagenet_inat21 import TAXA, WNIDS, make_imagenet, make_inat21
from tests.helpers.layouts.places365_glc20 import make_places365
from tests.helpers.pictures import contents, jpeg_bytes

SOLUTION = "LOC_val_solution.csv"


def by_id(definition, raw):
    manifest = index_dataset("set", definition, raw)
    images = contents(images_of_dataset("set", definition, raw, manifest=manifest, size=32))
    splits = dict(zip(manifest["id"], manifest["split"], strict=True))
    return dict(zip(manifest["id"], images, strict=True)), splits


@pytest.fixture
def published(tmp_path):
    """What the published archives give: images and splits by id."""
    return by_id(*make_imagenet(tmp_path / "published", train=3, test=2))


@pytest.fixture
def unpacked(tmp_path):
    _, raw = make_imagenet(tmp_path / "unpacked", train=3, test=2, extracted=True)
    return raw / "imagenet"


def kaggle(unpacked, root):
    """`ILSVRC/Data/CLS-LOC/{train,val,test}` with the list beside ILSVRC; return the rows."""
    images = root / "ILSVRC" / "Data" / "CLS-LOC"
    (images / "val").mkdir(parents=True)
    shutil.copytree(unpacked / "train", images / "train")
    rows = ["ImageId,PredictionString"]
    for file in sorted((unpacked / "val").rglob("*.JPEG"), key=lambda file: file.name):
        shutil.copy(file, images / "val" / file.name)
        rows.append(f"{file.stem},{file.parent.name} 1 2 3 4 {file.parent.name} 5 6 7 8")
    (images / "test").mkdir()
    (images / "test" / "ILSVRC2012_test_00000001.JPEG").write_bytes(b"no label")
    (root / "ILSVRC" / "Annotations").mkdir()
    (root / SOLUTION).write_text("\n".join([rows[0], *reversed(rows[1:])]))
    return root


@pytest.mark.parametrize(
    "path", ["kaggle", "kaggle/ILSVRC", "kaggle/ILSVRC/Data", "kaggle/ILSVRC/Data/CLS-LOC"]
)
def test_imagenet_of_kaggle(tmp_path, published, unpacked, path):
    kaggle(unpacked, tmp_path / "kaggle")
    assert by_id({"source": "imagenet", "path": path}, tmp_path) == published


@pytest.mark.parametrize("order", ["list first", "list last"])
def test_imagenet_of_kaggle_in_its_archive(tmp_path, published, unpacked, order):
    root = kaggle(unpacked, tmp_path / "kaggle")
    files = [file for file in sorted(root.rglob("*"), reverse=True) if file.is_file()]
    files.sort(key=lambda file: (file.name == SOLUTION) == (order == "list last"))
    with zipfile.ZipFile(tmp_path / "imagenet.zip", "w") as archive:
        for file in files:
            archive.write(file, file.relative_to(root))
    assert by_id({"source": "imagenet", "path": "imagenet.zip"}, tmp_path) == published


def numbered_folders(root):
    """Kaggle's subset of 100 classes: train.X1 to train.X4, val.X."""
    for number, folder in enumerate(sorted((root / "train").iterdir())):
        (root / f"train.X{number % 2 + 1}").mkdir(exist_ok=True)
        folder.rename(root / f"train.X{number % 2 + 1}" / folder.name)
    (root / "train").rmdir()
    (root / "val").rename(root / "val.X")
    (root / "Labels.json").write_text("{}")


def archive_names(root):
    (root / "train").rename(root / "ILSVRC2012_img_train")
    (root / "val").rename(root / "ILSVRC2012_img_val")


def other_endings(root):
    for number, file in enumerate(sorted(root.rglob("*.JPEG"))):
        file.rename(file.with_suffix([".jpg", ".png", ".jpeg", ".WEBP"][number % 4]))


def torchvisions(root):
    """What torchvision.datasets.ImageNet leaves next to the folders."""
    (root / "meta.bin").write_bytes(b"PK\3\4")


def links(root):
    folder = next((root / "train").iterdir())
    folder.rename(root.parent / folder.name)
    folder.symlink_to(root.parent / folder.name)


@pytest.mark.parametrize(
    "change", [numbered_folders, archive_names, other_endings, torchvisions, links]
)
def test_imagenet_in_other_folders_has_the_same_images(tmp_path, published, unpacked, change):
    change(unpacked)
    definition = {"source": "imagenet", "path": "imagenet", "verify": False}
    assert by_id(definition, unpacked.parent) == published


def test_smaller_images_next_to_kaggles_list(tmp_path, published, unpacked):
    other_endings(kaggle(unpacked, tmp_path / "kaggle"))
    assert by_id({"source": "imagenet", "path": "kaggle"}, tmp_path) == published


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ImageId,PredictionString\n", r"lists none; expected lines such as"),
        ("ILSVRC2012_val_00000001,n00000000 1 2\n", r"names 'n00000000', which is none of"),
        (None, r"Kaggle's LOC_val_solution.csv"),
        ("ILSVRC2012_val_00000001,n01440764 1 2\n", r"that .* or LOC_val_solution.csv has a"),
    ],
)
def test_kaggles_list_that_is_none(tmp_path, unpacked, text, message):
    root = kaggle(unpacked, tmp_path / "kaggle")
    (root / SOLUTION).unlink() if text is None else (root / SOLUTION).write_text(text)
    with pytest.raises(UserError, match=message):
        by_id({"source": "imagenet", "path": "kaggle"}, tmp_path)


def test_imagenet_of_hugging_faces_archives(tmp_path, published, unpacked):
    root = tmp_path / "hub" / "data"
    root.mkdir(parents=True)
    parts = {"train_images_0": WNIDS[:1], "train_images_1": WNIDS[1:], "val_images": None}
    for name, wnids in parts.items():
        folder = unpacked / ("val" if wnids is None else "train")
        with tarfile.open(root / f"{name}.tar.gz", "w:gz") as archive:
            for file in sorted(folder.rglob("*.JPEG"), key=lambda file: file.name):
                if wnids is None or file.parent.name in wnids:
                    archive.add(file, f"{file.stem}_{file.parent.name}.JPEG")
    (root / "test_images.tar.gz").write_bytes(b"never opened")
    assert by_id({"source": "imagenet", "path": "hub"}, tmp_path) == published


def parquet_of(unpacked, root, *, paths=True, shift=0):
    classes = sorted(read_wordnet().numbers)
    root.mkdir(parents=True)
    for split, folder in (("train", "train"), ("validation", "val")):
        files = sorted((unpacked / folder).rglob("*.JPEG"))
        images = [
            {
                "bytes": file.read_bytes(),
                "path": f"{file.stem}_{file.parent.name}.JPEG" if paths else None,
            }
            for file in files
        ]
        labels = [(classes.index(file.parent.name) + shift) % 1000 for file in files]
        table = pa.table({"image": images, "label": labels})
        pq.write_table(table, root / f"{split}-00000-of-00001.parquet")
    hidden = pa.table({"image": [{"bytes": b"x", "path": "t.JPEG"}], "label": [-1]})
    pq.write_table(hidden, root / "test-00000-of-00001.parquet")


@pytest.mark.parametrize("folder", ["data", ""])
def test_imagenet_of_hugging_faces_tables(tmp_path, published, unpacked, folder):
    parquet_of(unpacked, tmp_path / "hub" / folder)
    assert by_id({"source": "imagenet", "path": "hub"}, tmp_path) == published


def test_tables_without_names_have_the_same_classes(tmp_path, published, unpacked):
    parquet_of(unpacked, tmp_path / "hub", paths=False)
    images, splits = by_id({"source": "imagenet", "path": "hub"}, tmp_path)
    assert sorted(images.values()) == sorted(published[0].values())
    assert sorted(key.split("/")[1] for key in splits) == sorted(
        key.split("/")[1] for key in published[1]
    )


def test_labels_that_count_otherwise_are_an_error(tmp_path, unpacked):
    parquet_of(unpacked, tmp_path / "hub", shift=1)
    with pytest.raises(UserError, match=r"do not count the classes of ILSVRC2012 in their order"):
        by_id({"source": "imagenet", "path": "hub"}, tmp_path)


def test_from_hugging_faces_tables_to_a_beton(tmp_path, unpacked):
    parquet_of(unpacked, tmp_path / "hub")
    definition = {"source": "imagenet", "path": "hub"}
    write_manifest(index_dataset("in1k", definition, tmp_path), tmp_path / "m.parquet")
    write_beton(
        "in1k",
        definition,
        tmp_path,
        manifest=read_manifest(tmp_path / "m.parquet"),
        variant="clean",
        size=32,
        max_undecodable=0.0,
        output=tmp_path / "x.beton",
        workers=1,
    )


@pytest.mark.parametrize(
    ("train", "val"),
    [
        ("2021_train.tgz", "2021_valid.tgz"),
        ("train.tgz", "val.tar"),
        ("2021_train", "2021_valid"),
        ("Train", "Val"),
        ("train", "validation"),
        ("inat2021_train.tar.gz", "inat2021_val.tar.gz"),
        ("train.zip", "val.zip"),
    ],
)
def test_inat21_under_other_names(tmp_path, train, val):
    published = by_id(*make_inat21(tmp_path / "published", 2, 1))
    definition, raw = make_inat21(tmp_path / "other", 2, 1, extracted=True)
    for part, name in (("train", train), ("val", val)):
        folder = raw / "inat21" / part
        if "." not in name:
            folder.rename(folder.with_name("moved"))
            (raw / "inat21" / "moved").rename(raw / "inat21" / name)
            continue
        inside = name.partition(".")[0]
        if name.endswith(".zip"):
            with zipfile.ZipFile(raw / "inat21" / name, "w") as archive:
                for file in sorted(folder.rglob("*.jpg")):
                    archive.write(file, f"{inside}/{file.relative_to(folder)}")
        else:
            mode = "w:gz" if "gz" in name else "w"
            with tarfile.open(raw / "inat21" / name, mode) as archive:
                archive.add(folder, inside)
        shutil.rmtree(folder)
    assert by_id(definition, raw) == published
    assert len(published[0]) == 3 * len(TAXA)


@pytest.mark.parametrize(
    "change",
    [
        lambda split, folder: f"{split.capitalize()}/{folder}",
        lambda split, folder: f"{split}/{folder[0]}/{folder}",
        lambda split, folder: f"places365_standard/{split}/{folder.replace('-', '_')}",
        lambda split, folder: f"{ {'train': 'training', 'val': 'validation'}[split] }/{folder}",
        lambda split, folder: f"{split}/{folder.replace('-', ' ').title()}",
    ],
)
def test_places365_under_other_names(tmp_path, change):
    definition, raw = make_places365(tmp_path / "published", "easy_tree")
    published = by_id(definition, raw)
    other = tmp_path / "other" / "places"
    for file in (raw / "places").rglob("*.jpg"):
        split, folder, name = file.relative_to(raw / "places").parts
        target = other / change(split, folder) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    assert by_id({**definition, "path": "places"}, tmp_path / "other") == published


def test_places365_validation_in_a_folder_twice(tmp_path):
    definition, raw = make_places365(tmp_path, "torchvision_tree")
    published = by_id(definition, raw)
    val = raw / "places" / "val_256"
    val.rename(val.with_name("inner"))
    val.mkdir()
    (raw / "places" / "inner").rename(val / "val_256")
    assert by_id(definition, raw) == published


def test_flat_photographs_named_by_their_synset(tmp_path):

    folder = tmp_path / "imagenet-sample-images"
    folder.mkdir()
    for number, wnid in enumerate(sorted(read_wordnet().numbers)[:60]):
        (folder / f"{wnid}_name_{number}.JPEG").write_bytes(jpeg_bytes(number))
    (folder / "README.md").write_bytes(b"x")
    manifest = index_dataset("flat", {"source": "image_folder", "path": folder.name}, tmp_path)
    assert len(set(manifest["level:class"])) == len(manifest) == 60
