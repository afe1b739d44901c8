"""A run as users see it: another worker count, what is recorded, files that others load."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
import torchvision

from fourlenses.core.errors import Interrupted, UserError
from fourlenses.resume.checkpoint import Checkpoints
from fourlenses.training import convergence
from tests.helpers.runs import go, same, settings


@pytest.mark.parametrize("method", ["simclr", "supervised"])
def test_the_same_run_gives_the_same_weights_whatever_the_workers(dataset, method):
    first, record = go(dataset, "first", settings(method), workers=1)
    second, _ = go(dataset, "second", settings(method), workers=3)
    assert same(first, second)
    changed, _ = go(dataset, "third", settings(method, learning_rate=0.003))
    assert not same(first, changed)
    # 36 images, 6 epochs, batches of 16: 13.5 steps, rounded to even
    assert record["effective"]["total_steps"] == 14
    history = pd.read_csv(dataset / "first" / "history.csv")
    assert history["step"].iloc[-1] == 14
    assert np.isfinite(history["loss"]).all()


def test_training_lowers_the_loss(dataset):
    go(dataset, "run", settings(epochs=120, temperature=0.2))
    losses = pd.read_csv(dataset / "run" / "history.csv")["loss"]
    third = len(losses) // 3  # of batches of 16 images: a few of them say little
    assert losses.iloc[-third:].mean() < 0.92 * losses.iloc[:third].mean()


def test_an_encoder_loads_into_torchvision(dataset):
    weights, _ = go(dataset, "run", settings("supervised", backbone="resnet18", epochs=1))
    result = torchvision.models.resnet18().load_state_dict(weights, strict=False)
    assert sorted(result.missing_keys) == ["fc.bias", "fc.weight"]
    assert result.unexpected_keys == []


def test_the_record_says_what_was_effective(dataset):
    _, record = go(dataset, "run", settings(lr_scaling="linear", batch_size=64))
    effective = record["effective"]
    assert effective["batch_size"] == 36  # clamped to the data
    assert effective["peak_learning_rate"] == pytest.approx(0.002 * 36 / 256)
    assert effective["images"] == 36
    assert (
        record["datasets"][0]["beton_sha256"]
        == json.loads((dataset / "clean.json").read_text())["content_sha256"]
    )
    assert record["versions"]["torch"] == torch.__version__
    assert record["images_per_second"] > 0


def test_the_record_says_whether_the_loss_still_fell(dataset, monkeypatch):
    monkeypatch.setattr(
        convergence, "Z", -100.0
    )  # any fall counts, as 68 steps of 16 images are all noise
    _, record = go(dataset, "short", settings("supervised", epochs=30, learning_rate=1e-4))
    assert sum(record["losses"]["steps"]) == 68
    history = pd.read_csv(dataset / "short" / "history.csv")
    steps = np.diff(history["step"], prepend=0)
    weighted = sum(
        count * mean
        for count, mean in zip(record["losses"]["steps"], record["losses"]["mean"], strict=True)
    )
    assert weighted == pytest.approx((steps * history["loss"]).sum())
    assert record["not_converged"].startswith("the loss still fell at the end of the 68 steps")
    _, untrained = go(dataset, "random", settings("random"))
    assert (untrained["not_converged"], untrained["losses"]["mean"]) == (None, [])


def test_a_checkpoint_of_an_earlier_version_is_gone_on_from(dataset, monkeypatch):
    """Of the losses before it nothing is known, so whether they still fell is not said."""
    newest = Checkpoints.newest

    def without_losses(self):
        state = newest(self)
        return state and {key: value for key, value in state.items() if key != "losses"}

    chosen = settings("supervised", epochs=30)
    whole, _ = go(dataset, "whole", chosen)
    with pytest.raises(Interrupted):
        go(dataset, "run", chosen, max_minutes=1e-6)
    monkeypatch.setattr(Checkpoints, "newest", without_losses)
    resumed, record = go(dataset, "run", chosen)
    assert same(whole, resumed)
    assert sum(record["losses"]["steps"]) == 67


def test_processor_time_is_of_all_attempts(dataset):
    chosen = settings(steps=5, epochs=None)
    with pytest.raises(Interrupted):
        go(dataset, "run", chosen, max_minutes=1e-6)
    (folder,) = (dataset / "checkpoints").iterdir()
    before = Checkpoints(folder).newest()["cpu_seconds"]
    _, record = go(dataset, "run", chosen)
    assert 0 < before < record["cpu_seconds"]
    _, untrained = go(dataset, "random", settings("random"))
    assert untrained["cpu_seconds"] == 0


def test_the_random_encoder_is_where_training_starts(dataset):
    untrained, _ = go(dataset, "random", settings("random"))
    nearly, _ = go(dataset, "nearly", settings(learning_rate=1e-12, epochs=1))
    assert all(
        torch.allclose(untrained[name], nearly[name], atol=1e-6)
        for name in untrained
        if "running" not in name and "num_batches" not in name
    )


def test_a_diverged_run_stops_and_says_where(dataset):
    with pytest.raises(
        UserError,
        match=r"the loss of step \d+ of 14 is not finite .*lower 'learning_rate'.*"
        "No checkpoint had been taken",
    ):
        go(
            dataset,
            "run",
            settings("supervised", optimizer="sgd", learning_rate=1e30, warmup_epochs=0),
        )
    assert not (dataset / "run" / "encoder.safetensors").exists()
