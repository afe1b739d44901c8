"""Each part of a dataset's report against what is known of the dataset."""

import csv
import math
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fourlenses.check.check import FILES
from fourlenses.check.counts import count_labels
from fourlenses.check.fingerprint import fingerprint
from fourlenses.check.problems import find_problems, verdict
from fourlenses.check.report import failure, is_usable, summary
from fourlenses.check.sheet_layout import CELL, HEAD, contact_sheet
from fourlenses.data.images.content import Undecodable
from fourlenses.data.images.decode import decode
from tests.helpers.check_images import DEFINITION, check, get, make_pets, put, saved, scene


def whats(report):
    return [finding["what"] for finding in report["findings"]]


def manifest(rows):
    """rows: (split, family, class, times)."""
    rows = [(split, family, name) for split, family, name, times in rows for _ in range(times)]
    table = pd.DataFrame(rows, columns=["split", "level:family", "level:class"])
    table["id"] = table["path"] = [str(number) for number in range(len(rows))]
    return table


def test_counts_per_split_level_and_class():
    table = manifest(
        [
            ("train", "F", "lynx", 30),
            ("train", "F", "puma", 10),
            ("train", "C", "wolf", 5),
            ("test", "F", "lynx", 4),
            ("test", "C", "fox", 2),
        ]
    )
    usable = np.ones(len(table), bool)
    usable[0] = False  # one lynx
    family, species = count_labels(table, usable, few_images=10)
    assert (family["level"], family["classes"], species["level"], species["classes"]) == (
        "family",
        2,
        "class",
        4,
    )
    assert species["images"] == {
        "fox": {"train": 0, "test": 2},
        "lynx": {"train": 29, "test": 4},
        "puma": {"train": 10, "test": 0},
        "wolf": {"train": 5, "test": 0},
    }
    assert species["train"] == {"images": 44, "min": 0, "median": 7.5, "max": 29}
    assert species["test"] == {"images": 6, "min": 0, "median": 1.0, "max": 4}
    assert family["images"] == {"C": {"train": 5, "test": 2}, "F": {"train": 39, "test": 4}}
    assert (species["few"], species["train_only"], species["test_only"]) == (
        ["wolf"],
        ["puma", "wolf"],
        ["fox"],
    )
    assert species["imbalance"] == 5.8
    shares = [29 / 44, 10 / 44, 5 / 44]
    entropy = -sum(share * math.log(share) for share in shares)
    assert species["effective_classes"] == pytest.approx(math.exp(entropy), abs=1e-3)
    assert species["evenness"] == pytest.approx(entropy / math.log(4), abs=1e-4)


def test_equal_classes_are_even():
    level = count_labels(
        manifest([("train", "F", name, 7) for name in "abcde"] + [("test", "F", "a", 1)]),
        np.ones(36, bool),
        10,
    )[-1]
    assert (level["effective_classes"], level["evenness"], level["imbalance"]) == (5.0, 1.0, 1.0)


def test_a_dataset_with_nothing_wrong(tmp_path):
    for name in ("cat", "dog"):
        for split, count in (("train", 12), ("val", 200)):
            for index in range(count):
                seed = index + 1000 * (name == "dog") + 500 * (split == "val")
                put(tmp_path, f"{split}/{name}/{index}.jpg", saved(scene(seed), quality=90))
    report = check(tmp_path)
    assert report["verdict"] == "ok", whats(report)
    assert report["findings"] == []
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == sorted(FILES)
    assert "verdict: ok" in summary(report)
    assert "Nothing stands out." in (tmp_path / "out/report.md").read_text()


def test_sizes_formats_and_modes(tmp_path):
    make_pets(tmp_path)
    put(tmp_path, "train/cat/wide.png", saved(scene(1, 300, 60), "PNG"))
    put(tmp_path, "train/cat/tiny.png", saved(scene(2, 20, 16).convert("L"), "PNG"))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned: 60 high as stored, 200 upright
    put(tmp_path, "train/cat/turned.jpg", saved(scene(3, 60, 200), exif=exif))
    report = check(tmp_path, image_size=100)
    assert report["kinds"] == {"JPEG RGB": 52, "PNG L": 1, "PNG RGB": 1}
    assert report["sizes"]["shortest_side"] == {"min": 16.0, "median": 90.0, "max": 90.0}
    assert report["sizes"]["aspect_ratio"] == {"min": 1.25, "median": 1.333, "max": 5.0}
    assert report["sizes"]["below_image_size"] == 1.0
    assert report["sizes"]["long"] == pytest.approx(2 / 54, abs=1e-6)
    assert any(
        "100 % of the images have a side below image_size (100 px)" in what
        for what in whats(report)
    )
    assert check(tmp_path, image_size=90)["sizes"]["below_image_size"] == pytest.approx(
        3 / 54, abs=1e-6
    )


def test_a_large_jpeg_is_looked_at_reduced_but_reported_whole():
    data = saved(scene(1, 1600, 1200), quality=90)
    seen = fingerprint(data, keep=True)
    assert (seen.width, seen.height) == (1600, 1200)
    assert seen.picture.size == (200, 150)
    whole = np.asarray(decode(data).resize((200, 150), Image.Resampling.BOX), int)
    assert np.abs(np.asarray(seen.picture, int) - whole).mean() < 1


def test_undecodable_files_are_listed_with_their_reason(tmp_path):
    make_pets(tmp_path)
    whole = get(tmp_path, "train/cat/0.jpg")
    bad = {
        "train/cat/cut.jpg": whole[: len(whole) // 2],
        "train/dog/empty.jpg": b"",
        "val/dog/text.png": b"no picture",
        "val/eel/cut.png": saved(scene(9), "PNG")[:900],
    }
    reasons = {}
    for name, data in bad.items():
        put(tmp_path, name, data)
        with pytest.raises(Undecodable) as error:
            decode(data)
        reasons[name] = str(error.value)
    report = check(tmp_path, max_undecodable=0.01)
    with open(tmp_path / "out/undecodable.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["path"] for row in rows} == set(bad)
    assert [
        row["reason"] for row in rows if row["path"] in ("train/cat/cut.jpg", "train/dog/empty.jpg")
    ] == [
        reasons["train/cat/cut.jpg"],
        "empty file",
    ]
    assert {row["split"] for row in rows if row["path"].startswith("val")} == {"test"}
    assert report["verdict"] == "not usable"
    assert not is_usable(report)
    assert (
        whats(report)[0]
        == "4 of 55 images (7.3 %) cannot be decoded, more than 'max_undecodable' (0.01) allows"
    )
    assert failure(report, tmp_path) == (
        f"dataset 'pets' is not usable: {whats(report)[0]}; "
        "repair or remove the files of undecodable.csv, or raise the key; "
        f"report: {tmp_path / 'report.md'}"
    )
    # what cannot be decoded does not count
    assert report["levels"][-1]["images"]["cat"]["train"] == 12
    assert check(tmp_path, max_undecodable=0.1)["verdict"] == "look at these"


def test_what_the_study_asks_for_has_to_be_there(tmp_path):
    make_pets(tmp_path)
    assert is_usable(check(tmp_path, asked=36))
    report = check(tmp_path, asked=37)
    assert whats(report)[0] == "the study asks for 37 training images; 36 are usable"
    assert report["verdict"] == "not usable"


def test_one_class_is_no_task(tmp_path):
    make_pets(tmp_path)
    for name in ("dog", "eel"):
        shutil.rmtree(tmp_path / "pets/train" / name)
    report = check(tmp_path)
    assert report["verdict"] == "not usable"
    assert "1 class has training images; a classifier needs two" in whats(report)
    assert any("2 classes ('dog', 'eel') without training images" in what for what in whats(report))


def test_levels_that_measure_nothing_are_pointed_out(tmp_path):
    make_pets(tmp_path)
    (tmp_path / "pets/classes.csv").write_text(
        "class,life,kind\ncat,animal,mammal\ndog,animal,beast\neel,animal,fish\n"
    )
    report = check(
        tmp_path, definition={**DEFINITION, "classes": "classes.csv", "levels": ["life", "kind"]}
    )
    assert [(level["level"], level["classes"]) for level in report["levels"]] == [
        ("life", 1),
        ("kind", 3),
        ("class", 3),
    ]
    assert any("level 'life' has one label only" in what for what in whats(report))
    assert any("levels 'kind' and 'class' both have 3 labels" in what for what in whats(report))


def test_the_files_depend_neither_on_the_number_of_processes_nor_on_the_run(tmp_path):
    make_pets(tmp_path)
    put(tmp_path, "val/cat/leak.jpg", get(tmp_path, "train/cat/0.jpg"))
    put(tmp_path, "train/eel/cut.jpg", get(tmp_path, "train/eel/1.jpg")[:300])
    for out, workers in (("one", 1), ("three", 3)):
        check(tmp_path, out, workers, max_undecodable=0.5)
    for file in FILES:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "three" / file).read_bytes(), (
            file
        )


def test_a_sample_is_drawn_by_the_seed_and_said_to_be_one(tmp_path):
    make_pets(tmp_path)
    report = check(tmp_path, sample=20)
    assert (report["images"], report["looked_at"], sum(report["kinds"].values())) == (51, 20, 20)
    assert "(a sample of 20 was inspected)" in summary(report)
    text = (tmp_path / "out/report.md").read_text()
    assert "Only a sample was inspected: 20 of 51 images" in text
    assert (tmp_path / "out/contact_sheet.png").read_bytes() != b""
    before = {file: (tmp_path / "out" / file).read_bytes() for file in FILES}
    check(tmp_path, sample=20)
    assert before == {file: (tmp_path / "out" / file).read_bytes() for file in FILES}
    check(tmp_path, sample=20, seed=1)
    assert before["contact_sheet.png"] != (tmp_path / "out/contact_sheet.png").read_bytes()


def test_the_contact_sheet_shows_each_example_in_its_place(tmp_path):
    """A class a row, training images before test images, in the colours that they are."""
    colours = {"red": (200, 0, 0), "green": (0, 160, 0)}
    for name, colour in colours.items():
        for split in ("train", "val"):
            for index in range(2):
                shade = tuple(min(255, level + 40 * (split == "val")) for level in colour)
                put(
                    tmp_path,
                    f"{split}/{name}/{index}.png",
                    saved(Image.new("RGB", (50, 40), shade), "PNG"),
                )
    check(tmp_path)
    sheet = np.asarray(Image.open(tmp_path / "out/contact_sheet.png"))
    for row, name in enumerate(("green", "red")):
        line = sheet[HEAD + row * (CELL + 4) + CELL // 2]
        found = [
            tuple(pixel)
            for pixel in line[np.r_[True, (line[1:] != line[:-1]).any(axis=1)]].tolist()
        ]
        shades = [
            tuple(level + 40 * test for level in colours[name])
            for test in (False, False, True, True)
        ]
        assert [pixel for pixel in found if pixel in shades] == shades


def test_no_more_classes_than_fit_are_drawn(tmp_path):
    for number in range(40):
        for split in ("train", "val"):
            put(
                tmp_path,
                f"{split}/c{number}/0.png",
                saved(scene(2 * number + (split == "val"), 40, 40), "PNG"),
            )
    report = check(tmp_path)
    assert report["levels"][-1]["classes"] == 40
    assert Image.open(tmp_path / "out/contact_sheet.png").height == HEAD + 24 * (CELL + 4) + 16


def test_names_that_are_long_odd_or_empty_of_seams_fit(tmp_path):
    names = ["x" * 300, "größe_" * 30, "日本", "a\nb"]
    sheet = contact_sheet("t" * 500, "n" * 500, [(name, "1 train", [None], []) for name in names])
    assert sheet.height == HEAD + len(names) * (CELL + 4) + 16


def test_errors_come_first_and_decide():
    problems = find_problems(
        {
            "undecodable": {"images": 1},
            "looked_at": 10,
            "settings": {"max_undecodable": 0.5, "asked": 99, "few_images": 10, "image_size": 32},
            "levels": count_labels(
                manifest([("train", "F", "a", 3), ("train", "F", "b", 4), ("test", "F", "a", 2)]),
                np.ones(9, bool),
                10,
            ),
            "sizes": None,
            "skipped": {},
            "contrast": {"flat": 0, "dark": 0, "saturated": 0},
            "overlaps": {},
            "duplicates": {
                "groups": 0,
                "copies": dict.fromkeys(("same file", "same pixels", "near"), 0),
                "leaked": dict.fromkeys(("same file", "same pixels", "near"), 0),
                "two_labels": 0,
                "too_flat": 0,
            },
        }
    )
    assert [problem.error for problem in problems] == sorted(
        (problem.error for problem in problems), reverse=True
    )
    assert verdict(problems) == "not usable"
    assert verdict([problem for problem in problems if not problem.error]) == "look at these"
    assert verdict([]) == "ok"
