"""A run as users see it: killed and resumed, another worker count, files that others load."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import torchvision
from safetensors.torch import load_file

from fourlenses.data.sources import image_folder as source
from fourlenses.data.subsets import draw_subset
from fourlenses.data.write_beton import write_beton
from fourlenses.errors import UserError
from fourlenses.training.checkpoint import Checkpoints
from fourlenses.training.pretrain import Settings, pretrain

ROOT = Path(__file__).parents[2]
RECIPES = {
    "strong": {"crop_scale": [0.2, 1.0], "crop_ratio": [0.75, 1.33], "flip": 0.5, "jitter": [0.8, 0.8, 0.8, 0.2], "jitter_probability": 0.8}
}
HYPER = {
    "simclr": {"views": ["strong", "strong"], "temperature": 0.2, "projection_hidden": 16, "projection_out": 8, "projection_layers": 2},
    "supervised": {"views": ["strong"], "label_smoothing": 0.0},
}
COMMON = {
    "epochs": 6,
    "batch_size": 16,
    "optimizer": "adamw",
    "learning_rate": 0.002,
    "lr_scaling": "none",
    "momentum": 0.9,
    "weight_decay": 1e-4,
    "warmup_epochs": 1,
}


@pytest.fixture
def dataset(tmp_path, image_folder):
    definition = {"source": "image_folder", "path": image_folder.name}
    manifest = source.index("animals", definition, image_folder.parent)
    write_beton("animals", definition, image_folder.parent, manifest, "clean", 24, 0, tmp_path / "clean.beton", 1)
    np.save(tmp_path / "all.npy", draw_subset(manifest, set(), "all", 0, "animals"))
    return tmp_path


def settings(method="simclr", backbone="resnet_small", **changes):
    hyper = {**COMMON, **HYPER.get(method, {}), **changes}
    return Settings(method, backbone, "animals-all", 0, 24, 16, 1, hyper, RECIPES)


def go(folder, name, chosen, workers=1, checkpoint_seconds=1e9):
    out = folder / name
    pretrain(
        chosen, [folder / "clean.beton"], [folder / "all.npy"], ["animals"], out, folder / "checkpoints", "cpu", workers, checkpoint_seconds
    )
    return load_file(out / "encoder.safetensors"), json.loads((out / "run.json").read_text())


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


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
    go(dataset, "run", settings(epochs=40))
    losses = pd.read_csv(dataset / "run" / "history.csv")["loss"]
    assert losses.iloc[-5:].mean() < 0.92 * losses.iloc[:5].mean()


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
    assert record["datasets"][0]["beton_sha256"] == json.loads((dataset / "clean.json").read_text())["content_sha256"]
    assert record["versions"]["torch"] == torch.__version__
    assert record["images_per_second"] > 0


def test_the_random_encoder_is_where_training_starts(dataset):
    untrained, _ = go(dataset, "random", settings("random"))
    nearly, _ = go(dataset, "nearly", settings(learning_rate=1e-12, epochs=1))
    assert all(
        torch.allclose(untrained[name], nearly[name], atol=1e-6)
        for name in untrained
        if "running" not in name and "num_batches" not in name
    )


COMMAND = """
import json, sys
from pathlib import Path
from fourlenses.training.pretrain import Settings, pretrain
folder = Path(sys.argv[1])
settings = Settings(**json.loads(sys.argv[2]))
data = [folder / "clean.beton"], [folder / "all.npy"], ["animals"]
pretrain(settings, *data, folder / sys.argv[3], folder / "checkpoints", "cpu", 1, 0.0)
"""


@pytest.mark.parametrize("method", ["simclr", "supervised"])
def test_killed_and_resumed_is_bit_equal(dataset, method):
    from dataclasses import asdict

    chosen = settings(method, epochs=60)
    undisturbed, _ = go(dataset, "undisturbed", chosen)
    arguments = [sys.executable, "-c", COMMAND, str(dataset), json.dumps(asdict(chosen)), "killed"]
    process = subprocess.Popen(arguments, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list(dataset.glob("checkpoints/*/step*.pt")):  # at least one checkpoint has been taken
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (dataset / "killed" / "encoder.safetensors").exists()
    (directory,) = (dataset / "checkpoints").iterdir()
    newest = Checkpoints(directory).newest()
    assert 0 < newest["step"] < 135
    resumed, record = go(dataset, "killed", chosen)
    assert same(undisturbed, resumed)
    history = pd.read_csv(dataset / "killed" / "history.csv")["step"]
    assert history.is_monotonic_increasing
    assert history.is_unique
    assert record["effective"]["total_steps"] == history.iloc[-1]
    assert not directory.exists()  # nothing left behind


def test_a_damaged_checkpoint_is_passed_over(tmp_path, caplog):
    checkpoints = Checkpoints(tmp_path)
    for step in (1, 2, 3):
        checkpoints.save(step, {"step": step})
    assert sorted(file.name for file in tmp_path.iterdir()) == ["step000000002.pt", "step000000003.pt"]
    newest = tmp_path / "step000000003.pt"
    newest.write_bytes(newest.read_bytes()[:100])
    assert checkpoints.newest()["step"] == 2
    assert "step000000003.pt cannot be read" in caplog.text
    newest.write_bytes(b"")
    assert checkpoints.newest()["step"] == 2


def test_a_diverged_run_stops_and_says_where(dataset):
    with pytest.raises(UserError, match=r"the loss is nan between steps \d+ and \d+ .*lower 'learning_rate'"):
        go(dataset, "run", settings("supervised", optimizer="sgd", learning_rate=1e30, warmup_epochs=0))
    assert not (dataset / "run" / "encoder.safetensors").exists()
