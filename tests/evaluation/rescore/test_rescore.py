"""Stored predictions scored by other hierarchies: the program as users call it."""

import csv
import runpy
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json
from fourlenses.data.manifest.manifest import write_manifest
from fourlenses.evaluation.predictions import TargetPredictions, read_predictions, write_predictions
from fourlenses.evaluation.rescore.rescore import COLUMNS
from fourlenses.metrics.statistics import wilson_interval

PROGRAM = Path(__file__).resolve().parents[3] / "workflow_scripts" / "rescore.py"
CLASSES = ["ant", "bee", "cat", "dog"]
KIND = np.array([0, 0, 1, 1])
HIERARCHY = "class,kind\nant,insect\nbee,insect\ncat,mammal\ndog,mammal\n"


@pytest.fixture
def predictions():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 90)
    predicted = {
        f"linear/{n}": np.where(rng.random(90) < p, labels, rng.integers(0, 4, 90))
        for n, p in (("100", 0.3), ("all", 0.7))
    }
    return TargetPredictions(
        predicted=predicted, rows=np.arange(10, 100), labels=labels, classes=CLASSES
    )


@pytest.fixture
def program(tmp_path, monkeypatch, capsys):
    """Runs the program in this process; returns its exit status and what it printed as an error."""
    (tmp_path / "kinds.csv").write_text(HIERARCHY)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", [str(PROGRAM), *map(str, arguments)])
        try:
            runpy.run_path(str(PROGRAM), run_name="__main__")
        except SystemExit as end:
            return end.code, capsys.readouterr().err
        return 0, ""

    return run


def table(file):
    return list(csv.DictReader(file.open()))


def test_every_level_is_scored(tmp_path, predictions, program):
    write_predictions(tmp_path / "p.npz", {"animals": predictions})
    out = tmp_path / "table.csv"
    assert program(
        "--predictions", tmp_path / "p.npz", "--hierarchy", tmp_path / "kinds.csv", "--output", out
    ) == (0, "")
    rows = table(out)
    assert list(rows[0]) == COLUMNS
    assert [(row["labelled"], row["level"], row["n_classes"]) for row in rows] == [
        (labelled, level, classes)
        for labelled in ("100", "all")
        for level, classes in (("kind", "2"), ("class", "4"))
    ]
    for row in rows:
        predicted = predictions.predicted[f"linear/{row['labelled']}"]
        right = (
            KIND[predicted] == KIND[predictions.labels]
            if row["level"] == "kind"
            else predicted == predictions.labels
        )
        assert float(row["top1"]) == pytest.approx(100 * right.mean(), abs=1e-4)
        assert (float(row["top1_low"]), float(row["top1_high"])) == pytest.approx(
            wilson_interval(right.sum(), 90), abs=1e-4
        )
        groups = KIND[predictions.labels] if row["level"] == "kind" else predictions.labels
        means = [right[groups == group].mean() for group in np.unique(groups)]
        assert float(row["mean_class_top1"]) == pytest.approx(100 * np.mean(means), abs=1e-4)
        assert row["n_test"] == "90"
        assert float(row["chance"]) == pytest.approx(100 * np.bincount(groups).max() / 90, abs=1e-4)
        assert (row["level_depth"], row["is_finest"]) == (
            ("0", "false") if row["level"] == "kind" else ("1", "true")
        )
    program(
        "--predictions",
        tmp_path / "p.npz",
        "--hierarchy",
        tmp_path / "kinds.csv",
        "--output",
        tmp_path / "table.json",
    )
    assert [row["top1"] for row in read_json(tmp_path / "table.json")] == pytest.approx(
        [float(row["top1"]) for row in rows], abs=1e-4
    )


def test_what_is_kept_is_small_and_comes_back_whole(tmp_path, predictions):
    predictions.classes = [
        f"{name}\udcff – {'x' * 40}" for name in CLASSES
    ]  # names of folders may not be UTF-8
    write_predictions(tmp_path / "p.npz", {"animals": predictions})
    back = read_predictions(tmp_path / "p.npz")["animals"]
    assert back.classes == predictions.classes
    assert back.rows.tolist() == predictions.rows.tolist()
    assert back.labels.dtype == np.uint16
    for cell, predicted in predictions.predicted.items():
        assert back.predicted[cell].dtype == np.uint16
        assert np.array_equal(back.predicted[cell], predicted)


def test_several_runs_and_targets(tmp_path, predictions, program):
    for name in ("one", "two"):
        write_predictions(tmp_path / f"{name}.npz", {"animals": predictions, "plants": predictions})
    arguments = [
        "--predictions",
        tmp_path / "one.npz",
        tmp_path / "two.npz",
        "--hierarchy",
        tmp_path / "kinds.csv",
    ]
    assert (
        "one.npz has predictions of animals, plants: choose one with --target"
        in program(*arguments, "--output", "x.csv")[1]
    )
    assert (
        "did you mean 'plants'" in program(*arguments, "--output", "x.csv", "--target", "plant")[1]
    )
    assert program(*arguments, "--target", "plants", "--output", tmp_path / "t.csv") == (0, "")
    assert [Path(row["predictions"]).stem for row in table(tmp_path / "t.csv")] == ["one"] * 4 + [
        "two"
    ] * 4


def test_predictions_of_coarse_classifiers_are_skipped(tmp_path, predictions, program):
    predictions.predicted["linear@kind/all"] = KIND[predictions.labels]
    write_predictions(tmp_path / "p.npz", {"animals": predictions})
    assert (
        program(
            "--predictions",
            tmp_path / "p.npz",
            "--hierarchy",
            tmp_path / "kinds.csv",
            "--output",
            tmp_path / "t.csv",
        )[0]
        == 0
    )
    assert {row["protocol"] for row in table(tmp_path / "t.csv")} == {"linear"}
    predictions.predicted = {"linear@kind/all": KIND[predictions.labels]}
    write_predictions(tmp_path / "p.npz", {"animals": predictions})
    status, error = program(
        "--predictions",
        tmp_path / "p.npz",
        "--hierarchy",
        tmp_path / "kinds.csv",
        "--output",
        tmp_path / "u.csv",
    )
    assert status == 2
    assert "no predictions of finest classes" in error
    assert not (tmp_path / "u.csv").exists()


@pytest.fixture
def manifest(tmp_path, predictions):
    """Ten training images, then the test images."""
    names = [*(CLASSES * 3)[:10], *(CLASSES[label] for label in predictions.labels)]
    columns = {
        "id": [f"{i}" for i in range(100)],
        "path": [f"{i}" for i in range(100)],
        "split": ["train"] * 10 + ["test"] * 90,
    }
    frame = pd.DataFrame(
        {
            **columns,
            "width": 8,
            "height": 8,
            "level:kind": ["im"[KIND[CLASSES.index(name)]] for name in names],
        }
    )
    frame["level:class"] = names
    write_manifest(frame, tmp_path / "manifest.parquet")
    return tmp_path / "manifest.parquet"


def test_files_without_labels_take_them_from_the_manifest(tmp_path, predictions, program, manifest):
    """As evaluations wrote them before they kept labels."""
    cells = {
        f"animals/{cell}": predicted.astype(np.uint16)
        for cell, predicted in predictions.predicted.items()
    }
    np.savez_compressed(tmp_path / "old.npz", **cells)
    write_predictions(tmp_path / "new.npz", {"animals": predictions})
    arguments = ["--hierarchy", tmp_path / "kinds.csv", "--output", tmp_path / "t.csv"]
    assert (
        "lacks the true classes of 'animals': give --manifest"
        in program("--predictions", tmp_path / "old.npz", *arguments)[1]
    )
    assert program(
        "--predictions",
        tmp_path / "old.npz",
        tmp_path / "new.npz",
        "--manifest",
        manifest,
        *arguments,
    ) == (0, "")
    rows = table(tmp_path / "t.csv")
    assert [row["top1"] for row in rows[:4]] == [row["top1"] for row in rows[4:]]
    np.savez_compressed(
        tmp_path / "fewer.npz", **{cell: predicted[1:] for cell, predicted in cells.items()}
    )
    error = program("--predictions", tmp_path / "fewer.npz", "--manifest", manifest, *arguments)[1]
    assert "89 predictions for 90 test images" in error


def test_the_datasets_own_levels(tmp_path, predictions, program, manifest):
    write_predictions(tmp_path / "p.npz", {"animals": predictions})
    arguments = ["--predictions", tmp_path / "p.npz", "--output", tmp_path / "t.csv"]
    assert "give --hierarchy, a CSV, or --manifest" in program(*arguments)[1]
    assert program(*arguments, "--manifest", manifest) == (0, "")
    by_manifest = [row["top1"] for row in table(tmp_path / "t.csv")]
    program(*arguments, "--hierarchy", tmp_path / "kinds.csv")
    assert by_manifest == [row["top1"] for row in table(tmp_path / "t.csv")]
    program(*arguments, "--manifest", manifest, "--levels", "class")
    assert {row["level"] for row in table(tmp_path / "t.csv")} == {"class"}
    assert "unknown level" in program(*arguments, "--manifest", manifest, "--levels", "kin")[1]


def test_mistakes_end_in_a_sentence(tmp_path, predictions, program):
    write_predictions(tmp_path / "p.npz", {"animals": predictions})
    whole = ["--predictions", tmp_path / "p.npz", "--hierarchy", tmp_path / "kinds.csv"]
    assert program(*whole, "--output", tmp_path / "table.txt") == (
        2,
        f"fourlenses: --output {tmp_path}/table.txt: the name must end in .csv or .json\n",
    )
    (tmp_path / "kinds.csv").write_text(HIERARCHY.replace("dog", "fox"))
    status, error = program(*whole, "--output", tmp_path / "t.csv")
    assert status == 2
    assert "1 of 4 classes have no row: 'dog'" in error
    (tmp_path / "broken.npz").write_bytes((tmp_path / "p.npz").read_bytes()[:200])
    assert (
        "broken.npz cannot be read as predictions"
        in program("--predictions", tmp_path / "broken.npz", *whole[2:], "--output", "t.csv")[1]
    )
    assert (
        "none.npz cannot be read"
        in program("--predictions", tmp_path / "none.npz", *whole[2:], "--output", "t.csv")[1]
    )
    predictions.predicted["linear/all"][3] = 9
    write_predictions(tmp_path / "p.npz", {"animals": predictions})
    (tmp_path / "kinds.csv").write_text(HIERARCHY)
    assert (
        "animals/linear/all predicts class 9 of 4 classes"
        in program(*whole, "--output", tmp_path / "t.csv")[1]
    )


def test_pickles_are_not_opened(tmp_path):
    np.savez(tmp_path / "p.npz", **{"animals/linear/all": np.array([{}], dtype=object)})
    with pytest.raises(UserError, match="cannot be read as predictions"):
        read_predictions(tmp_path / "p.npz")
