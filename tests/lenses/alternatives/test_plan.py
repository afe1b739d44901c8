"""The cells of the alternatives lens."""

import pytest

from fourlenses.core.errors import UserError
from fourlenses.lenses.plan import make_plan

ENTRY = {"pretrained_on": "ImageNet", "pretrain_images": 1_281_167, "labels_of": []}


@pytest.fixture
def config(default_config):
    default_config["lenses"] = ["alternatives"]
    default_config["encoders"] = {"rn50": ENTRY, "vit": ENTRY}
    default_config["alternatives"] |= {
        "datasets": ["scenes"],
        "encoders": ["rn50"],
        "labelled_images": [100, "all"],
        "protocols": ["linear", "knn", "fine_tune"],
    }
    return default_config


def cells(config):
    return {
        (cell.run.method, cell.run.source, cell.labelled, cell.protocol)
        for cell in make_plan(config).cells
    }


def test_own_external_random_and_scratch_at_every_label_size(config):
    for labels in ("100", "all"):
        wanted = {("random", "none", protocol) for protocol in ("linear", "knn")}
        for protocol in ("linear", "knn", "fine_tune"):
            wanted |= {("simclr", "scenes-all", protocol), ("external", "rn50", protocol)}
        wanted |= {("supervised", f"scenes-{labels}", "scratch")}
        found = {(method, source, how) for method, source, of, how in cells(config) if of == labels}
        assert found == wanted


def test_it_shows_what_other_lenses_have_of_its_methods(config):
    config["lenses"] = ["quantity", "alternatives"]
    config["quantity"] |= {"datasets": ["scenes"], "labelled_images": [100], "convergence": []}
    shown = {
        cell.run.source: lenses
        for cell, lenses in make_plan(config).cells.items()
        if cell.run.method == "simclr" and cell.protocol == "linear" and cell.labelled == "100"
    }
    assert shown["scenes-500"] == {"quantity", "alternatives"}


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"encoders": ["rn05"]}, "'alternatives.encoders'.*rn50"),
        ({"labelled_images": []}, "give one of them a label size"),
        ({"continued": ["simclr"]}, "starts from no external encoder"),
        ({"continued": ["simclr_on"]}, "method 'simclr_on'"),
    ],
)
def test_mistakes_are_sentences(config, section, message):
    config["alternatives"] |= section
    with pytest.raises(UserError, match=message):
        make_plan(config)


def test_an_entry_with_a_start_is_not_own_pretraining(config):
    config["methods"]["simclr"]["start"] = "rn50"
    with pytest.raises(UserError, match=r"name it in 'alternatives\.continued'"):
        make_plan(config)
