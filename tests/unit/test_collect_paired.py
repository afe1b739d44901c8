"""Paired intervals from kept predictions: which cells are paired, and that the numbers are those of `paired_difference`."""

import json

import numpy as np
import pandas as pd
import pytest

from fourlenses.collect_paired import collect_paired
from fourlenses.errors import UserError
from fourlenses.evaluation.predictions import TargetPredictions, write_predictions
from fourlenses.evaluation.statistics import paired_difference

LABELS = np.arange(200) % 4


def evaluated(folder, run, protocol, wrong, lenses, labelled="100"):
    """One cell: its record and predictions, of which the first `wrong` are wrong; returns its line of the plan."""
    alone = protocol == "linear"
    name = f"{run}/cells.json" if alone else f"{run}/{protocol}/a/{labelled}.json"
    file = folder / "evaluate" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    cell = {"run": run, "target": "a", "labelled": labelled, "protocol": protocol, "labelled_images": 100, "seed": int(run[-1])}
    file.write_text(json.dumps({"cells": [cell | {"levels": [{"level": "coarse"}, {"level": "fine"}]}]}))
    predicted = np.where(np.arange(200) < wrong, (LABELS + 1) % 4, LABELS)
    kept = TargetPredictions({f"{protocol}/{labelled}": predicted}, np.arange(200), LABELS, list("wxyz"))
    write_predictions(file.with_name("predictions.npz") if alone else file.with_suffix(".npz"), {"a": kept})
    return {key: cell[key] for key in ("run", "target", "labelled", "protocol")} | {"record": name, "lenses": lenses}


def collected(folder, cells):
    (folder / "study.json").write_text(json.dumps({"study": "mine", "cells": cells}))
    rows = collect_paired(folder / "study.json", folder / "evaluate", folder / "paired.csv")
    table = pd.read_csv(folder / "paired.csv")
    assert len(table) == rows
    return table


def test_pairs_are_what_a_lens_compares(tmp_path):
    own = evaluated(tmp_path, "simclr/a-100/seed0", "linear", 40, ["domain", "quantity"])
    other = evaluated(tmp_path, "simclr/b-100/seed0", "linear", 60, ["domain"])
    scratch = evaluated(tmp_path, "supervised/a-100/seed0", "scratch", 20, ["quantity"])
    tuned = evaluated(tmp_path, "moco/a-100/seed0", "fine_tune", 10, ["quantity"])  # neither linear nor scratch
    seed = evaluated(tmp_path, "simclr/b-100/seed1", "linear", 60, ["domain"])  # no partner
    table = collected(tmp_path, [own, other, scratch, tuned, seed])
    assert list(zip(table["run_a"], table["run_b"], strict=True)) == [
        (own["run"], other["run"]),
        (own["run"], scratch["run"]),
    ]
    expected = paired_difference(np.arange(200) >= 40, np.arange(200) >= 60)
    assert tuple(table.loc[0, ["difference", "low", "high"]]) == pytest.approx(expected, abs=1e-4)
    assert (table["level"] == "fine").all()


def test_missing_predictions_are_named(tmp_path):
    cell = evaluated(tmp_path, "simclr/a-100/seed0", "linear", 40, ["domain"])
    (tmp_path / "evaluate" / cell["run"] / "predictions.npz").unlink()
    with pytest.raises(UserError, match=r"predictions\.npz is missing; run snakemake evaluate_all"):
        collected(tmp_path, [cell])
