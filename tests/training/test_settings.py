"""Settings of a pretraining: wrong keys are named, and what a run's checkpoints are named after."""

import json
from dataclasses import replace

import pytest

from fourlenses.core.errors import UserError
from fourlenses.training.settings import Hyperparameters, PretrainingSettings, run_key
from tests.helpers.runs import data, hyperparameters, settings

PRINTS = [{"dataset": "animals", "beton_sha256": "0"}]


@pytest.mark.parametrize("method", ["simclr", "moco", "byol", "supervised", "random"])
def test_settings_are_read_as_they_were_written(method):
    chosen = settings(method)
    written = json.loads(json.dumps(chosen.as_json()))
    assert written["method"] == method
    assert PretrainingSettings.from_json(written) == chosen
    assert run_key(PretrainingSettings.from_json(written), PRINTS) == run_key(chosen, PRINTS)


def test_the_entry_has_a_name_of_its_own():
    written = settings("simclr").as_json() | {"method": "simclr_long"}
    chosen = PretrainingSettings.from_json(written)
    assert (chosen.entry, chosen.hyperparameters.method) == ("simclr_long", "simclr")


def test_a_duration_that_is_not_given_is_left_out():
    hyper = hyperparameters("simclr")
    assert "steps" not in hyper.as_json()
    values = {key: value for key, value in hyper.as_json().items() if key != "epochs"}
    assert "epochs" not in Hyperparameters.from_json("simclr", values | {"steps": 9}).as_json()


@pytest.mark.parametrize(
    ("changes", "removed", "message"),
    [
        (
            {"bacth_size": 8},
            None,
            r"^method 'simclr': unknown key 'bacth_size' \(did you mean 'batch",
        ),
        ({"queue_size": 8}, None, r"^method 'simclr': unknown key 'queue_size'"),
        ({}, "temperature", r"^method 'simclr' lacks the key 'temperature'"),
        ({}, "batch_size", r"^method 'simclr' lacks the key 'batch_size'"),
        ({"method": "simclear"}, None, r"^unknown method 'simclear' \(did you mean 'simclr'\?\)"),
    ],
)
def test_a_wrong_key_of_an_entry_is_named(changes, removed, message):
    values = hyperparameters("simclr").as_json() | changes
    values.pop(removed, None)
    with pytest.raises(UserError, match=message):
        Hyperparameters.from_json("simclr", values)


@pytest.mark.parametrize(
    ("changes", "removed", "message"),
    [
        (
            {"sede": 1},
            None,
            r"^the settings of a pretraining: unknown key 'sede' \(did you mean 'see",
        ),
        ({}, "backbone", "^the settings of a pretraining lacks the key 'backbone'"),
        ({}, "method", "^the settings of a pretraining lack the key 'method'"),
    ],
)
def test_a_wrong_key_of_the_settings_is_named(changes, removed, message):
    values = settings("simclr").as_json() | changes
    values.pop(removed, None)
    with pytest.raises(UserError, match=message):
        PretrainingSettings.from_json(values)


def test_the_key_is_stable_and_of_everything_that_counts():
    """Checkpoints of half-done studies have it in their path: it changes only with its meaning."""
    chosen = settings("simclr")
    assert run_key(chosen, PRINTS) == "4855050964882ab4"
    others = [
        replace(chosen, seed=1),
        replace(chosen, entry="simclr_long"),
        replace(chosen, hyperparameters=replace(chosen.hyperparameters, batch_size=8)),
        settings("simclr", temperature=0.3),
    ]
    keys = {run_key(other, PRINTS) for other in [chosen, *others]}
    assert len(keys | {run_key(chosen, [])}) == len(others) + 2


def test_fingerprints_are_of_the_content(dataset):
    (first,) = data(dataset).fingerprints()
    (dataset / "all.npy").write_bytes((dataset / "all.npy").read_bytes() + b"\0")
    (second,) = data(dataset).fingerprints()
    assert first["beton_sha256"] == second["beton_sha256"]
    assert first["subset_sha256"] != second["subset_sha256"]
    (dataset / "clean.json").unlink()
    assert data(dataset).fingerprints()[0]["beton_sha256"] is None
