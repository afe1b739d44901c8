"""Continued pretraining: from an imported ResNet-18, with the method's own steps and resume."""

import json

import pytest
import torch
from safetensors.torch import load_file

from fourlenses.core.errors import Interrupted, UserError
from fourlenses.core.files import sha256
from fourlenses.evaluation.encoder import Encoder
from fourlenses.models.architectures import build_architecture
from fourlenses.models.external import Declared, import_encoder
from fourlenses.resume.checkpoint import Checkpoints
from fourlenses.study import Run
from fourlenses.training.settings import PretrainingSettings, run_key
from fourlenses.training.start import follow_start
from tests.helpers.runs import go, same, settings

MEAN, STD = [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]
RESNET18 = "torchvision:resnet18"
NORMS = ("running", "num_batches")  # what a step of batch norm changes without a gradient


def imported(folder, *, seed=1, name="imported", architecture=RESNET18, **changes):
    """Return the folder of an imported encoder whose weights are of that seed."""
    file = folder / f"{name}.pth"
    torch.save(build_architecture(architecture, seed=seed)[0].state_dict(), file)
    entry = {
        "architecture": architecture,
        "weights": file.name,
        "sha256": sha256(file),
        "stored_size": 24,
        "image_size": 16,
        "crop": 0.8,
        "mean": MEAN,
        "std": STD,
        "pretrained_on": "noise",
        "pretrain_images": 7,
        "labels_of": ["birds"],
    }
    declared = Declared.from_config(entry | changes)
    import_encoder("rn18", declared, raw_data=folder, output=folder / name)
    return folder / name


def continuing(start, method="simclr", **changes):
    """Return the settings of a pretraining from there, as the program completes them."""
    record = json.loads((start / "run.json").read_text())
    values = settings(method, backbone=record["settings"]["backbone"], **changes).as_json()
    declared = record["external"]["sha256"]
    values |= {"source": "animals-all.from_rn18"}
    values |= {"start": {"encoder": "rn18", "sha256": declared}}
    return PretrainingSettings.from_json(follow_start(values, start))


def weights(start):
    return start / "encoder.safetensors"


@pytest.mark.parametrize("method", ["simclr", "moco", "supervised"])
def test_the_encoder_begins_with_the_weights_of_the_start(dataset, method):
    start = imported(dataset)
    chosen = continuing(start, method, learning_rate=1e-12, steps=1, epochs=None)
    trained, record = go(dataset, "run", chosen, weights(start))
    begun = load_file(weights(start))
    assert trained.keys() == begun.keys()
    for name, tensor in begun.items():
        if not any(part in name for part in NORMS):
            torch.testing.assert_close(trained[name], tensor, atol=1e-6, rtol=0)
    assert record["settings"]["start"]["sha256"] == chosen.start.sha256
    assert record["settings"]["start"]["weights_sha256"] == sha256(weights(start))


def test_a_momentum_encoder_begins_there_too(dataset, monkeypatch):
    start, states = imported(dataset), []
    from fourlenses.methods import byol

    momentum_copy = byol.momentum_copy

    def recorded(module):
        states.append({name: value.clone() for name, value in module.state_dict().items()})
        return momentum_copy(module)

    monkeypatch.setattr(byol, "momentum_copy", recorded)
    go(dataset, "run", continuing(start, "byol", steps=1, epochs=None), weights(start))
    assert same(states[0], load_file(weights(start)))


def test_interrupted_and_resumed_is_bit_equal(dataset):
    start = imported(dataset)
    chosen = continuing(start, steps=4, epochs=None)
    whole, _ = go(dataset, "whole", chosen, weights(start))
    assert not same(whole, load_file(weights(start)))
    with pytest.raises(Interrupted):
        go(dataset, "run", chosen, weights(start), max_minutes=1e-6)
    resumed, _ = go(dataset, "run", chosen, weights(start))
    assert same(whole, resumed)


@pytest.mark.parametrize(
    ("method", "optimizer"), [("simclr", "adamw"), ("moco", "sgd"), ("byol", "lars")]
)
def test_interrupted_while_frozen_and_after_it_is_bit_equal(dataset, method, optimizer):
    start = imported(dataset)
    keys = {"optimizer": optimizer, "steps": 5, "epochs": None, "frozen_share": 0.4}
    chosen = continuing(start, method, **keys)
    whole, record = go(dataset, "whole", chosen, weights(start))
    assert record["effective"]["frozen_steps"] == 2
    begun, moved = load_file(weights(start)), []
    for step in range(1, 5):
        with pytest.raises(Interrupted):
            go(dataset, "run", chosen, weights(start), max_minutes=1e-6)
        (folder,) = (dataset / "checkpoints").iterdir()
        state = Checkpoints(folder).newest()
        assert state["step"] == step
        encoder = {
            name.removeprefix("encoder."): value
            for name, value in state["method"].items()
            if name.startswith("encoder.") and not any(part in name for part in NORMS)
        }
        moved.append(not all(torch.equal(begun[name], value) for name, value in encoder.items()))
    assert moved == [False, False, True, True]
    resumed, _ = go(dataset, "run", chosen, weights(start))
    assert same(whole, resumed)


def test_while_the_encoder_is_frozen_the_head_learns_and_norms_see_the_new_images(dataset):
    start = imported(dataset)
    chosen = continuing(start, steps=4, epochs=None, frozen_share=0.75, learning_rate=0.01)
    states = []
    for _ in range(2):
        with pytest.raises(Interrupted):
            go(dataset, "run", chosen, weights(start), max_minutes=1e-6)
        (folder,) = (dataset / "checkpoints").iterdir()
        states.append(Checkpoints(folder).newest()["method"])
    first, second = states
    heads = [key for key, value in first.items() if "head" in key and value.ndim > 1]
    assert heads
    assert not any(torch.equal(first[key], second[key]) for key in heads)
    running = [state["encoder.bn1.running_mean"] for state in states]
    assert not torch.equal(*running)


def test_a_training_whose_encoder_is_never_frozen_has_the_former_key(dataset):
    start = imported(dataset)
    chosen = continuing(start)
    assert "frozen_share" not in chosen.as_json()["hyperparameters"]
    assert run_key(chosen, []) != run_key(continuing(start, frozen_share=0.1), [])


def test_another_start_has_another_key_and_none_has_the_former_one(dataset):
    chosen = [
        continuing(imported(dataset, seed=1, name="one")),
        continuing(imported(dataset, seed=2, name="two")),
        settings(backbone=RESNET18),
    ]
    assert len({run_key(each, []) for each in chosen}) == 3
    assert "start" not in chosen[2].as_json()


def test_sizes_normalisation_and_what_it_has_seen_are_those_of_the_start(dataset):
    start = imported(dataset)
    chosen = continuing(start, steps=1, epochs=None)
    assert (chosen.image_size, chosen.start.crop) == (16, 0.8)
    assert chosen.recipes["strong"]["mean"] == MEAN
    go(dataset, "run", chosen, weights(start))
    encoder = Encoder.read(dataset / "run")
    assert encoder.normalisation() == {"mean": MEAN, "std": STD}
    assert (encoder.crop, encoder.resized, encoder.external) == (0.8, 20, False)
    assert encoder.trained_with_labels_of("birds")
    assert not encoder.trained_with_labels_of("animals")
    assert encoder.name == Run("simclr", "animals-all.from_rn18", 0).name


def test_the_start_s_interpolation_is_that_of_its_evaluations(dataset):
    start = imported(dataset)
    chosen = continuing(start, steps=1, epochs=None)
    assert "interpolation" not in chosen.as_json()["start"]  # the key of earlier checkpoints
    start = imported(dataset, name="bicubic", interpolation="bicubic")
    chosen = continuing(start, steps=1, epochs=None)
    assert chosen.as_json()["start"]["interpolation"] == "bicubic"
    go(dataset, "run", chosen, weights(start))
    assert Encoder.read(dataset / "run").interpolation == "bicubic"


def test_an_augmentation_that_names_mean_and_std_keeps_them(dataset):
    start = imported(dataset)
    values = continuing(start).as_json()
    values["recipes"]["strong"] |= {"mean": [0.5] * 3, "std": [0.5] * 3}
    assert follow_start(values, start)["recipes"]["strong"]["mean"] == [0.5] * 3


def test_a_start_that_is_missing_or_another_is_one_sentence(dataset):
    start = imported(dataset)
    values = continuing(start).as_json()
    with pytest.raises(UserError, match=r"holds no imported encoder .*imports 'rn18' before"):
        follow_start(values, dataset)
    values["start"]["sha256"] = "0" * 64
    with pytest.raises(UserError, match=r"imported from a file of SHA-256 .*delete the folder"):
        follow_start(values, start)
    with pytest.raises(UserError, match="continues 'rn18', whose weights were not given"):
        go(dataset, "run", continuing(start))
