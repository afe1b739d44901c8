"""Settings of the protocols that train: wrong keys are named, and keys of checkpoints."""

from dataclasses import replace

import pytest

from fourlenses.core.errors import UserError
from fourlenses.evaluation.finetuning.settings import (
    FinetuningHyperparameters,
    evaluation_key,
    fingerprints,
)
from tests.helpers.trained import HYPER, make_encoder, make_target, settings, task


@pytest.mark.parametrize(
    ("changes", "removed", "message"),
    [
        (
            {"learning_rate": 0.1},
            None,
            r"^protocol 'fine_tune': unknown key 'learning_rate' "
            r"\(did you mean 'learning_rates'\?\)",
        ),
        ({}, "epochs", "^protocol 'fine_tune' lacks the key 'epochs'; it needs views, test_crop"),
    ],
)
def test_a_wrong_key_is_named(changes, removed, message):
    values = HYPER | changes
    values.pop(removed, None)
    with pytest.raises(UserError, match=message):
        FinetuningHyperparameters.from_json("fine_tune", values)


def test_settings_are_a_dictionary_again():
    assert settings("fine_tune").as_json()["hyperparameters"] == HYPER
    growing = settings("fine_tune", progressive_sizes=[0.5, 1])
    assert growing.as_json()["hyperparameters"] == HYPER | {"progressive_sizes": [0.5, 1]}


def test_the_key_is_of_settings_encoder_and_labels(tmp_path):
    target, encoder = make_target(tmp_path), make_encoder(tmp_path / "run")
    chosen = settings("fine_tune")
    known = {
        evaluation_key(encoder, target, chosen),
        evaluation_key(encoder, target, replace(chosen, protocol="linear_augmented")),
        evaluation_key(encoder, target, settings("fine_tune", epochs=3)),
        evaluation_key(encoder, task(tmp_path, "few"), chosen),
        evaluation_key(make_encoder(tmp_path / "other", seed=1), target, chosen),
        evaluation_key(make_encoder(tmp_path / "random", "random"), target, chosen),
    }
    assert len(known) == 6
    again = make_encoder(tmp_path / "again", "byol")  # the same weights under another name
    assert evaluation_key(again, target, chosen) in known


def test_from_scratch_no_encoder_counts(tmp_path):
    target, encoder = make_target(tmp_path), make_encoder(tmp_path / "run")
    assert fingerprints(encoder, target, settings("scratch"))["encoders"] == []
    assert len(fingerprints(encoder, target, settings("fine_tune"))["encoders"]) == 1
