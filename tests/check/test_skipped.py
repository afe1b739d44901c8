"""What a dataset's index skipped, in the report of its check, by way of the manifest on disk."""

import pytest

from fourlenses.check.check import CheckSettings, check_dataset
from fourlenses.check.report import summary
from fourlenses.data.dataset import index_dataset
from fourlenses.data.manifest.manifest import read_manifest, write_manifest
from tests.helpers.trees import tree


def checked(tmp_path, files, **keys):
    path = tree(tmp_path / "pets", files)
    definition = {"source": "image_folder", "path": path.name, **keys}
    write_manifest(index_dataset("pets", definition, tmp_path), tmp_path / "manifest.parquet")
    return check_dataset(
        "pets",
        definition,
        tmp_path,
        manifest=read_manifest(tmp_path / "manifest.parquet"),
        settings=CheckSettings(image_size=32, stored_size=32),
        folder=tmp_path / "check",
        workers=1,
    )


def whats(report):
    return [finding["what"] for finding in report["findings"]]


def test_every_skipped_file_is_counted_with_its_reason(tmp_path):
    files = {"cat": 9, "dog": 9, "cat/.ipynb_checkpoints": 2, "dog/note.txt": b"x"}
    files |= {f"dog/{number}.heic": b"\0\0\0\x18ftypheic" for number in range(3)}
    report = checked(tmp_path, files)
    assert {reason: entry["files"] for reason, entry in report["skipped"].items()} == {
        "hidden": 2,
        "no image (.txt)": 1,
        "HEIC, which is not read": 3,
    }
    sentence = "3 files that may be images were skipped: HEIC, which is not read, e.g. 'dog/0.heic'"
    assert [what for what in whats(report) if "skipped" in what] == [sentence]
    shown = summary(report)
    assert "  skipped     2 hidden, 3 HEIC, which is not read, 1 no image (.txt)\n" in shown
    page = (tmp_path / "check" / "report.md").read_text()
    assert "| HEIC, which is not read | 3 | 3 | dog/0.heic |" in page


def test_folds_and_unknown_words_for_splits_are_pointed_out(tmp_path):
    files = {f"{part}/{pet}": 9 for part in ("entreno", "prueba") for pet in ("cat", "dog")}
    report = checked(tmp_path, files, given_split=False)
    assert any(
        "2 folders ('entreno', 'prueba') hold classes of the same names" in what
        for what in whats(report)
    )


def test_nothing_is_said_of_a_dataset_without_them(tmp_path):
    report = checked(tmp_path, {"mammals/cat": 9, "mammals/dog": 9, "birds/owl": 9})
    assert report["skipped"] == {}
    assert not any("skipped" in what or "same names" in what for what in whats(report))
    assert "skipped" not in summary(report)


@pytest.mark.parametrize(
    ("files", "what"),
    [
        (
            {"cat": 9, "dog": 9, "cat/Originals": 3, "Recovery": 9},
            "2 classes ('Recovery', 'cat/Originals') called as folders that mostly hold copies "
            "that programs keep",
        ),
        (
            {"cat": 9, "dog": 9, "dog/masks": 9},
            "1 class ('dog/masks') called as folders that mostly hold masks or annotations",
        ),
        ({"cat": 9, "original": 9, "mask maker": 9, "trash can": 9}, ""),
    ],
)
def test_classes_that_are_called_as_what_programs_keep_are_said_and_kept(tmp_path, files, what):
    report = checked(tmp_path, files)
    assert [each for each in whats(report) if "called as" in each] == ([what] if what else [])
    assert set(report["levels"][-1]["images"]) == set(files)


def test_odd_names_of_classes(tmp_path):
    names = ("cat ", " dog", "a\nb", "\t", "\U0001f436", "é" * 127 + "x", "per%cent", "{x}", "a,b")
    names += ('q"uote', "it's", "#hash", "-rf", "CON", "\u202eltr", "ﬁ")
    report = checked(tmp_path, dict.fromkeys(names, 9))
    assert set(report["levels"][-1]["images"]) == set(names)
    page = (tmp_path / "check" / "report.md").read_text()
    assert "a\nb" not in page
    assert "\u202e" not in page
    assert "\U0001f436" in page


def test_classes_that_are_there_in_several_folders_are_pointed_out(tmp_path):
    """An icon theme: each size has some of the kinds."""
    files = {"16x16/apps": 9, "16x16/places": 9, "24x24/apps": 9, "24x24/status": 9, "x/status": 9}
    said = [what for what in whats(checked(tmp_path, files)) if "several times" in what]
    assert said == [
        "4 classes ('16x16/apps', '24x24/apps', '24x24/status', …) have names that are there "
        "several times"
    ]
    apart = {"sea/shark": 9, "sea/crab": 9, "land/crab": 9, "land/ant": 9, "air/bee": 9}
    assert not [what for what in whats(checked(tmp_path / "b", apart)) if "several" in what]
