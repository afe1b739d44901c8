"""Code that the pages show runs."""

import re
from pathlib import Path

import torch

from fourlenses.models.backbones import build_backbone
from fourlenses.models.weights import save_weights

GUIDE = Path(__file__).parents[2] / "docs" / "guide"


def test_an_encoder_loads_into_torchvision(tmp_path, monkeypatch):
    page = (GUIDE / "use-an-encoder.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]
    encoder, _ = build_backbone("resnet18", seed=0)
    save_weights(encoder, tmp_path / "encoder.safetensors")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(code, names)  # of our own page
    assert names["features"].shape == (2, 512)
    images = torch.rand(2, 3, 64, 64)
    assert torch.equal(names["network"](images), encoder.eval()(images))
