import copy
import sys
from pathlib import Path

import pytest
import yaml

from fourlenses.errors import UserError
from fourlenses.study import Cell, Part, Run, make_plan, parse_source

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())


@pytest.fixture
def config():
    return copy.deepcopy(CONFIG)


def test_sources_have_parts():
    assert parse_source("none") == []
    assert parse_source("imagenet-250000+places365-all@jpeg10") == [Part("imagenet", "250000"), Part("places365", "all", "jpeg10")]
    for source in ("imagenet", "imagenet-", "ImageNet-5", "a-1++b-2", "a-1@"):
        with pytest.raises(UserError, match="not of the form"):
            parse_source(source)
    assert "+".join(map(str, parse_source("a-1@jpeg10+b-all"))) == "a-1@jpeg10+b-all"


def test_lenses_share_runs_and_cells(config):
    config["quantity"].update(datasets=["objects"], pretrain_images=[100, 200], labelled_images=[50, 200])
    config["domain"].update(datasets=["objects", "scenes"], pretrain_images=200, labelled_images=200)
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
        "supervised/objects-50/seed0",
        "supervised/objects-200/seed0",
    }


def test_the_floor_is_in_every_linear_cell(config):
    plan = make_plan(config)
    asked = {(cell.target, cell.labelled_images) for cell in plan.cells if cell.protocol == "linear"}
    floor = {(cell.target, cell.labelled_images) for cell in plan.cells if cell.run.method == "random"}
    assert asked == floor


def test_seeds_pools_and_corruptions(config):
    config["seeds"] = [0, 3]
    config["domain"]["pools"] = [["objects", "scenes"]]
    config["domain"]["pool_images"] = 1000
    names = {run.name for run in make_plan(config).runs}
    assert {"simclr/objects-1000+scenes-1000/seed0", "simclr/objects-1000+scenes-1000/seed3"} <= names
    corrupted = {part.corruption for name in names for part in parse_source(name.split("/")[1])} - {"none"}
    assert corrupted == set(config["quality"]["corruptions"])


@pytest.mark.parametrize(
    ("lens", "key", "value", "message"),
    [
        ("domain", "datasets", ["object"], r"'domain.datasets'.*unknown dataset 'object' \(did you mean 'objects'\?\)"),
        (
            "quantity",
            "methods",
            ["simclrr"],
            r"'quantity.methods'.*unknown method 'simclrr' \(did you mean 'simclr'\?\); known: byol, moco, simclr, supervised",
        ),
        ("quality", "corruptions", ["downsampled2"], r"'quality.corruptions'.*'downsampled2' \(did you mean 'downsample2'\?\)"),
        ("quality", "corruptions", ["resize_s5"], r"'quality.corruptions': 'resize_s5' changes no image at stored_size: 32"),
        ("quantity", "pretrain_images", [10**6], r"'quantity.pretrain_images' asks for 1000000 images.*'objects'.*train_images: "),
    ],
)
def test_mistakes_are_named(config, lens, key, value, message):
    config[lens][key] = value
    with pytest.raises(UserError, match=message):
        make_plan(config)


def test_the_plan_is_light():
    """The Snakefile imports these in every job: none of them may pull in torch, pandas or numpy."""
    import subprocess

    code = "import sys, fourlenses.study, fourlenses.config; print(sorted({'torch', 'pandas', 'numpy', 'ffcv'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
