"""What the domain lens asks for: controls of pools, encoders side by side, baselines."""

import copy
from pathlib import Path

import pytest
import yaml

from fourlenses.core.errors import UserError
from fourlenses.lenses.plan import make_plan
from fourlenses.study import Run, names

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())


@pytest.fixture
def config():
    config = copy.deepcopy(CONFIG)
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


def test_a_pool_is_held_against_its_share_and_its_total(config):
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


def test_a_total_larger_than_the_dataset_is_refused(config):
    config["domain"].update(pools=[["objects", "scenes"]], pool_images=160)
    config["datasets"]["scenes"]["train_images"] = 300
    with pytest.raises(
        UserError,
        match=r"'domain.pool_controls' has 'total': 320 images of 'scenes' alone.*train_images: 300; lower",
    ):
        make_plan(config)
    config["domain"]["pool_controls"] = ["share"]
    assert "scenes-160" in sources(config, "scenes")
    config["domain"].update(pool_images="all", pool_controls=["share", "total"])
    with pytest.raises(
        UserError, match=r"'domain.pool_controls' has 'total', but with 'domain.pool_images: all'"
    ):
        make_plan(config)


def test_encoders_side_by_side_of_another_method_or_seed(config):
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


@pytest.mark.parametrize(
    "encoders",
    [
        [Run("simclr", "a-10", 0), Run("simclr", "b-10", 0)],
        [
            Run("simclr", "a-10", 0),
            Run("supervised", "b-10+c-10@jpeg10", 0),
            Run("moco", "a-all", 3),
        ],
        [Run("supervised", "a-10", 2), Run("simclr_half", "a-10", 0)],
    ],
)
def test_side_by_side_and_apart_again(encoders):
    assert Run.concatenated(encoders).encoders == encoders


def test_the_source_of_a_derived_run_without_marks_is_as_before():
    run = Run.concatenated([Run("simclr", "a-100", 0), Run("simclr", "b-50@jpeg10", 0)])
    assert (run.source, run.corruption) == ("a-100~b-50@jpeg10", "jpeg10+none")
    assert Run("simclr", "a-100+b-50", 1).encoders == [Run("simclr", "a-100+b-50", 1)]


@pytest.mark.parametrize(
    ("source", "label"),
    [
        ("imagenet-1000000~inat21-1000000", "ImageNet 1M | iNat21 1M"),
        ("imagenet-1000000~inat21-1000000.supervised", "ImageNet 1M | iNat21 1M (supervised)"),
        ("imagenet-1000000~imagenet-1000000.seed1", "ImageNet 1M | ImageNet 1M (another seed)"),
        ("a-10~b-20.simclr_half.seed2", "a 10 | b 20 (SimCLR, half as long, another seed)"),
        ("imagenet-250000+places365-250000", "ImageNet 250k + Places365 250k"),
        ("objects-all", "objects"),
    ],
)
def test_sources_are_called(source, label):
    assert names.source(source) == label


def test_the_parts_of_a_source_are_without_marks():
    assert names.source_parts("a-100~b-50.supervised") == [("a", 100), ("b", 50)]
    assert names.source_parts("a-100~a-100.seed1") == [("a", 100), ("a", 100)]
    assert names.datasets("a-100~b-all.moco.seed1") == {"a", "b"}
    # two encoders of one domain are no in-domain encoder
    assert not names.is_in_domain("a-100~a-100.seed1", "a")


def test_baselines_of_the_domain_lens(config):
    config["domain"]["baselines"] = ["scratch", "scratch_published"]
    found = {cell for cell in make_plan(config).cells if cell.protocol.startswith("scratch")}
    assert {(cell.run.source, cell.target, cell.protocol) for cell in found} == {
        (f"{dataset}-150", dataset, protocol)
        for dataset in ("objects", "scenes")
        for protocol in ("scratch", "scratch_published")
    }
    assert all(run.method == "simclr" for run in make_plan(config).runs if run.source != "none")
