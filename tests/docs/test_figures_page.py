"""What docs/guide/figures.md shows runs: ten lines of Python, and a section of a config."""

import re
import shutil
from pathlib import Path

import jsonschema
import pandas as pd
import yaml

from fourlenses.config.checkout import schema_file
from fourlenses.config.read import read_config
from fourlenses.config.schema import read_schema
from fourlenses.plotting.look import Look
from fourlenses.study.labels import labels_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guide" / "figures.md").read_text(encoding="utf-8")


def test_a_figure_is_restyled_in_ten_lines(tmp_path, monkeypatch):
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]
    study = tmp_path / "results" / "real_mini"
    study.mkdir(parents=True)
    shutil.copy(ROOT / "results" / "real_mini" / "metrics.csv", study)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(code, names)  # of our own page
    assert names["figure"].get_figwidth() == 3.3
    assert set(pd.read_csv("quantity_for_the_talk.csv")["protocol"]) == {"linear", "scratch"}
    text = (tmp_path / "quantity_for_the_talk.svg").read_text()
    assert "Pretraining pays below 9,000 labels" in text


def test_the_section_of_the_page_is_one_that_the_config_takes():
    section, dataset = (
        yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
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
