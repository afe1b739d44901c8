import json

import pandas as pd
import pytest

from fourlenses.analysis.collect import collect
from fourlenses.core.errors import UserError
from fourlenses.study.columns import COLUMNS, SPARSE


def record(run, target, labelled, top1, protocol="linear"):
    method, source, seed = run.split("/")
    levels = [
        {
            "level": "coarse",
            "level_depth": 0,
            "top1": top1 + 10,
            "low": top1 + 8,
            "high": top1 + 12,
            "n_classes": 2,
            "chance": 60.0,
        },
        {
            "level": "fine",
            "level_depth": 1,
            "top1": top1,
            "low": top1 - 2,
            "high": top1 + 2,
            "n_classes": 7,
            "chance": 20.5,
        },
    ]
    return {
        "run": run,
        "method": method,
        "backbone": "resnet18",
        "source": source,
        "pretrain_images": 100,
        "corruption": "none",
        "seed": int(seed[4:]),
        "target": target,
        "labelled": labelled,
        "labelled_images": 64,
        "protocol": protocol,
        "top1": top1,
        "top5": top1 + 5,
        "mean_class_top1": top1 - 1,
        "log_loss": None,
        "ece": 3.0,
        "n_test": 10,
        "image_size": 32,
        "not_converged": "",
        "levels": levels,
        "timing": {"fit": 0.1},
    }


def write(folder, records):
    for entry in records:
        file = folder / "evaluate" / entry["run"] / "cells.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        known = json.loads(file.read_text())["cells"] if file.exists() else []
        file.write_text(json.dumps({"cells": [*known, entry]}))


def plan(folder, cells):
    keys = ("run", "target", "labelled", "protocol", "lenses")
    named = [
        {**dict(zip(keys, cell, strict=True)), "record": f"{cell[0]}/cells.json"} for cell in cells
    ]
    file = folder / "study.json"
    file.write_text(json.dumps({"study": "mine", "cells": named}))
    return file


A, B = "simclr/a-100/seed0", "simclr/b-100/seed0"


def test_rows_are_what_the_lenses_look_at(tmp_path):
    write(
        tmp_path,
        [record(A, "a", "all", 50.0), record(A, "b", "all", 40.0), record(B, "b", "all", 45.0)],
    )
    study = plan(
        tmp_path,
        [
            (A, "a", "all", "linear", ["domain", "granularity"]),
            (A, "b", "all", "linear", ["domain"]),
        ],
    )
    assert collect(study, tmp_path / "evaluate", tmp_path / "metrics.csv") == 3
    table = pd.read_csv(tmp_path / "metrics.csv")
    assert list(table.columns) == [name for name in COLUMNS if name not in SPARSE]
    rows = [
        tuple(row)
        for row in table[["target", "level", "lens", "top1", "top1_low", "top1_high"]].values
    ]
    assert rows == [
        ("a", "coarse", "granularity", 60.0, 58.0, 62.0),
        ("a", "fine", "domain;granularity", 50.0, 48.0, 52.0),
        ("b", "fine", "domain", 40.0, 38.0, 42.0),
    ]
    assert table["top5"].isna().tolist() == [True, False, False]
    assert set(table["labelled_images"]) == {64}


def test_a_missing_evaluation_is_named(tmp_path):
    write(tmp_path, [record(A, "a", "all", 50.0)])
    study = plan(
        tmp_path, [(A, "a", "all", "linear", ["domain"]), (B, "a", "all", "linear", ["domain"])]
    )
    with pytest.raises(
        UserError,
        match=r"1 evaluations of study 'mine' are missing, e.g. simclr/b-100/seed0 a all linear",
    ):
        collect(study, tmp_path / "evaluate", tmp_path / "metrics.csv")
    assert not (tmp_path / "metrics.csv").exists()


def test_what_there_is_is_collected_on_request_and_the_rest_named(tmp_path, caplog):
    write(tmp_path, [record(A, "a", "all", 50.0)])
    study = plan(
        tmp_path, [(A, "a", "all", "linear", ["domain"]), (B, "a", "all", "linear", ["domain"])]
    )
    output = tmp_path / "metrics.csv"
    assert collect(study, tmp_path / "evaluate", output, partial=True) == 1
    assert list(pd.read_csv(output)["run"]) == [A]
    assert f"no row of {B} a all linear: not evaluated yet" in caplog.text


def test_what_was_left_out_for_a_reason_costs_no_other_row(tmp_path, caplog):
    write(tmp_path, [record(A, "a", "all", 50.0)])
    file = tmp_path / "evaluate" / A / "cells.json"
    content = json.loads(file.read_text())
    key = {"run": A, "target": "a", "labelled": "10", "protocol": "linear"}
    reason = "all 10 labels are of class 'ok'"
    file.write_text(json.dumps({**content, "left_out": [{**key, "reason": reason}]}))
    study = plan(
        tmp_path, [(A, "a", "all", "linear", ["domain"]), (A, "a", "10", "linear", ["domain"])]
    )
    assert collect(study, tmp_path / "evaluate", tmp_path / "metrics.csv") == 1
    assert f"no row of {A} a 10 linear: {reason}" in caplog.text


def test_without_any_evaluation_there_is_no_table(tmp_path):
    study = plan(tmp_path, [(A, "a", "all", "linear", ["domain"])])
    with pytest.raises(UserError, match=r"has no evaluation yet \(1 are missing, 0 left out\)"):
        collect(study, tmp_path / "evaluate", tmp_path / "metrics.csv", partial=True)


def test_a_number_known_under_two_names_is_one_row(tmp_path):
    write(tmp_path, [record(A, "a", "all", 50.0), record(A, "a", "64", 50.0)])
    study = plan(
        tmp_path,
        [
            (A, "a", "64", "linear", ["quantity"]),
            (A, "a", "all", "linear", ["granularity", "domain"]),
        ],
    )
    collect(study, tmp_path / "evaluate", tmp_path / "metrics.csv")
    table = pd.read_csv(tmp_path / "metrics.csv")
    assert dict(zip(table["level"], table["lens"], strict=True)) == {
        "coarse": "granularity",
        "fine": "quantity;domain;granularity",
    }


def test_two_answers_to_one_question_are_refused(tmp_path):
    write(
        tmp_path,
        [record(A, "a", "all", 50.0), {**record(A, "a", "all", 50.0), "timing": {"fit": 9}}],
    )
    study = plan(tmp_path, [(A, "a", "all", "linear", ["domain"])])
    assert collect(study, tmp_path / "evaluate", tmp_path / "metrics.csv") == 1  # the same, twice
    write(tmp_path, [record(A, "a", "all", 51.0)])
    with pytest.raises(
        UserError, match=r"cells.json both answer 'simclr/a-100/seed0 a all linear', differently"
    ):
        collect(study, tmp_path / "evaluate", tmp_path / "metrics.csv")


def test_one_subset_under_two_names_must_agree(tmp_path):
    write(tmp_path, [record(A, "a", "all", 50.0), record(A, "a", "64", 51.0)])
    study = plan(
        tmp_path, [(A, "a", "64", "linear", ["quantity"]), (A, "a", "all", "linear", ["domain"])]
    )
    with pytest.raises(
        UserError, match="label sizes 'all' and '64' are the same 64 images, but give"
    ):
        collect(study, tmp_path / "evaluate", tmp_path / "metrics.csv")


def test_draws_of_labels_are_rows_of_their_own(tmp_path):
    write(tmp_path, [record(A, "a", "64", 50.0), record(A, "a", "64_draw1", 51.0)])
    study = plan(tmp_path, [(A, "a", name, "linear", ["quantity"]) for name in ("64", "64_draw1")])
    collect(study, tmp_path / "evaluate", tmp_path / "metrics.csv")
    table = pd.read_csv(tmp_path / "metrics.csv")
    assert list(zip(table["labelled_images"], table["label_draw"], table["top1"], strict=True)) == [
        (64, 0, 50.0),
        (64, 1, 51.0),
    ]


def test_a_protocol_that_trains_has_a_file_of_its_own(tmp_path):
    scratch = record("supervised/a-64/seed0", "a", "64", 50.0, "scratch")
    file = tmp_path / "evaluate/supervised/a-64/seed0/scratch/a/64.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"cells": [scratch]}))
    study = tmp_path / "study.json"
    cell = {
        "run": scratch["run"],
        "target": "a",
        "labelled": "64",
        "protocol": "scratch",
        "lenses": ["quantity"],
    }
    cell["record"] = "supervised/a-64/seed0/scratch/a/64.json"
    study.write_text(json.dumps({"study": "mine", "cells": [cell]}))
    assert collect(study, tmp_path / "evaluate", tmp_path / "metrics.csv") == 1


def test_what_is_known_of_the_level_and_of_the_trainings(tmp_path):
    trained = record(A, "a", "all", 60.0, "fine_tune") | {
        "training_steps": 1250,
        "not_converged": "pretraining;training",
    }
    write(tmp_path, [record(A, "a", "all", 50.0), trained])
    study = plan(
        tmp_path,
        [(A, "a", "all", protocol, ["granularity"]) for protocol in ("linear", "fine_tune")],
    )
    collect(study, tmp_path / "evaluate", tmp_path / "metrics.csv")
    columns = [
        "protocol",
        "level",
        "image_size",
        "n_classes",
        "chance",
        "level_depth",
        "is_finest",
        "training_steps",
        "not_converged",
    ]
    table = pd.read_csv(tmp_path / "metrics.csv", dtype=str, keep_default_na=False)
    assert [tuple(row) for row in table[columns].values] == [
        ("fine_tune", "coarse", "32", "2", "60.0000", "0", "false", "1250", "pretraining;training"),
        ("fine_tune", "fine", "32", "7", "20.5000", "1", "true", "1250", "pretraining;training"),
        ("linear", "coarse", "32", "2", "60.0000", "0", "false", "", ""),
        ("linear", "fine", "32", "7", "20.5000", "1", "true", "", ""),
    ]


def test_records_of_an_earlier_version_are_collected(tmp_path):
    old = record(A, "a", "all", 50.0)
    for column in ("image_size", "not_converged"):
        del old[column]
    for level in old["levels"]:
        for key in ("level_depth", "n_classes", "chance"):
            del level[key]
    write(tmp_path, [old])
    collect(
        plan(tmp_path, [(A, "a", "all", "linear", ["granularity"])]),
        tmp_path / "evaluate",
        tmp_path / "metrics.csv",
    )
    table = pd.read_csv(tmp_path / "metrics.csv", dtype=str, keep_default_na=False)
    columns = ["image_size", "n_classes", "chance", "level_depth", "is_finest", "not_converged"]
    assert [tuple(row) for row in table[columns].values] == [
        ("", "", "", "0", "false", ""),
        ("", "", "", "1", "true", ""),
    ]


def test_where_everything_was_left_out_the_reason_is_said(tmp_path):
    write(tmp_path, [record(A, "a", "10", 50.0)])
    file = tmp_path / "evaluate" / A / "cells.json"
    key = {"run": A, "target": "a", "labelled": "10", "protocol": "linear"}
    file.write_text(json.dumps({"cells": [], "left_out": [{**key, "reason": "one class only"}]}))
    study = plan(tmp_path, [(A, "a", "10", "linear", ["domain"])])
    with pytest.raises(UserError, match=r"study 'mine' nothing can be measured: one class only$"):
        collect(study, tmp_path / "evaluate", tmp_path / "metrics.csv")
