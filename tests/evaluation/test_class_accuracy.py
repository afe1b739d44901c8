"""Accuracy of each class and confused classes: counted by hand, and what is refused."""

import csv
import json

import numpy as np
import pandas as pd
import pytest

from fourlenses.core.errors import UserError
from fourlenses.data.manifest.manifest import text_column, write_manifest
from fourlenses.evaluation import confusion_matrices
from fourlenses.evaluation.class_accuracy import collect_classes
from fourlenses.evaluation.predictions import TargetPredictions, write_predictions

FAMILY = {"x": "first", "y": "first", "z": "second"}
LABELS = np.array([0] * 10 + [1] * 20 + [2] * 10)


def evaluated(folder, seed, wrong, *, labels=100, source="a-100", protocol="linear"):
    """One cell, in which the first `wrong` images of `y` are taken for `x`; its plan's line."""
    scratch = protocol == "scratch"
    run = f"simclr/{source}/seed{seed}"
    name = f"{run}/scratch/a/{labels}.json" if scratch else f"{run}/cells_{labels}.json"
    file = folder / "evaluate" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    cell = {
        "run": run,
        "target": "a",
        "protocol": protocol,
        "method": "simclr",
        "source": source,
        "corruption": "none",
        "labelled": str(labels),
        "labelled_images": labels,
    }
    file.write_text(json.dumps({"cells": [cell]}))
    predicted = LABELS.copy()
    predicted[10 : 10 + wrong] = 0
    entry = TargetPredictions(
        predicted={f"{protocol}/{labels}": predicted},
        rows=np.arange(40),
        labels=LABELS,
        classes=["x", "y", "z"],
    )
    write_predictions(file.with_suffix(".npz"), {"a": entry})
    return {"record": name}


def manifest_of(folder, classes="xyz"):
    """Of one training and one test image a class, with a family above the classes."""
    names = [name for name in classes for _ in range(2)]
    table = pd.DataFrame(
        {
            "id": text_column([f"{place}" for place in range(len(names))]),
            "path": text_column([f"{place}.png" for place in range(len(names))]),
            "split": text_column(["train", "test"] * len(classes)),
            "width": 8,
            "height": 8,
            "level:family": text_column([FAMILY.get(name, "third") for name in names]),
            "level:class": text_column(names),
        }
    )
    write_manifest(table, folder / "manifest.parquet")
    return {"a": folder / "manifest.parquet"}


def collected(folder, cells, classes="xyz"):
    (folder / "study.json").write_text(json.dumps({"cells": cells}))
    count = collect_classes(
        folder / "study.json",
        folder / "evaluate",
        manifests=manifest_of(folder, classes),
        classes=folder / "classes.csv",
        confusions=folder / "confusions.csv",
        matrices=folder / "confusion_matrices.csv",
    )
    classes, confusions = (
        list(csv.DictReader((folder / f"{name}.csv").open())) for name in ("classes", "confusions")
    )
    return count, classes, confusions


def test_seeds_are_summed_and_the_largest_number_of_labels_counts(tmp_path):
    cells = [
        evaluated(tmp_path, 0, 4),
        evaluated(tmp_path, 1, 8),
        evaluated(tmp_path, 0, 19, labels=50),
    ]
    count, classes, confusions = collected(tmp_path, cells)
    assert count == 1
    assert [(row["class"], row["n_test"], row["top1"], row["runs"]) for row in classes] == [
        ("x", "10", "100.00", "2"),
        ("y", "20", "70.00", "2"),  # 12 of 40 wrong
        ("z", "10", "100.00", "2"),
    ]
    (pair,) = confusions
    assert (pair["class"], pair["taken_for"]) == ("y", "x")
    assert (pair["errors"], pair["share"]) == ("6.0", "30.0")
    assert {row["labelled_images"] for row in classes + confusions} == {"100"}


def test_trainings_from_scratch_are_one_whatever_images_they_name(tmp_path):
    cells = [
        evaluated(tmp_path, 0, 4, source="a-100", protocol="scratch"),
        evaluated(tmp_path, 0, 10, labels=50, source="a-50", protocol="scratch"),
    ]
    count, classes, _ = collected(tmp_path, cells)
    assert count == 1
    assert {row["source"] for row in classes} == {"none"}
    assert [row["top1"] for row in classes] == ["100.00", "80.00", "100.00"]


def test_a_missing_file_is_named_with_the_command_that_makes_it(tmp_path):
    cell = evaluated(tmp_path, 0, 4)
    file = (tmp_path / "evaluate" / cell["record"]).with_suffix(".npz")
    file.unlink()
    with pytest.raises(UserError, match=r"cells_100.npz is missing; run snakemake evaluate_all"):
        collected(tmp_path, [cell])


def matrix_of(folder):
    rows = csv.DictReader((folder / "confusion_matrices.csv").open())
    keys = ("level", "class", "taken_for", "n_test", "share")
    return [tuple(row[key] for key in keys) for row in rows]


def test_confusions_are_counted_at_every_level(tmp_path):
    """6 of 20 images of `y` are taken for `x`, of the same family; z is right."""
    cells = [evaluated(tmp_path, 0, 4), evaluated(tmp_path, 1, 8)]
    collected(tmp_path, cells)
    assert matrix_of(tmp_path) == [
        ("family", "first", "first", "30", "100.0"),
        ("family", "second", "second", "10", "100.0"),
        ("class", "x", "x", "10", "100.0"),
        ("class", "y", "x", "20", "30.0"),
        ("class", "y", "y", "20", "70.0"),
        ("class", "z", "z", "10", "100.0"),
    ]


def test_levels_of_many_labels_and_predictions_of_other_classes_have_no_matrix(
    tmp_path, monkeypatch
):
    cells = [evaluated(tmp_path, 0, 4)]
    monkeypatch.setattr(confusion_matrices, "MOST_LABELS", 2)
    collected(tmp_path, cells)
    assert {row[0] for row in matrix_of(tmp_path)} == {"family"}
    collected(tmp_path, cells, classes="xyw")
    assert matrix_of(tmp_path) == []
