"""Settings that have changed since a study was recorded are named by status and plan."""

import copy
import json

import pytest

from fourlenses.config.placement import science_of
from fourlenses.config.read import read_config
from fourlenses.workflow.changed_settings import changed_keys, in_words


@pytest.fixture
def recorded(tmp_path):
    """A config and the file that recorded it."""
    config = read_config([])
    record = tmp_path / "study.json"
    record.write_text(json.dumps({"study": "x", "config": science_of(config), "cells": []}))
    return config, record


def test_nothing_has_changed(recorded, tmp_path):
    assert changed_keys(*recorded) == []
    assert changed_keys(recorded[0], tmp_path / "none.json") == []
    assert in_words([]) == ""


@pytest.mark.parametrize(
    ("change", "keys"),
    [
        (
            lambda config: config["evaluation"].update(validation_fraction=0.5),
            ["evaluation.validation_fraction"],
        ),
        (lambda config: config.update(seeds=[0]), ["seeds"]),
        (
            lambda config: config["datasets"]["objects"].update(seed=9),
            ["datasets.objects.seed"],
        ),
        (lambda config: config["datasets"].pop("objects"), ["datasets.objects"]),
        # where it runs makes nothing again
        (lambda config: config.update(device="cuda", raw_data="/elsewhere"), []),
        (lambda config: config["training"].update(checkpoint_minutes=1), []),
    ],
)
def test_a_change_is_named(recorded, change, keys):
    config, record = copy.deepcopy(recorded[0]), recorded[1]
    change(config)
    assert changed_keys(config, record) == keys


def test_a_sentence_of_many():
    sentence = in_words(["a", "b", "c", "d", "e"])
    assert sentence.startswith("changed since the study was recorded: a, b, c and 2 more;")
    assert "snakemake all -n lists that" in sentence
