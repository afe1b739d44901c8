"""Pretraining that continues the study's encoder of fewer images."""

import json
from dataclasses import replace

import pytest
from safetensors.torch import load_file

from fourlenses.core.errors import Interrupted, UserError
from fourlenses.core.files import sha256
from fourlenses.evaluation.encoder import Encoder
from fourlenses.evaluation.record import encoder_columns
from fourlenses.training.settings import PretrainingSettings
from fourlenses.training.start import follow_smaller
from tests.helpers.runs import go, same, settings

SHORT = {"steps": 3, "epochs": None}


def small(dataset, name="small", **changes):
    """Return the folder of a trained encoder whose source says that its images are fewer."""
    go(dataset, name, replace(settings(**SHORT, **changes), source="animals-20"))
    return dataset / name


def values(source="animals-20", **changes):
    return settings(**SHORT, **changes).as_json() | {"smaller": {"source": source}}


def test_the_encoder_begins_with_the_smaller_ones_weights_and_counts_its_steps(dataset):
    start = small(dataset)
    chosen = PretrainingSettings.from_json(follow_smaller(values(learning_rate=1e-12), start))
    assert chosen.smaller.weights_sha256 == sha256(start / "encoder.safetensors")
    assert (chosen.smaller.steps, chosen.smaller.images) == (3, 48)
    trained, record = go(dataset, "run", chosen, start / "encoder.safetensors")
    begun = load_file(start / "encoder.safetensors")
    for name, tensor in begun.items():
        if "running" not in name and "num_batches" not in name:
            assert (tensor - trained[name]).abs().max() < 1e-6
    assert record["settings"]["smaller"]["source"] == "animals-20"
    columns = encoder_columns([Encoder.read(dataset / "run")])
    # 3 steps of 16 images each, twice; 36 images
    assert (columns["steps"], columns["epochs"]) == (6, round(96 / 36, 3))
    # of a third one, which continues this one
    settings_of_next = follow_smaller(values(source="animals-all"), dataset / "run")
    assert settings_of_next["smaller"]["steps"] == 6
    assert settings_of_next["smaller"]["images"] == 96


def test_interrupted_and_resumed_is_bit_equal(dataset):
    start = small(dataset)
    chosen = PretrainingSettings.from_json(follow_smaller(values(), start))
    whole, _ = go(dataset, "whole", chosen, start / "encoder.safetensors")
    with pytest.raises(Interrupted):
        go(dataset, "run", chosen, start / "encoder.safetensors", max_minutes=1e-6)
    resumed, _ = go(dataset, "run", chosen, start / "encoder.safetensors")
    assert same(whole, resumed)
    from_random, _ = go(dataset, "random", settings(**SHORT))
    assert not same(whole, from_random)


def test_without_the_smaller_encoder_or_with_another_nothing_is_trained(dataset):
    start = small(dataset)
    with pytest.raises(UserError, match="snakemake pretrains 'animals-20' before"):
        follow_smaller(values(), dataset / "nowhere")
    with pytest.raises(UserError, match=r"animals-20.*to be continued is.*animals-7"):
        follow_smaller(values(source="animals-7"), start)
    chosen = PretrainingSettings.from_json(follow_smaller(values(), start))
    with pytest.raises(UserError, match=r"continues .*animals-20.* name its files by --start"):
        go(dataset, "run", chosen)


def test_settings_without_a_smaller_encoder_are_the_former_ones():
    assert "smaller" not in json.dumps(settings().as_json())
