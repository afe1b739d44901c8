"""Images without labels in every lens: sources of pretraining, never targets."""

import pytest

from fourlenses.core.errors import UserError
from fourlenses.lenses.plan import make_plan
from fourlenses.study import parse_source
from fourlenses.study.encoders import split_source
from fourlenses.study.names import is_in_domain

PETS = {"source": "image_folder", "path": "pets"}
BARE = {"source": "unlabelled", "path": "more"}


@pytest.fixture
def plan(default_config):
    """Return a function that makes the plan of one lens on some datasets."""

    def of(lens, datasets=("pets", "pets_unlabelled"), **keys):
        default_config["datasets"] = {
            "pets": PETS,
            "cars": PETS,
            "pets_unlabelled": BARE,
            "web": BARE,
        }
        default_config.update(lenses=[lens], seeds=[0])
        section = default_config[lens]
        section.update(datasets=list(datasets), methods=["simclr", "supervised"], **keys)
        if lens == "quantity":
            section.update(more=[], convergence=[], equal="epochs", **keys)
        made = make_plan(default_config)
        assert {cell.target for cell in made.cells} <= {"pets", "cars"}
        pairs = {
            (cell.run.method, cell.run.source, cell.target)
            for cell in made.cells
            if cell.run.method != "random" and cell.protocol == "linear"
        }
        for method, source, _ in pairs:
            parts = {
                part.dataset for single in split_source(source) for part in parse_source(single)
            }
            assert method != "supervised" or not parts & {"pets_unlabelled", "web"}
        return pairs

    return of


def test_quantity_pretrains_on_them_and_evaluates_on_the_labelled(plan):
    assert plan("quantity", pretrain_images=[100, "all"], labelled_images=["all"]) == {
        ("simclr", "pets_unlabelled-100", "pets"),
        ("simclr", "pets_unlabelled-all", "pets"),
        ("supervised", "pets-100", "pets"),
        ("supervised", "pets-all", "pets"),
    }


def test_quality_corrupts_them(plan):
    assert plan("quality", corruptions=["downsample4"], pretrain_images=100) == {
        ("simclr", "pets_unlabelled-100", "pets"),
        ("simclr", "pets_unlabelled-100@downsample4", "pets"),
        ("supervised", "pets-100", "pets"),
        ("supervised", "pets-100@downsample4", "pets"),
    }


@pytest.mark.parametrize("lens", ["granularity", "alternatives"])
def test_they_stand_for_the_targets_own_images(plan, lens):
    found = plan(lens, pretrain_images=100)
    assert {pair for pair in found if pair[0] == "simclr"} == {
        ("simclr", "pets_unlabelled-100", "pets")
    }


def test_domain_has_them_alone_pooled_and_concatenated(plan):
    found = plan(
        "domain",
        ("pets", "cars", "web"),
        pretrain_images=100,
        pools=[["pets", "web"]],
        pool_images=50,
        pool_controls=["share"],
        concatenated=[["pets", "web"]],
    )
    assert {pair for pair in found if pair[2] == "pets"} == {
        ("simclr", "pets-100", "pets"),
        ("simclr", "cars-100", "pets"),
        ("simclr", "web-100", "pets"),
        ("simclr", "pets-50+web-50", "pets"),
        ("simclr", "pets-50", "pets"),
        ("simclr", "pets-100~web-100", "pets"),
        ("supervised", "pets-100", "pets"),
        ("supervised", "cars-100", "pets"),
    }


@pytest.mark.parametrize(
    ("lens", "datasets", "message"),
    [
        ("domain", ("web",), r"'domain.datasets' names web: images without labels, on which"),
        ("quantity", ("pets_unlabelled",), r"add the dataset that has labels"),
        ("quantity", ("pets", "web"), r"names 'web', .* such as 'pets_unlabelled'"),
        ("quality", ("pets", "web"), r"or name it in the lens domain"),
    ],
)
def test_without_a_target_there_is_nothing_to_evaluate(plan, lens, datasets, message):
    with pytest.raises(UserError, match=message):
        plan(lens, datasets)


@pytest.mark.parametrize(
    ("source", "own"),
    [
        ("pets-100", True),
        ("pets_unlabelled-100", True),
        ("web-100", False),
        ("pets-50+pets_unlabelled-50", False),
        ("pets_unlabelled-100~pets-100", False),
    ],
)
def test_they_are_the_targets_own_domain(source, own):
    assert is_in_domain(source, "pets") is own
