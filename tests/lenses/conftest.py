"""The planted study as evidence, and the default study's config."""

import pytest

from fourlenses.analysis.contrasts import Evidence
from fourlenses.analysis.table import read_metrics
from fourlenses.config.read import ROOT
from fourlenses.config.yaml_files import read_yaml
from tests.helpers import synthetic_metrics as synthetic


@pytest.fixture
def planted(tmp_path):
    return Evidence.of(read_metrics(synthetic.write(tmp_path / "metrics.csv", synthetic.planted())))


@pytest.fixture
def default_config():
    """The default study, of one seed, at one part of its quantity lens and without pools."""
    config = read_yaml(ROOT / "config.yaml")
    config["seeds"], config["quantity"]["more"], config["domain"]["pools"] = [0], [], []
    return config
