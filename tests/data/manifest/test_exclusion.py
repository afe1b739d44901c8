"""The key `exclude`: a list of ids, or the leaks of a check."""

import csv

import pytest

from fourlenses.check.check import CheckSettings, check_dataset
from fourlenses.core.errors import UserError
from fourlenses.data.dataset import images_of_dataset, index_dataset
from fourlenses.data.manifest.skipped import skipped_of
from tests.helpers.pictures import contents, jpeg_bytes
from tests.helpers.trees import tree

FILES = {"train/cat": 12, "train/dog": 12, "val/cat": 4, "val/dog": 4}


def index(tmp_path, **keys):
    return index_dataset("pets", {"source": "image_folder", "path": "pets", **keys}, tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "train/cat/0.jpg\nval/dog/1.jpg\n",
        "\ufefftrain/cat/0.jpg\r\nval/dog/1.jpg\r\n",
        "id\ntrain/cat/0.jpg\nval/dog/1.jpg\n",
        "reason,id\nblurred,train/cat/0.jpg\ntwo animals,val/dog/1.jpg\n",
    ],
)
def test_a_list_of_ids(tmp_path, text):
    tree(tmp_path / "pets", FILES)
    (tmp_path / "bad.csv").write_text(text, newline="")
    whole, manifest = index(tmp_path), index(tmp_path, exclude="bad.csv")
    gone = {"train/cat/0.jpg", "val/dog/1.jpg"}
    assert set(whole["id"]) - set(manifest["id"]) == gone
    assert len(manifest) == len(whole) - 2
    assert skipped_of(manifest)["excluded by bad.csv"]["files"] == 2


def test_the_images_of_the_rest_are_the_rest(tmp_path):
    tree(tmp_path / "pets", FILES, ".zip")
    (tmp_path / "bad.txt").write_text("train/cat/3.jpg\n")
    keys = {"path": "pets.zip", "exclude": "bad.txt"}
    definition = {"source": "image_folder", **keys}
    manifest = index(tmp_path, **keys)
    images = contents(images_of_dataset("pets", definition, tmp_path, manifest=manifest, size=32))
    assert len(images) == len(manifest) == 31
    assert images[list(manifest["id"]).index("train/cat/4.jpg")] == jpeg_bytes(4)


def test_all_but_the_first_of_a_group_of_copies_are_left_out_where_that_is_asked_for(tmp_path):
    tree(tmp_path / "pets", FILES)
    rows = [
        ("1", "no", "train", "train/cat/0.jpg"),
        ("1", "no", "train", "train/cat/1.jpg"),
        ("1", "no", "train", "train/cat/2.jpg"),
        ("2", "yes", "train", "train/dog/0.jpg"),
        ("2", "yes", "train", "train/dog/1.jpg"),
        ("2", "yes", "test", "val/cat/0.jpg"),
        ("3", "no", "test", "val/cat/1.jpg"),
        ("3", "no", "test", "val/cat/2.jpg"),
    ]
    lines = ["group,leak,split,id", *map(",".join, rows)]
    (tmp_path / "copies.csv").write_text("\n".join(lines))
    whole = set(index(tmp_path)["id"])
    leaks = {"train/dog/0.jpg", "train/dog/1.jpg"}
    assert whole - set(index(tmp_path, exclude="copies.csv")["id"]) == leaks
    manifest = index(tmp_path, exclude="copies.csv", exclude_copies=True)
    assert whole - set(manifest["id"]) == leaks | {"train/cat/1.jpg", "train/cat/2.jpg"}
    # of a group whose test image is left out instead, one training image stays
    keys = {"exclude_leaks_from": "test", "exclude_copies": True}
    manifest = index(tmp_path, exclude="copies.csv", **keys)
    copies = {"train/cat/1.jpg", "train/cat/2.jpg", "train/dog/1.jpg"}
    assert whole - set(manifest["id"]) == copies | {"val/cat/0.jpg"}


@pytest.mark.parametrize("side", ["train", "test"])
def test_leaks_of_a_check_are_left_out_without_deleting_a_file(tmp_path, side):
    tree(tmp_path / "pets", FILES)
    for name in ("0", "1"):  # two test images are training images too
        data = (tmp_path / f"pets/train/cat/{name}.jpg").read_bytes()
        (tmp_path / f"pets/val/cat/{name}.jpg").write_bytes(data)
    (tmp_path / "pets/train/dog/9.jpg").write_bytes(  # a copy that does not leak
        (tmp_path / "pets/train/dog/8.jpg").read_bytes()
    )

    def check(**keys):
        definition = {"source": "image_folder", "path": "pets", **keys}
        manifest = index_dataset("pets", definition, tmp_path)
        report = check_dataset(
            "pets",
            definition,
            tmp_path,
            manifest=manifest,
            settings=CheckSettings(image_size=32, stored_size=32),
            folder=tmp_path / "check",
            workers=1,
        )
        return manifest, sum(report["duplicates"]["leaked"].values())

    _, leaks = check()
    assert leaks == 2
    (tmp_path / "check" / "duplicates.csv").rename(tmp_path / "leaks.csv")
    keys = {} if side == "train" else {"exclude_leaks_from": "test"}
    manifest, leaks = check(exclude="leaks.csv", **keys)
    assert leaks == 0
    folder = "train" if side == "train" else "val"
    assert {f"{folder}/cat/0.jpg", f"{folder}/cat/1.jpg"} == set(index(tmp_path)["id"]) - set(
        manifest["id"]
    )
    with open(tmp_path / "check" / "duplicates.csv") as file:
        assert {row["leak"] for row in csv.DictReader(file)} == {"no"}


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("none.txt", None, r"exclude': .*none.txt cannot be read \(No such file"),
        (
            "a.txt",
            "cat.jpg\n",
            r"none of the 1 ids of .*a.txt is an image of the dataset",
        ),
        ("check/overlaps.csv", "id\n", r"which the next check writes again"),
        ("check/duplicates.csv", "id\n", r"which the next check writes again"),
    ],
)
def test_lists_that_cannot_be_used(tmp_path, file, text, message):
    tree(tmp_path / "pets", FILES)
    if text is not None:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text)
    with pytest.raises(UserError, match=message):
        index(tmp_path, exclude=file)


def test_ids_that_are_not_there_any_more_are_counted(tmp_path):
    tree(tmp_path / "pets", FILES)
    (tmp_path / "a.txt").write_text("train/cat/0.jpg\ngone.jpg\n")
    skipped = skipped_of(index(tmp_path, exclude="a.txt"))
    assert skipped["listed in a.txt, but not there to be excluded"]["example"] == "gone.jpg"


def test_several_lists_of_which_two_have_an_image(tmp_path):
    tree(tmp_path / "pets", FILES)
    (tmp_path / "a.txt").write_text("train/cat/0.jpg\ntrain/cat/1.jpg\n")
    (tmp_path / "b.csv").write_text("id,target\ntrain/cat/1.jpg,other\n")
    manifest = index(tmp_path, exclude=["a.txt", "b.csv"])
    assert set(index(tmp_path)["id"]) - set(manifest["id"]) == {
        "train/cat/0.jpg",
        "train/cat/1.jpg",
    }
    skipped = skipped_of(manifest)
    assert skipped["excluded by a.txt"]["files"] == 2
    assert skipped["excluded by b.csv"]["files"] == 1
