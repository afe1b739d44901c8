"""A label subset of one class: left out with its reason, and the other cells of the study stand."""

import numpy as np
import pytest

from fourlenses.core.files import read_json
from fourlenses.evaluation.encoder import Encoder
from fourlenses.evaluation.left_out import (
    one_class,
    one_class_subset,
    training_left_out,
    write_left_out,
)
from fourlenses.evaluation.predictions import read_predictions

CLASSES = ["defect", "ok"]


def test_labels_of_one_class():
    assert one_class(np.array([0, 1, 1]), CLASSES) is None
    reason = one_class(np.array([1, 1, 1]), CLASSES)
    assert reason.startswith("all 3 labels are of class 'ok', and a classifier needs two")
    assert "label_subsets: balanced" in reason


@pytest.mark.parametrize("content", [b"", b"no numbers"])
def test_a_damaged_list_is_for_its_reader_to_judge(tmp_path, content):
    (tmp_path / "10.npy").write_bytes(content)
    assert one_class_subset(tmp_path / "none.parquet", tmp_path / "10.npy") is None


@pytest.mark.parametrize(
    ("protocol", "run"),
    [("fine_tune", "simclr/pets-100/seed3"), ("scratch", "supervised/pets-10/seed3")],
)
def test_a_training_is_left_out_under_the_name_that_the_plan_has(tmp_path, protocol, run):
    encoder = Encoder(
        directory=tmp_path,
        settings={"method": "simclr", "source": "pets-100", "seed": 3},
        effective={},
    )
    entry = training_left_out(
        encoder, protocol=protocol, target="pets", labelled="10_draw1", reason="no"
    )
    assert entry["run"] == run
    write_left_out(entry, record=tmp_path / "10.json", predictions=tmp_path / "10.npz")
    assert read_json(tmp_path / "10.json") == {"cells": [], "left_out": [entry]}
    assert read_predictions(tmp_path / "10.npz") == {}
