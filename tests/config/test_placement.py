"""Every key says whether a change of it makes something again."""

import copy

import pytest

from fourlenses.config import placement
from fourlenses.config.job_settings import (
    feature_protocol_settings,
    pretraining_settings,
    protocol_settings,
)
from fourlenses.config.placement import ROLES, SECTIONS, role, science_of
from fourlenses.config.read import read_config

CONFIG = read_config([])
KEYS = [
    *(key for key in CONFIG if key not in SECTIONS),
    *(f"{section}.{name}" for section in SECTIONS for name in CONFIG[section]),
]


@pytest.mark.parametrize("key", KEYS)
def test_every_key_declares_a_role(key):
    assert role(key) in ROLES, f"schemas/config.schema.yaml: give '{key}' an x-role"


def test_keys_that_change_no_number_are_left_out():
    science = science_of(CONFIG)
    assert {"device", "raw_data", "plan", "findings"}.isdisjoint(science)
    assert "keep_features" not in science["evaluation"]
    assert set(science["training"]) == {"precision", "channels_last", "compile", "monitor_images"}
    assert {"seeds", "methods", "quantity", "granularity"} <= set(science)
    assert role("training.input") == "placement"
    assert role("training.precision") == "science"
    assert role("findings") == "judgement"


def test_placement_comes_back_from_the_defaults():
    science = science_of(CONFIG)
    before = copy.deepcopy(science)
    assert placement.with_placement(science) == CONFIG
    assert science == before


def test_a_key_that_is_not_declared_is_an_error():
    with pytest.raises(KeyError):
        role("training.speed")


def test_a_change_of_placement_changes_no_setting_of_a_job():
    moved = copy.deepcopy(CONFIG)
    moved["device"] = "cuda"
    moved["training"] |= {"input": "streaming", "processes": 8, "stage_to": "/scratch"}
    run = {"method": "simclr", "source": "scenes-all", "seed": 0}
    assert pretraining_settings(moved, **run) == pretraining_settings(CONFIG, **run)
    moved["training"]["precision"] = "bfloat16"
    assert pretraining_settings(moved, **run) != pretraining_settings(CONFIG, **run)
    assert placement.science_of(moved) != science_of(CONFIG)


def test_an_evaluation_gets_the_section_of_every_protocol_on_features():
    """No list of keys to forget: what a section adds is passed on, and what trains is left out."""
    more = copy.deepcopy(CONFIG)
    more["evaluation"]["linear"]["solver"] = "newton"
    settings = feature_protocol_settings(more)
    assert set(settings) == {"linear", "knn", "validation_fraction", "torch_threads"}
    assert settings["linear"] == {**CONFIG["evaluation"]["linear"], "solver": "newton"}
    more["evaluation"]["fine_tune"]["epochs"] = 1000
    assert feature_protocol_settings(more) == settings


def test_a_job_has_the_names_that_it_always_had():
    """Another name would make trained encoders again."""
    settings = pretraining_settings(CONFIG, method="simclr", source="scenes-all", seed=0)
    assert settings["hyperparameters"]["views"] == ["simclr_minutes", "simclr_minutes"]
    assert set(settings["recipes"]) == {"simclr_minutes"}
    assert "augmentations" not in settings["hyperparameters"]
    assert protocol_settings(CONFIG, "fine_tune")["views"] == ["crop_flip_small"]
    assert not {"preset", "augmentation"} & set(protocol_settings(CONFIG, "fine_tune"))
    assert settings["health_images"] == CONFIG["training"]["monitor_images"]
    assert "monitor_images" not in settings
