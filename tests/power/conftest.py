"""A small study of one synthetic dataset and its other, planned without data."""

import pytest

from fourlenses.config.read import read_config
from fourlenses.lenses.plan import make_plan

SMALL = """
study: small
seeds: [0, 1, 2]
lenses: [quantity, domain]
datasets:
  objects: {source: synthetic, domain: objects, train_images: 400, test_images: 1000, seed: 1}
  scenes: {source: synthetic, domain: scenes, train_images: 400, test_images: 1000, seed: 2}
quantity:
  {datasets: [objects], pretrain_images: [100, 200, 400], labelled_images: [400], more: [],
   protocols: [linear, fine_tune]}
domain: {datasets: [objects, scenes], pretrain_images: 400, labelled_images: 400, pools: []}
"""


@pytest.fixture
def config(tmp_path):
    (tmp_path / "small.yaml").write_text(SMALL)
    return read_config([tmp_path / "small.yaml"])


@pytest.fixture
def plan(config):
    return make_plan(config)


@pytest.fixture(autouse=True)
def without_converted_datasets(tmp_path, monkeypatch):
    """The plan reads what data/ of the working directory knows of a dataset's images."""
    monkeypatch.chdir(tmp_path)
