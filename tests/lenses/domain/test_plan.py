"""Requests of the domain lens: pools and their controls, concatenated encoders, baselines."""

import copy

import pytest

from fourlenses.config.read import ROOT
from fourlenses.config.yaml_files import read_yaml
from fourlenses.core.errors import UserError
from fourlenses.lenses.plan import make_plan
from fourlenses.study import Run


@pytest.fixture
def config():
    config = copy.deepcopy(read_yaml(ROOT / "config.yaml"))
    config.update(lenses=["domain"], seeds=[0, 1, 4])
    config["domain"].update(
        datasets=["objects", "scenes"],
        pretrain_images=200,
        labelled_images=150,
        protocols=["linear"],
        pools=[],
        pool_images=60,
        concatenated=[],
        baselines=[],
    )
    return config


def sources(config: dict, target: str, seed: int = 0) -> set[str]:
    cells = make_plan(config).cells
    return {cell.run.source for cell in cells if (cell.target, cell.run.seed) == (target, seed)} - {
        "none"
    }


def test_a_pool_is_compared_with_its_share_and_its_total(config):
    config["domain"]["pools"] = [["objects", "scenes", "species"]]
    pool = "objects-60+scenes-60+species-60"
    plain = {"objects-200", "scenes-200", pool}
    # on its own dataset alone; species is no target of the lens
    assert sources(config, "objects") == plain | {"objects-60", "objects-180"}
    assert sources(config, "scenes") == plain | {"scenes-60", "scenes-180"}
    config["domain"]["pool_controls"] = ["total"]
    assert sources(config, "objects") == plain | {"objects-180"}
    config["domain"]["pool_controls"] = []
    assert sources(config, "objects") == plain


def test_a_total_larger_than_the_dataset_is_an_error(config):
    config["domain"].update(pools=[["objects", "scenes"]], pool_images=160)
    config["datasets"]["scenes"]["train_images"] = 300
    with pytest.raises(
        UserError,
        match=r"'domain.pool_controls' has 'total': 320 images of 'scenes' alone.*"
        "train_images: 300; lower",
    ):
        make_plan(config)
    config["domain"]["pool_controls"] = ["share"]
    assert "scenes-160" in sources(config, "scenes")
    config["domain"].update(pool_images="all", pool_controls=["share", "total"])
    with pytest.raises(
        UserError, match=r"'domain.pool_controls' has 'total', but with 'domain.pool_images: all'"
    ):
        make_plan(config)


def test_concatenated_encoders_of_another_method_or_seed(config):
    another, again = (
        {"dataset": "scenes", "method": "supervised"},
        {"dataset": "objects", "seed": "next"},
    )
    config["domain"]["concatenated"] = [
        ["objects", another],
        ["objects", again],
        ["objects", "scenes"],
    ]
    concatenated = {
        "objects-200~scenes-200.supervised",
        "objects-200~objects-200.seed1",
        "objects-200~scenes-200",
    }
    assert {source for source in sources(config, "scenes") if "~" in source} == concatenated
    # the seed after the last is the first
    assert "objects-200~objects-200.seed0" in sources(config, "scenes", seed=4)
    runs = make_plan(config).runs
    assert Run("supervised", "scenes-200", 0) in runs
    assert not [run for run in runs if "~" in run.source or "." in run.source]


def test_baselines_of_the_domain_lens(config):
    config["domain"]["baselines"] = ["scratch", "scratch_published"]
    cells = {cell for cell in make_plan(config).cells if cell.protocol.startswith("scratch")}
    assert {(cell.run.source, cell.target, cell.protocol) for cell in cells} == {
        (f"{dataset}-150", dataset, protocol)
        for dataset in ("objects", "scenes")
        for protocol in ("scratch", "scratch_published")
    }
    assert all(run.method == "simclr" for run in make_plan(config).runs if run.source != "none")


def test_concatenated_encoders_share_their_runs(default_config):
    default_config["lenses"] = ["domain"]
    default_config["domain"].update(
        datasets=["objects", "scenes"],
        concatenated=[["objects", "scenes"]],
        pretrain_images=200,
        protocols=["linear", "fine_tune"],
    )
    plan = make_plan(default_config)
    concatenated = Run("simclr", "objects-200~scenes-200", 0)
    assert concatenated.encoders == [
        Run("simclr", "objects-200", 0),
        Run("simclr", "scenes-200", 0),
    ]
    assert concatenated.corruption == "none"
    assert {cell.protocol for cell in plan.cells if cell.run == concatenated} == {
        "linear"
    }  # there is no one network to tune
    assert concatenated not in plan.runs
    assert set(concatenated.encoders) < set(plan.runs)


def test_inherited_pools_of_other_datasets_are_left_out(default_config):
    """An overlay with other datasets keeps the default study's pools unless it names some."""
    default_config["domain"] |= {
        "datasets": ["objects", "species"],
        "pools": [["scenes", "landcover"]],
    }
    default_config["lenses"] = ["domain"]
    assert {cell.run.source for cell in make_plan(default_config).cells} == {
        "none",
        "objects-all",
        "species-all",
    }
