"""Code that the pages show runs."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fourlenses.data.beton.reader import RAW, Stored
from fourlenses.data.loading.resident import central, square
from fourlenses.evaluation.encoder import Encoder
from fourlenses.evaluation.features.extract import extract_features
from fourlenses.export.folder import export_encoder
from fourlenses.workflow.share_encoder import share
from tests.export.test_folder import measured
from tests.helpers.runs import go, settings
from tests.training.test_start import continuing, imported, weights

GUIDE = Path(__file__).parents[2] / "docs" / "guide"
TORCHVISION, TIMM, OURS, FOLDER, EXPORTED = range(5)  # the blocks of use-an-encoder.md


def blocks():
    page = (GUIDE / "use-an-encoder.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", page, re.DOTALL)


def run(number, folder, monkeypatch, names=None):
    """Run a block of the page in a folder, and return its variables."""
    names = {} if names is None else names
    monkeypatch.chdir(folder)
    exec(blocks()[number], names)  # of our own page
    return names


def is_network_of(network, folder):
    """Return whether a network has the features of the encoder in a folder."""
    encoder = Encoder.read(folder)
    images = torch.rand(2, 3, encoder.image_size, encoder.image_size)
    with torch.inference_mode():
        wanted = encoder.pretrained()[0].eval()(images)
        return torch.allclose(network.eval()(images), wanted, rtol=0, atol=1e-6)


def test_the_page_has_these_blocks():
    assert len(blocks()) == 5


@pytest.mark.parametrize(
    ("block", "backbone", "width"),
    [
        (TORCHVISION, "torchvision:resnet18", 512),
        (TORCHVISION, "resnet18", 512),
        (TIMM, "timm:vit_tiny_patch16_224", 192),
    ],
)
def test_an_encoder_loads_into_the_library(dataset, monkeypatch, block, backbone, width):
    chosen = settings(backbone=backbone, steps=1, epochs=None)
    go(dataset, "run", replace(chosen, image_size=32))
    names = run(block, dataset / "run", monkeypatch)
    assert names["features"].shape == (2, width)
    assert is_network_of(names["network"], dataset / "run")


def test_an_encoder_loads_by_our_own_loader(dataset, monkeypatch):
    go(dataset, "run", settings(steps=1, epochs=None))
    names = run(OURS, dataset / "run", monkeypatch)
    assert names["width"] == 128
    assert is_network_of(names["network"], dataset / "run")


@pytest.mark.parametrize("kind", ["own", "imported", "continued"])
def test_the_features_of_a_folder_are_those_of_the_study(dataset, monkeypatch, kind):
    if kind == "own":
        go(dataset, "run", settings(steps=1, epochs=None))
        folder = dataset / "run"
    else:
        folder = imported(dataset, architecture="resnet_small", interpolation="bicubic")
    if kind == "continued":
        go(dataset, "run", continuing(folder, steps=1, epochs=None), weights(folder))
        folder = dataset / "run"
    (folder / "images").mkdir()
    generator = np.random.default_rng(0)
    pictures = generator.integers(0, 256, (3, 40, 40, 3), dtype=np.uint8)
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / "images" / f"{number}.png")
    encoder = Encoder.read(folder) if kind != "imported" else as_run(folder)
    network, width = encoder.pretrained()
    names = run(FOLDER, folder, monkeypatch, {"network": network})
    squares = [
        square(
            Stored(mode=RAW, width=40, height=40, data=picture),
            encoder.resized,
            encoder.interpolation,
        )
        for picture in pictures
    ]
    tensor = torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2)
    seen = central(tensor, encoder.image_size)
    wanted = extract_features(network, seen, 3, device="cpu", **encoder.normalisation())
    assert names["features"].shape == (3, width)
    torch.testing.assert_close(names["features"], wanted, rtol=0, atol=1e-5)


def test_an_exported_folder_loads_as_the_page_says(dataset, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    go(dataset, "run", settings(backbone="resnet18", steps=1, epochs=None))
    folder = dataset / "results" / "mine" / "export" / "simclr" / "birds-all" / "seed0"
    export_encoder(dataset / "run", folder, measured=measured(dataset), licences={})
    names = run(EXPORTED, dataset, monkeypatch)
    assert is_network_of(names["network"], dataset / "run")
    picture = Image.fromarray(np.full((20, 30, 3), 51, dtype=np.uint8))
    prepared = names["prepare"](picture, return_tensors="pt")["pixel_values"]
    torch.testing.assert_close(prepared, torch.full((1, 3, 16, 16), 0.2))
    answer = names["model"](pixel_values=prepared)
    assert answer.pooler_output.flatten(1).shape == (1, 512)


def as_run(folder):
    """Return an import as the run of a seed."""
    share(folder, 0, folder / "seed0")
    return Encoder.read(folder / "seed0")
