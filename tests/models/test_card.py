"""The model card of an encoder, and the same facts in the header of its weights."""

import json

import pytest
import torch
from safetensors import safe_open

from fourlenses.core.files import sha256
from fourlenses.models.card import LABELS, write_card
from fourlenses.models.weights import save_weights
from fourlenses.study.layout import CARD, ENCODER
from tests.helpers.runs import go, settings
from tests.training.test_start import continuing, imported, weights


def header(folder):
    with safe_open(folder / ENCODER, "pt") as opened:
        return opened.metadata()


def rows_of(folder):
    """Return the card's table as a dictionary."""
    lines = (folder / CARD).read_text(encoding="utf-8").splitlines()
    cells = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    return {cell[0]: cell[1] for cell in cells if len(cell) == 2}


def test_a_pretrained_encoder_says_how_it_is_used(dataset):
    go(dataset, "run", settings(steps=3, epochs=None))
    said = header(dataset / "run")
    assert said == {
        "format": "pt",
        "architecture": "resnet_small",
        "feature_width": "128",
        "image_size": "16",
        "crop": "1",
        "interpolation": "bilinear",
        "mean": "0 0 0",
        "std": "1 1 1",
        "method": "simclr",
        "pretrained_on": "animals-all",
        "pretrain_images": "36",
        "steps": "3",
        "epochs": "1.33333",
        "seed": "0",
    }
    write_card(dataset / "run", "simclr/animals-all/seed0")
    rows = rows_of(dataset / "run")
    assert {
        LABELS[key]: value for key, value in said.items() if key in LABELS
    }.items() <= rows.items()
    assert rows["licence"] == "not stated; mind the terms of the images"
    assert rows["SHA-256 of encoder.safetensors"] == sha256(dataset / "run" / ENCODER)
    text = (dataset / "run" / CARD).read_text(encoding="utf-8")
    assert text.startswith("# simclr/animals-all/seed0\n")
    assert "scale the shorter side to 16 px (bilinear, antialiased)" in text


def test_an_untrained_encoder_has_a_card_too(dataset):
    go(dataset, "run", settings("random"))
    write_card(dataset / "run", "random/none/seed0")
    rows = rows_of(dataset / "run")
    assert (rows["method"], rows["steps"]) == ("random", "0")


def test_an_import_says_where_it_is_from(dataset):
    start = imported(dataset, interpolation="bicubic", licence="only | for research")
    said = header(start)
    assert said["interpolation"] == "bicubic"
    assert said["mean"] == "0.4 0.5 0.6"
    assert said["pretrained_on"] == "noise"
    assert "seed" not in said
    write_card(start, "rn18")
    text = (start / CARD).read_text(encoding="utf-8")
    assert "| licence | only \\| for research |" in text
    assert "| has seen images or labels of | birds |" in text
    assert "whether it allows this use is for you to check" in text
    assert "cannot be known from the weights" in text


def test_a_continued_encoder_has_the_licence_of_its_start(dataset):
    start = imported(dataset, licence="CC-BY-NC-4.0")
    chosen = continuing(start, steps=1, epochs=None)
    go(dataset, "run", chosen, weights(start))
    write_card(dataset / "run", "simclr/animals-all.from_rn18/seed0", start)
    rows = rows_of(dataset / "run")
    assert rows["licence"] == "of the start: CC-BY-NC-4.0"
    assert rows["continued from"] == f"rn18, {chosen.start.sha256}, pretrained on noise"
    assert header(dataset / "run")["started_from"] == f"rn18, {chosen.start.sha256}"


@pytest.mark.parametrize("metadata", [{}, {"b": "é", "a": "2", "long": "x" * 1000}])
def test_the_same_texts_give_the_same_bytes(tmp_path, metadata):
    network = torch.nn.Linear(3, 2)
    files = [tmp_path / "one", tmp_path / "other"]
    for file in files:
        save_weights(network, file, metadata=metadata)
    one, other = (file.read_bytes() for file in files)
    assert one == other
    with safe_open(files[0], "pt") as opened:
        assert opened.metadata() == {"format": "pt", **metadata}
        assert torch.equal(opened.get_tensor("weight"), network.weight)
    length = int.from_bytes(one[:8], "little")
    assert list(json.loads(one[8 : 8 + length])["__metadata__"]) == ["format", *metadata]
    assert length % 8 == 0
