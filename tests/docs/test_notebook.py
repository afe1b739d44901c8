"""The notebook of a finished study runs: of a committed one, and with an encoder and own images."""

import importlib.util
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json
from fourlenses.evaluation.encoder import Encoder
from fourlenses.evaluation.features.extract import extract_features
from fourlenses.export.own_images import features_of, images_in, nearest
from tests.helpers.runs import go, settings

ROOT = Path(__file__).parents[2]
STUDY = ROOT / "results" / "real_quantity"
NAME = "simclr/animals-all/seed0"


def variables(monkeypatch, *arguments):
    """Run every cell of the notebook, and return what they define."""
    monkeypatch.setattr(sys, "argv", ["study_notebook.py", "--", *map(str, arguments)])
    file = ROOT / "docs" / "guide" / "study_notebook.py"
    spec = importlib.util.spec_from_file_location("study_notebook", file)
    notebook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(notebook)
    _, defined = notebook.app.run()
    return defined


@pytest.fixture
def pictures(tmp_path):
    """Return a folder of a dark image, nearly the same one, and a bright one."""
    folder = tmp_path / "mine"
    folder.mkdir()
    noise = np.random.default_rng(0).integers(0, 30, (40, 30, 3))
    for name, shade in (("a", 20), ("b", 24), ("c", 220)):
        Image.fromarray((noise + shade).astype(np.uint8)).save(folder / f"{name}.png")
    (folder / "notes.txt").write_text("no image")
    return folder


def test_a_committed_study_opens(monkeypatch):
    defined = variables(monkeypatch, "--results", STUDY)
    cards = read_json(STUDY / "decision.json")
    assert defined["answers"] == [
        f"**{card['title']}.** {card['headline']['sentence']}" for card in cards
    ]
    assert len(defined["shown"]) == len(defined["metrics"])
    assert defined["figures"].keys() == {"quantity"}
    assert defined["figures"]["quantity"] is not None
    assert "features" not in defined


def test_an_encoder_shows_ones_own_images(dataset, pictures, monkeypatch):
    results = dataset / "results" / "mine"
    go(dataset, "run", settings(steps=1, epochs=None))
    shutil.copytree(dataset / "run", results / "pretrain" / NAME)
    for file in ("metrics.csv", "decision.json", "decision.md"):
        shutil.copyfile(STUDY / file, results / file)
    defined = variables(monkeypatch, "--results", results, "--encoder", NAME, "--images", pictures)
    assert defined["features"].shape == (3, 128)
    rows = defined["neighbours"].set_index("image")["nearest"]
    assert (rows["a.png"], rows["b.png"]) == ("b.png", "a.png")
    assert list(defined["histories"]) == [NAME]


def test_features_of_own_images_are_those_of_the_study(dataset, pictures):
    go(dataset, "run", settings(steps=1, epochs=None))
    encoder = Encoder.read(dataset / "run")
    files = images_in(pictures)
    assert [file.name for file in files] == ["a.png", "b.png", "c.png"]
    squares = []
    for file in files:  # 40 by 30 px to 16: the centre of 21 by 16
        resized = Image.open(file).resize((16, 21), Image.Resampling.BILINEAR)
        squares.append(np.asarray(resized)[2:18])
    network, _ = encoder.pretrained()
    wanted = extract_features(
        network,
        torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2),
        3,
        device="cpu",
        **encoder.normalisation(),
    )
    np.testing.assert_allclose(features_of(dataset / "run", files), wanted, atol=1e-5)


def test_the_nearest_is_never_the_image_itself():
    features = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]], dtype=np.float32)
    assert nearest(features).tolist() == [1, 0, 1]


def test_a_folder_without_images_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match=r"has no images \(\.bmp, .*name a folder of images"):
        images_in(tmp_path)


def test_the_code_of_the_page_runs(dataset, pictures, monkeypatch, capsys):
    page = (ROOT / "docs" / "guide" / "notebook.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    results = dataset / "results" / "mine"
    go(dataset, "run", settings(steps=1, epochs=None))
    shutil.copytree(dataset / "run", results / "pretrain/simclr/birds-all/seed0")
    shutil.copyfile(STUDY / "metrics.csv", results / "metrics.csv")
    shutil.copytree(pictures, dataset / "my_images")
    monkeypatch.chdir(dataset)
    exec(code, {})  # of our own page
    assert "('a.png', 'b.png')" in capsys.readouterr().out
