"""Code that the pages show runs."""

import re
import shutil
from pathlib import Path

import jsonschema
import pandas as pd
import torch
import yaml

from fourlenses.config.checkout import schema_file
from fourlenses.config.read import read_config
from fourlenses.config.schema import read_schema
from fourlenses.models.backbones import build_backbone
from fourlenses.models.weights import save_weights
from fourlenses.plotting.look import Look
from fourlenses.study.labels import labels_of

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


def test_a_figure_is_restyled_in_ten_lines(tmp_path, monkeypatch):
    page = (GUIDE / "figures.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]
    study = tmp_path / "results" / "real_mini"
    study.mkdir(parents=True)
    shutil.copy(GUIDE.parents[1] / "results" / "real_mini" / "metrics.csv", study)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(code, names)  # of our own page
    assert names["figure"].get_figwidth() == 3.3
    assert set(pd.read_csv("quantity_for_the_talk.csv")["protocol"]) == {"linear", "scratch"}
    text = (tmp_path / "quantity_for_the_talk.svg").read_text()
    assert "Pretraining pays below 9,000 labels" in text


def test_the_section_of_the_page_is_one_that_the_config_takes():
    page = (GUIDE / "figures.md").read_text(encoding="utf-8")
    section, dataset = (
        yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    )
    config = read_config([]) | {"datasets": dataset["datasets"]}
    config["figures"] = {**config["figures"], **section["figures"]}
    properties = read_schema(schema_file())["properties"]
    jsonschema.validate(config["figures"], properties["figures"])
    assert labels_of(config) == {
        "birds": "Birds",
        "birds/taxon_depth3": "family",
        **section["figures"]["labels"],
    }
    assert Look.of(config["figures"]).width == 3.3
