import io
import tarfile
import zipfile

import numpy as np
import pytest

from fourlenses.core.errors import UserError
from fourlenses.data.manifest.manifest import hierarchy_of, labels_of, write_manifest
from fourlenses.data.manifest.skipped import skipped_of
from fourlenses.data.sources import image_folder as source
from tests.helpers.pictures import jpeg_bytes


def index(path, **keys):
    return source.index(
        "animals", {"source": "image_folder", "path": path.name, **keys}, path.parent
    )


def test_directory_tar_and_zip_give_one_manifest(image_folder, image_archive):
    zipped = image_folder.with_suffix(".zip")
    with zipfile.ZipFile(zipped, "w") as archive:
        for file in sorted(image_folder.rglob("*")):
            archive.write(file, file.relative_to(image_folder.parent))
    tables = []
    for path in (image_folder, image_archive, zipped):
        table = index(path)
        table["path"] = table["path"].str.removeprefix("animals/")
        tables.append(table.sort_values("path", ignore_index=True))
    assert tables[0].equals(tables[1])
    assert tables[0].equals(tables[2])
    assert dict(tables[0]["split"].value_counts()) == {"train": 36, "test": 12}
    assert set(zip(tables[0]["width"], tables[0]["height"], strict=True)) == {(40, 36)}


def test_images_come_in_the_manifests_order(image_archive):
    definition = {"source": "image_folder", "path": image_archive.name}
    manifest = source.index("animals", definition, image_archive.parent)
    images = list(
        source.images("animals", definition, image_archive.parent, manifest=manifest, size=32)
    )
    with tarfile.open(image_archive) as archive:
        assert images == [archive.extractfile(path).read() for path in manifest["path"]]


def test_levels_come_from_the_class_table(image_archive):
    table = index(image_archive, levels=["path@1", "kind"])
    hierarchy = hierarchy_of(table)
    assert hierarchy.names == ["path_depth1", "kind", "class"]
    # a leaf shallower than the depth keeps its own label
    assert hierarchy.classes == [["cat", "insect"], ["insect", "mammal"], ["ant", "bee", "cat"]]
    assert hierarchy.table.tolist() == [[1, 0, 0], [1, 0, 1], [0, 1, 2]]
    assert np.array_equal(
        labels_of(table), [["ant", "bee", "cat"].index(name) for name in table["level:class"]]
    )


def test_without_a_split_a_seeded_one(image_folder):
    flat = image_folder / "train"
    one, again, other = index(flat, seed=1), index(flat, seed=1), index(flat, seed=2)
    assert one.equals(again)
    assert not one["split"].equals(other["split"])
    (flat / "ant" / "0.jpg").unlink()
    fewer = index(flat, seed=1).set_index("id")["split"]
    # the other images stay on their side when one goes
    assert (one.set_index("id")["split"].loc[fewer.index] == fewer).all()


def test_names_with_spaces_quotes_and_newlines(image_folder):
    odd = 'it\'s a "bee"\nwith $(touch x); spaces.jpg'
    (image_folder / "train" / "bee" / odd).write_bytes(jpeg_bytes(1))
    assert f"train/bee/{odd}" in set(index(image_folder)["id"])


def test_members_that_point_outside_are_only_names(tmp_path):
    archive = tmp_path / "evil.tar"
    with tarfile.open(archive, "w") as tar:
        for name in ("train/a/1.jpg", "val/a/1.jpg", "/train/../../escaped.jpg"):
            data = jpeg_bytes(1)
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("train/a/link.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    before = set(tmp_path.rglob("*"))
    with pytest.raises(
        UserError,
        match=r"evil.tar has a member named '/train/../../escaped.jpg', which points out of it",
    ):
        index(archive)
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("break_it", "keys", "message"),
    [
        (
            lambda path: path.unlink(),
            {},
            r"datasets.animals.path.*no file or directory .*animals.tar.gz.*raw_data",
        ),
        (
            lambda path: path.write_bytes(path.read_bytes()[:3000]),
            {},
            r"animals.tar.gz is damaged or truncated after \d+ files",
        ),
        (
            lambda path: path.write_bytes(b"not an archive"),
            {},
            r"damaged or truncated after 0 files",
        ),
        (
            lambda path: None,
            {"levels": ["genus"]},
            r"levels' names 'genus', which is no column of .*its columns: class, kind, path",
        ),
        (
            lambda path: None,
            {"levels": ["kind"], "classes": "taxa.csv"},
            r"no class table 'taxa.csv'",
        ),
        (lambda path: None, {"test_split": "test"}, r"test_split.*has the folders train, val"),
    ],
)
def test_mistakes(image_archive, break_it, keys, message):
    break_it(image_archive)
    with pytest.raises(UserError, match=message):
        index(image_archive, **keys)


def test_a_class_without_a_row_in_the_table(image_folder):
    (image_folder / "classes.csv").write_text("class,kind\nant,insect\nbee,insect\n")
    with pytest.raises(
        UserError, match=r"classes.csv: 1 classes of dataset 'animals' have no row, e.g. 'cat'"
    ):
        index(image_folder, levels=["kind"])


def test_a_plain_tar_that_breaks_off_between_members(image_folder):
    archive = image_folder.with_suffix(".tar")
    with tarfile.open(archive, "w") as tar:
        tar.add(image_folder, arcname="animals")
    with tarfile.open(archive) as tar:
        cut = tar.getmembers()[20].offset
    assert len(index(archive)) == 48
    archive.write_bytes(archive.read_bytes()[:cut])
    with pytest.raises(
        UserError,
        match=r"animals.tar is damaged or truncated after \d+ files \(EOFError: no end-of-archive "
        r"mark\)",
    ):
        index(archive)


def test_links_to_images_are_images(image_folder):
    (image_folder / "train/ant/linked.jpg").symlink_to(image_folder / "train/ant/0.jpg")
    assert "train/ant/linked.jpg" in set(index(image_folder)["id"])


@pytest.mark.parametrize("stray", ["logo.png", "extra/train/ant/0.jpg"])
def test_what_lies_next_to_the_splits_is_skipped_and_counted(image_folder, stray):
    before = index(image_folder)
    (image_folder / stray).parent.mkdir(parents=True, exist_ok=True)
    (image_folder / stray).write_bytes(jpeg_bytes(1))
    after = index(image_folder)
    assert after.equals(before)
    assert skipped_of(after) == {
        "next to the folders of the splits": {"files": 1, "images": 1, "example": stray}
    }


def test_folders_around_everything_are_looked_through_but_not_guessed_at(tmp_path, image_folder):
    deep = tmp_path / "outer" / "inner"
    deep.mkdir(parents=True)
    image_folder.rename(deep / "animals")
    assert dict(index(tmp_path / "outer")["split"].value_counts()) == {"train": 36, "test": 12}
    (tmp_path / "outer" / "other" / "x").mkdir(parents=True)
    (tmp_path / "outer" / "other" / "x" / "1.jpg").write_bytes(jpeg_bytes(1))
    with pytest.raises(
        UserError, match="lies in a folder named like a split, but there is no train/ with classes"
    ):
        index(tmp_path / "outer")


@pytest.mark.parametrize(
    ("table", "levels", "message"),
    [
        ("", ["kind"], "class table .*classes.csv lists nothing"),
        ("class,kind\nant,a\nant,b\nbee,a\ncat,c\n", ["kind"], "class 'ant' has more than one row"),
        (
            "class,kind\nant,a\nbee,a\ncat,c\n",
            ["kind@two"],
            "'kind@two' is not of the form column@depth",
        ),
    ],
)
def test_class_tables_that_cannot_be_used(image_folder, table, levels, message):
    (image_folder / "classes.csv").write_text(table)
    with pytest.raises(UserError, match=message):
        index(image_folder, levels=levels)


def test_of_several_parents_the_first_is_kept(image_folder):
    (image_folder / "classes.csv").write_text(
        "class,kind\nant,insect|pest\nbee,insect\ncat,mammal|pest\n"
    )
    assert hierarchy_of(index(image_folder, levels=["kind"])).classes[0] == ["insect", "mammal"]


def test_the_class_is_the_finest_level_wherever_it_is_named(image_folder):
    assert hierarchy_of(index(image_folder, levels=["class", "kind"])).names == ["kind", "class"]


def test_a_dataset_without_test_images(tmp_path, image_folder):
    manifest = index(image_folder)
    with pytest.raises(UserError, match="no test images were found"):
        write_manifest(manifest[manifest["split"] == "train"], tmp_path / "manifest.parquet")
