"""Copies and leaks: every planted one is found, and named; different pictures are not."""

import csv
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fourlenses.check.fingerprint import bits_of, fingerprint
from fourlenses.check.near_duplicates import BITS, DIFFERENCE, difference, is_flat, near_components
from tests.helpers.check_images import check, get, make_pets, put, saved, scene


def table(folder, name="duplicates"):
    with open(folder / "out" / f"{name}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def groups(folder):
    """Per group the ids."""
    rows = table(folder)
    return {
        frozenset(row["id"] for row in rows if row["group"] == number)
        for number in {row["group"] for row in rows}
    }


def test_different_pictures_are_no_copies(tmp_path):
    report = check(make_pets(tmp_path))
    assert report["duplicates"] == {
        "groups": 0,
        "copies": {"same file": 0, "same pixels": 0, "near": 0},
        "leaked": {"same file": 0, "same pixels": 0, "near": 0},
        "two_labels": 0,
        "too_flat": 0,
    }
    assert table(tmp_path) == []


def with_comment(data: bytes) -> bytes:
    """The same JPEG with a comment: other bytes, equal pixels."""
    return data[:2] + b"\xff\xfe\x00\x07hello" + data[2:]


def test_planted_copies_are_found_exactly_and_leaks_are_named(tmp_path):
    make_pets(tmp_path)
    cat, dog = "train/cat/0.jpg", "train/dog/3.jpg"
    opened = Image.open(tmp_path / "pets" / dog)
    planted = [
        {
            cat,
            put(tmp_path, "val/cat/same_file.jpg", get(tmp_path, cat)),
            put(tmp_path, "train/cat/again.jpg", get(tmp_path, cat)),
        },
        {
            "train/cat/1.jpg",
            put(
                tmp_path, "val/cat/same_pixels.jpg", with_comment(get(tmp_path, "train/cat/1.jpg"))
            ),
        },
        {
            dog,
            put(
                tmp_path,
                "val/dog/half.jpg",
                saved(opened.resize((60, 45), Image.Resampling.LANCZOS), quality=85),
            ),
        },
        {
            "train/dog/4.jpg",
            put(
                tmp_path,
                "train/dog/poor.jpg",
                saved(Image.open(tmp_path / "pets/train/dog/4.jpg"), quality=40),
            ),
        },
        {
            "train/eel/5.jpg",
            put(
                tmp_path,
                "train/cat/relabelled.png",
                saved(Image.open(tmp_path / "pets/train/eel/5.jpg"), "PNG"),
            ),
        },
    ]
    report = check(tmp_path)
    assert groups(tmp_path) == {frozenset(group) for group in planted}
    assert report["duplicates"]["groups"] == 5
    # a PNG of a small JPEG has the very pixels, and they are labelled twice
    assert report["duplicates"]["copies"] == {"same file": 2, "same pixels": 2, "near": 2}
    assert report["duplicates"]["leaked"] == {"same file": 1, "same pixels": 1, "near": 1}
    assert report["duplicates"]["two_labels"] == 1
    rows = {row["id"]: row for row in table(tmp_path)}
    assert {
        row["id"] for row in rows.values() if row["leak"] == "yes" and row["split"] == "test"
    } == {
        "val/cat/same_file.jpg",
        "val/cat/same_pixels.jpg",
        "val/dog/half.jpg",
    }
    # ids are in the manifest's order, and likeness is to the first of a group
    assert rows["val/dog/half.jpg"]["likeness"] == "near"
    assert {
        rows["train/eel/5.jpg"]["two_labels"],
        rows["train/cat/relabelled.png"]["two_labels"],
    } == {"yes"}
    said = " ".join(finding["what"] for finding in report["findings"])
    leak = (
        "3 of 18 test images (17 %) are in the training images too "
        "(1 same file, 1 same pixels, 1 near): they leak"
    )
    assert leak in said
    assert "1 pictures have two labels" in said
    assert report["verdict"] == "look at these"


def test_a_test_image_copied_within_the_test_images_is_no_leak(tmp_path):
    make_pets(tmp_path)
    put(tmp_path, "val/cat/again.jpg", get(tmp_path, "val/cat/0.jpg"))
    report = check(tmp_path)
    assert report["duplicates"]["groups"] == 1
    assert sum(report["duplicates"]["leaked"].values()) == 0


def test_flat_pictures_are_compared_exactly_only(tmp_path):
    make_pets(tmp_path)
    for number in range(4):
        put(
            tmp_path,
            f"train/eel/flat{number}.png",
            saved(Image.new("RGB", (40, 40), (100 + number, 100, 100)), "PNG"),
        )
    put(tmp_path, "train/eel/flat_again.png", get(tmp_path, "train/eel/flat0.png"))
    report = check(tmp_path)
    assert report["duplicates"]["too_flat"] == 5
    decoded = report["looked_at"] - report["undecodable"]["images"]
    share = f"5 of {decoded} images ({100 * 5 / decoded:.2g} %) have too little contrast"
    assert any(one["what"].startswith(share) for one in report["findings"])
    assert report["verdict"] != "ok"
    assert "so all numbers are lower bounds" in (tmp_path / "out/report.md").read_text()
    assert groups(tmp_path) == {frozenset({"train/eel/flat0.png", "train/eel/flat_again.png"})}


@pytest.mark.parametrize(
    "change",
    [
        lambda image: saved(image, quality=50),
        lambda image: saved(image, quality=25),
        lambda image: saved(image, "WEBP", quality=60),
        lambda image: saved(
            image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS),
            quality=85,
        ),
        lambda image: saved(
            image.resize((image.width * 3, image.height * 3), Image.Resampling.BICUBIC), quality=85
        ),
        lambda image: saved(image.convert("L"), quality=85),
    ],
    ids=["q50", "q25", "webp", "half", "three times", "grey"],
)
def test_resized_and_recompressed_copies_are_near(change):
    for seed in range(30):
        one, other = (
            fingerprint(saved(scene(seed, 480, 360), quality=95)),
            fingerprint(change(scene(seed, 480, 360))),
        )
        assert joined([one, other]) == {frozenset({0, 1})}, seed


def joined(looks):
    bits = np.stack([np.frombuffer(seen.bits, np.uint64) for seen in looks])
    grey = np.stack([np.frombuffer(seen.grey, np.uint8) for seen in looks])
    return parts(near_components(bits, grey))


def parts(component):
    several = [
        frozenset(np.flatnonzero(component == number).tolist()) for number in np.unique(component)
    ]
    return {part for part in several if len(part) > 1}


def slow_parts(bits, grey):
    """All with all."""
    part = list(range(len(bits)))
    for one, other in itertools.combinations(range(len(bits)), 2):
        apart = np.bitwise_count(bits[one] ^ bits[other]).sum() > BITS
        if not apart and difference(grey[[one]], grey[[other]])[0] <= DIFFERENCE:
            part = [part[one] if its == part[other] else its for its in part]
    return parts(np.array(part))


@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.floats(0, 25))
@settings(deadline=None, max_examples=60)
def test_the_bands_miss_nothing_that_comparing_all_with_all_finds(seed, count, noise):
    rng = np.random.default_rng(seed)
    some = rng.integers(0, 256, (max(1, count // 4), 9, 9))
    grey = some[rng.integers(0, len(some), count)] + rng.normal(0, noise, (count, 9, 9))
    grey = grey.round().clip(0, 255).astype(np.uint8)
    bits = np.stack([np.frombuffer(bits_of(one), np.uint64) for one in grey])
    flat = grey.reshape(count, 81)
    assert parts(near_components(bits, flat)) == slow_parts(bits, flat)


def test_bits_say_which_neighbour_is_brighter():
    grey = np.zeros((9, 9), np.uint8)
    grey[0, 1] = 9  # brighter than its left neighbour, and darker is the one below it
    grey[5, 3] = 7
    ones = np.flatnonzero(np.unpackbits(np.frombuffer(bits_of(grey), np.uint8))).tolist()
    assert ones == [0 * 8 + 0, 5 * 8 + 2, 64 + 4 * 8 + 3]
    assert is_flat(np.full((1, 81), 200, np.uint8)).tolist() == [True]


def test_a_crowd_of_copies_is_one_group_in_bounded_memory():
    """Nearly equal frames: 2,000 of them are two million pairs, of which only some may be kept."""
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (9, 9))
    grey = (frame + rng.integers(-2, 3, (2000, 9, 9))).clip(0, 255).astype(np.uint8)
    bits = np.stack([np.frombuffer(bits_of(one), np.uint64) for one in grey])
    assert len(np.unique(near_components(bits, grey.reshape(-1, 81)))) == 1
