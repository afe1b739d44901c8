"""Test images of a target among the images that a study pretrains on: found, named, excluded."""

import csv

import pytest

from fourlenses.check.check import CheckSettings, check_dataset
from fourlenses.check.overlaps import Target
from fourlenses.check.report import summary
from fourlenses.data.dataset import index_dataset
from fourlenses.study import Cell, Plan, Run
from fourlenses.workflow.needs import compared_targets
from tests.helpers.check_images import get, make_pets, saved, scene

PETS = {"source": "image_folder", "path": "pets"}
MORE = {"source": "unlabelled", "path": "more"}


@pytest.fixture
def folder(tmp_path):
    """pets/ (12 training and 5 test images of each class), and 20 others without labels."""
    make_pets(tmp_path)
    (tmp_path / "more").mkdir()
    for number in range(20):
        data = saved(scene(90_000 + number), quality=92)
        (tmp_path / "more" / f"{number}.jpg").write_bytes(data)
    return tmp_path


def check(folder, *, out="check", **keys):
    definition = {**MORE, **keys}
    target = Target(name="pets", definition=PETS, manifest=index_dataset("pets", PETS, folder))
    return check_dataset(
        "more",
        definition,
        folder,
        manifest=index_dataset("more", definition, folder),
        settings=CheckSettings(image_size=32, stored_size=32),
        folder=folder / out,
        workers=1,
        targets=[target],
    )


def rows(folder, out="check"):
    with open(folder / out / "overlaps.csv", newline="") as file:
        return list(csv.DictReader(file))


def plant(folder):
    """A test image as it is, one recompressed, one smaller; a training image; a copy twice."""
    from PIL import Image

    def put(name, data):
        (folder / "more" / name).write_bytes(data)

    put("same.jpg", get(folder, "val/cat/0.jpg"))
    put("again.jpg", get(folder, "val/cat/0.jpg"))
    put("poor.jpg", saved(Image.open(folder / "pets/val/dog/1.jpg"), quality=40))
    small = Image.open(folder / "pets/val/eel/2.jpg").resize((60, 45))
    put("small.png", saved(small, "PNG"))
    put("training.jpg", get(folder, "train/cat/0.jpg"))


def test_nothing_is_said_of_different_images(folder):
    report = check(folder)
    assert report["overlaps"]["pets"]["images"] == 0
    assert report["overlaps"]["pets"]["test_images"] == 15
    assert not any("test images of" in problem["what"] for problem in report["findings"])
    assert rows(folder) == []


def test_copies_of_test_images_are_found_and_training_images_are_not(folder):
    plant(folder)
    report = check(folder)
    assert report["overlaps"]["pets"] == {
        "test_images": 15,
        "copied": 3,
        "images": 4,
        "kinds": {"same file": 2, "same pixels": 0, "near": 2},
    }
    assert {(row["id"], row["target_id"], row["likeness"]) for row in rows(folder)} == {
        ("same.jpg", "val/cat/0.jpg", "same file"),
        ("again.jpg", "val/cat/0.jpg", "same file"),
        ("poor.jpg", "val/dog/1.jpg", "near"),
        ("small.png", "val/eel/2.jpg", "near"),
    }
    (problem,) = [each for each in report["findings"] if "test images of" in each["what"]]
    assert problem["what"] == (
        "4 training images are copies (2 same file, 2 near) of 3 of the 15 test images of 'pets': "
        "an encoder pretrained on them has seen what it is tested on"
    )
    assert "overlaps    copies of test images: 4 of pets" in summary(report)
    assert "| pets | 15 | 3 | 4 |" in (folder / "check" / "report.md").read_text()


def test_a_copy_of_the_table_excludes_them(folder):
    plant(folder)
    check(folder)
    (folder / "check" / "overlaps.csv").rename(folder / "seen.csv")
    report = check(folder, exclude="seen.csv")
    assert report["overlaps"]["pets"]["images"] == 0
    assert report["images"] == 21
    assert report["skipped"]["excluded by seen.csv"]["files"] == 4


def test_the_files_do_not_depend_on_the_run(folder):
    plant(folder)
    check(folder)
    first = (folder / "check" / "overlaps.csv").read_bytes()
    check(folder, out="second")
    assert (folder / "second" / "overlaps.csv").read_bytes() == first


def test_what_is_pretrained_on_is_compared_with_all_other_targets():
    cells = [("more-all", "pets"), ("more-all", "birds"), ("pets-all", "pets")]
    plan = Plan(
        {
            Cell(
                run=Run("simclr", source, 0), target=target, labelled="all", protocol="linear"
            ): set()
            for source, target in cells
        }
    )
    assert compared_targets(plan, "more") == ["birds", "pets"]
    assert compared_targets(plan, "pets") == ["birds"]
    assert compared_targets(plan, "birds") == []  # nothing is pretrained on it
