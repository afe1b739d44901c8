"""Parts of sources, subsets, and the cells of a plan."""

import copy
import subprocess
import sys

import pytest

from fourlenses.config.read import ROOT
from fourlenses.config.yaml_files import read_yaml
from fourlenses.core.errors import UserError
from fourlenses.lenses.plan import make_plan
from fourlenses.study import Part, Plan, Run, Subset, parse_source
from fourlenses.study.vocabulary import FEATURE_PROTOCOLS

CONFIG = read_yaml(ROOT / "config.yaml")


@pytest.fixture
def config():
    """The default study, of one seed, at one part of its quantity lens and without pools."""
    config = copy.deepcopy(CONFIG)
    config["seeds"], config["quantity"]["more"], config["domain"]["pools"] = [0], [], []
    return config


def test_sources_have_parts():
    assert parse_source("none") == parse_source("resnet50_imagenet") == []
    assert parse_source("imagenet-250000+places365-all@jpeg10") == [
        Part("imagenet", "250000"),
        Part("places365", "all", "jpeg10"),
    ]
    for source in ("imagenet-", "ImageNet-5", "a-1++b-2", "a-1@"):
        with pytest.raises(UserError, match="not of the form"):
            parse_source(source)
    assert "+".join(map(str, parse_source("a-1@jpeg10+b-all"))) == "a-1@jpeg10+b-all"


@pytest.mark.parametrize("name", ["100", "all", "100_balanced", "7_draw3", "100_balanced_draw12"])
def test_names_of_subsets(name):
    assert str(Subset.parse(name)) == name


@pytest.mark.parametrize("name", ["", "ten", "10_draw", "10_draw1_balanced", "10 "])
def test_names_of_no_subset(name):
    with pytest.raises(UserError, match="is no subset"):
        Subset.parse(name)


def test_the_plan_is_light():
    """The Snakefile imports these in every job: none of them may pull in torch, pandas or numpy."""

    code = (
        "import sys, fourlenses.study, fourlenses.config.check; "
        "print(sorted({'torch', 'pandas', 'numpy', 'ffcv'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_a_run_finds_its_own_cells_whether_added_one_by_one_or_given_at_once(config):
    plan = make_plan(config)
    again = Plan({cell: set(lenses) for cell, lenses in plan.cells.items()})
    for run in {cell.run for cell in plan.cells}:
        cells = plan.cells_of(run)
        assert cells == again.cells_of(run)
        assert set(cells) == {
            cell for cell in plan.cells if cell.run == run and cell.protocol in FEATURE_PROTOCOLS
        }
    assert plan.cells_of(Run("simclr", "nothing", 9)) == []
