import copy
import sys
from pathlib import Path

import pytest
import yaml

from fourlenses.core.errors import UserError
from fourlenses.lenses.plan import make_plan
from fourlenses.study import Cell, Part, Plan, Run, Subset, parse_source
from fourlenses.study.vocabulary import FEATURE_PROTOCOLS

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())


@pytest.fixture
def config():
    """The default study, of one seed, at one part of its quantity lens and without pools."""
    config = copy.deepcopy(CONFIG)
    config["seeds"], config["quantity"]["more"], config["domain"]["pools"] = [0], [], []
    return config


def test_sources_have_parts():
    assert parse_source("none") == []
    assert parse_source("imagenet-250000+places365-all@jpeg10") == [
        Part("imagenet", "250000"),
        Part("places365", "all", "jpeg10"),
    ]
    for source in ("imagenet", "imagenet-", "ImageNet-5", "a-1++b-2", "a-1@"):
        with pytest.raises(UserError, match="not of the form"):
            parse_source(source)
    assert "+".join(map(str, parse_source("a-1@jpeg10+b-all"))) == "a-1@jpeg10+b-all"


def test_lenses_share_runs_and_cells(config):
    config["quantity"].update(
        datasets=["objects"], pretrain_images=[100, 200], labelled_images=[50, 200]
    )
    config["domain"].update(
        datasets=["objects", "scenes"], pretrain_images=200, labelled_images=200
    )
    config["lenses"] = ["quantity", "domain"]
    plan = make_plan(config)
    shared = Cell(Run("simclr", "objects-200", 0), "objects", "200", "linear")
    assert plan.cells[shared] == {"quantity", "domain"}
    names = [run.name for run in plan.runs]
    assert len(names) == len(set(names))
    assert set(names) == {
        "random/none/seed0",
        "simclr/objects-100/seed0",
        "simclr/objects-200/seed0",
        "simclr/scenes-200/seed0",
        "simclr_half/objects-200/seed0",
    }
    # the supervised baseline is trained when it is evaluated
    assert Cell(Run("supervised", "objects-50", 0), "objects", "50", "scratch") in plan.cells


def test_the_floor_is_in_every_linear_cell(config):
    plan = make_plan(config)
    asked = {(cell.target, cell.labelled) for cell in plan.cells if cell.protocol == "linear"}
    floor = {(cell.target, cell.labelled) for cell in plan.cells if cell.run.method == "random"}
    assert asked == floor


def test_seeds_pools_and_corruptions(config):
    config["seeds"] = [0, 3]
    config["domain"]["pools"] = [["objects", "scenes"]]
    config["domain"]["pool_images"] = 1000
    names = {run.name for run in make_plan(config).runs}
    assert {
        "simclr/objects-1000+scenes-1000/seed0",
        "simclr/objects-1000+scenes-1000/seed3",
    } <= names
    corrupted = {part.corruption for name in names for part in parse_source(name.split("/")[1])} - {
        "none"
    }
    assert corrupted == set(config["quality"]["corruptions"])


def test_protocols_and_draws_of_labels(config):
    config["lenses"] = ["quantity"]
    config["quantity"].update(
        datasets=["objects"],
        pretrain_images=[300],
        labelled_images=[100, 2000, "all"],
        protocols=["linear", "fine_tune"],
    )
    config["evaluation"].update(label_subsets="balanced", label_repeats=3, label_repeats_up_to=100)
    cells = make_plan(config).cells
    by_protocol = {
        protocol: {cell.labelled for cell in cells if cell.protocol == protocol}
        for protocol in ("linear", "fine_tune", "scratch")
    }
    expected = {"100_balanced", "100_balanced_draw1", "100_balanced_draw2", "2000_balanced", "all"}
    assert by_protocol == {"linear": expected, "fine_tune": expected, "scratch": expected}
    tuned = next(
        cell
        for cell in cells
        if (cell.protocol, cell.labelled) == ("fine_tune", "100_balanced_draw2")
    )
    assert tuned.record == "simclr/objects-300/seed0/fine_tune/objects/100_balanced_draw2.json"
    assert not [
        cell for cell in cells if cell.run.method == "random" and cell.protocol == "fine_tune"
    ]  # that would be scratch


@pytest.mark.parametrize("name", ["100", "all", "100_balanced", "7_draw3", "100_balanced_draw12"])
def test_names_of_subsets(name):
    assert str(Subset.parse(name)) == name


@pytest.mark.parametrize("name", ["", "ten", "10_draw", "10_draw1_balanced", "10 "])
def test_names_of_no_subset(name):
    with pytest.raises(UserError, match="is no subset"):
        Subset.parse(name)


def test_concatenated_encoders_share_their_runs(config):
    config["lenses"] = ["domain"]
    config["domain"].update(
        datasets=["objects", "scenes"],
        concatenated=[["objects", "scenes"]],
        pretrain_images=200,
        protocols=["linear", "fine_tune"],
    )
    plan = make_plan(config)
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


@pytest.mark.parametrize(
    ("lens", "key", "value", "message"),
    [
        (
            "domain",
            "datasets",
            ["object"],
            r"'domain.datasets'.*unknown dataset 'object' \(did you mean 'objects'\?\)",
        ),
        (
            "quantity",
            "methods",
            ["simclrr"],
            r"'quantity.methods'.*unknown method 'simclrr' \(did you mean 'simclr'\?\); known: byol, moco, simclr, supervised",
        ),
        (
            "domain",
            "concatenated",
            [["objects", "sceness"]],
            r"'domain.concatenated'.*unknown dataset 'sceness'",
        ),
        (
            "domain",
            "concatenated",
            [["objects", {"dataset": "objects", "seed": "next"}]],
            r"'domain.concatenated\[0\]'.*'seeds' is \[0\]; give it two",
        ),
        (
            "domain",
            "concatenated",
            [["objects", {"dataset": "scenes", "method": "bvol"}]],
            r"'domain.concatenated\[0\]': unknown method 'bvol' \(did",
        ),
        (
            "domain",
            "concatenated",
            [["objects", {"dataset": "objects", "method": "simclr"}]],
            r"simclr/objects-all/seed0 twice; give one of",
        ),
        (
            "quality",
            "corruptions",
            ["downsampled2"],
            r"'quality.corruptions'.*'downsampled2' \(did you mean 'downsample2'\?\)",
        ),
        (
            "quality",
            "corruptions",
            ["resize_s5"],
            r"'quality.corruptions': 'resize_s5' changes no image at stored_size: 32",
        ),
        (
            "quantity",
            "pretrain_images",
            [10**6],
            r"'quantity.pretrain_images' asks for 1000000 images.*'scenes'.*train_images: ",
        ),
    ],
)
def test_mistakes_are_named(config, lens, key, value, message):
    config[lens][key] = value
    with pytest.raises(UserError, match=message):
        make_plan(config)


def test_the_plan_is_light():
    """The Snakefile imports these in every job: none of them may pull in torch, pandas or numpy."""
    import subprocess

    code = "import sys, fourlenses.study, fourlenses.config.check; print(sorted({'torch', 'pandas', 'numpy', 'ffcv'} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_a_run_finds_its_own_cells_whether_added_one_by_one_or_given_at_once(config):
    plan = make_plan(config)
    again = Plan({cell: set(lenses) for cell, lenses in plan.cells.items()})
    for run in {cell.run for cell in plan.cells}:
        own = plan.cells_of(run)
        assert own == again.cells_of(run)
        assert set(own) == {
            cell for cell in plan.cells if cell.run == run and cell.protocol in FEATURE_PROTOCOLS
        }
    assert plan.cells_of(Run("simclr", "nothing", 9)) == []


def test_inherited_pools_of_other_datasets_are_left_out(config):
    """An overlay with datasets of its own keeps the default study's pools unless it names some."""
    config["domain"] |= {"datasets": ["objects", "species"], "pools": [["scenes", "landcover"]]}
    config["lenses"] = ["domain"]
    assert {cell.run.source for cell in make_plan(config).cells} == {
        "none",
        "objects-all",
        "species-all",
    }


def test_a_supervised_encoder_of_another_lens_is_shown_at_every_level(config):
    cells = {
        cell: lenses
        for cell, lenses in make_plan(config).cells.items()
        if cell.run.method == "supervised" and cell.protocol == "linear"
    }
    clean = [lenses for cell, lenses in cells.items() if cell.run.source == "scenes-all"]
    assert clean == [{"quality", "granularity"}]
    assert [lenses for cell, lenses in cells.items() if "@" in cell.run.source] == [{"quality"}]
