"""Presets of the protocols that train: complete, of keys that something reads; their overrides."""

from pathlib import Path

import pytest
import yaml

from fourlenses.config import protocols as protocol_presets
from fourlenses.config.job_settings import with_views
from fourlenses.config.protocols import complete_protocol
from fourlenses.core.errors import UserError
from fourlenses.data.augment.augmentation import Augmentation
from fourlenses.evaluation.finetuning.classifiers import PROTOCOLS
from fourlenses.training.optimizers.build import OPTIMIZERS
from fourlenses.training.schedule import scaled_learning_rate
from tests.helpers.trained import CROP, HYPER

PRESETS = Path(__file__).parents[2] / "presets"
SIZES = ("paper", "small", "minutes")


def test_every_protocol_has_a_file_of_three_presets():
    files = {
        file.stem: yaml.safe_load(file.read_text()) for file in (PRESETS / "protocols").iterdir()
    }
    assert set(files) == set(PROTOCOLS)
    assert all(tuple(presets) == SIZES for presets in files.values())


@pytest.mark.parametrize("protocol", list(PROTOCOLS))
@pytest.mark.parametrize("size", SIZES)
def test_a_preset_is_complete_and_valid(protocol, size):
    hyper, recipe = complete_protocol(protocol, size, {}, presets=PRESETS, augmentations={})
    assert set(with_views(hyper)) == set(HYPER)
    Augmentation.from_config(hyper["augmentations"][0], recipe)
    for key in ("learning_rates", "weight_decays"):
        assert all(isinstance(value, float) for value in hyper[key])
    for key in ("test_crop", "momentum", "warmup_share", "label_smoothing"):
        assert isinstance(hyper[key], float)  # 1e-6 would be text in YAML


@pytest.mark.parametrize("size", SIZES)
def test_fine_tuning_and_training_from_scratch_are_tuned_alike(size):
    """Otherwise one is ahead by its tuning or its length. Two rates and two decays at least."""
    tuned, scratch = (
        complete_protocol(protocol, size, {}, presets=PRESETS, augmentations={})
        for protocol in ("fine_tune", "scratch")
    )
    assert tuned == scratch
    hyper, _ = tuned
    assert len(hyper["learning_rates"]) >= 2
    assert len(hyper["weight_decays"]) >= 2


def test_names_that_are_allowed_are_those_that_exist():
    assert set(protocol_presets.OPTIMIZERS) == set(OPTIMIZERS)
    for rule in protocol_presets.LR_SCALINGS:
        scaled_learning_rate(0.1, 256, rule)


def test_own_values_replace_those_of_the_preset():
    changes = {
        "learning_rates": [0.3],
        "epochs": 7,
        "augmentations": ["mine"],
        "weight_decays": [0],
    }
    hyper, recipe = complete_protocol(
        "fine_tune", "small", changes, presets=PRESETS, augmentations={"mine": CROP}
    )
    assert {key: hyper[key] for key in changes} == changes
    assert (
        hyper["batch_size"]
        == complete_protocol("fine_tune", "small", {}, presets=PRESETS, augmentations={})[0][
            "batch_size"
        ]
    )
    assert recipe == CROP


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epoch": 3}, r"unknown key 'epoch' \(did you mean 'epochs'\?\)"),
        ({"epochs": "3"}, "key 'epochs' is '3'; the preset has"),
        ({"epochs": True}, "key 'epochs' is True"),
        ({"epochs": 0}, "'epochs' must be above 0, not 0"),
        ({"learning_rates": []}, r"'learning_rates' must be different positive numbers, not \[\]"),
        ({"learning_rates": [0.1, 0.1]}, "'learning_rates' must be different positive numbers"),
        ({"learning_rates": [0.1, -1]}, "'learning_rates' must be different positive numbers"),
        ({"learning_rates": ["0.1"]}, "'learning_rates' must be different positive numbers"),
        ({"learning_rates": 0.1}, "key 'learning_rates' is 0.1"),
        (
            {"learning_rates": [0.1, float("nan")]},
            "'learning_rates' must be different positive numbers",
        ),
        ({"weight_decays": [0.0, -1]}, "'weight_decays' must be different numbers of at least 0"),
        (
            {"weight_decays": []},
            r"'weight_decays' must be different numbers of at least 0, not \[\]",
        ),
        (
            {"weight_decay": 0.01},
            r"'weight_decay' \(0.01\) has become the list 'weight_decays'.*"
            r"weight_decays: \[0.01\].* \[0.0, 0.0005\]",
        ),
        (
            {"min_steps": 10, "max_steps": 5},
            "'min_steps' must be at least 0 and at most 'max_steps'",
        ),
        ({"test_crop": 1.5}, "'test_crop' must be a share of the side"),
        ({"warmup_share": 1.0}, "'warmup_share' must be a share of the steps"),
        ({"augmentations": ["crop_flip", "crop_flip"]}, "names 2; a classifier takes 1"),
        (
            {"augmentations": ["crop_flop"]},
            r"unknown augmentation 'crop_flop' \(did you mean 'crop_flip'",
        ),
        ({"optimizer": "nesterow"}, r"unknown optimizer 'nesterow' \(did you mean 'nesterov'"),
        ({"lr_scaling": "linea"}, r"unknown lr_scaling 'linea' \(did you mean 'linear'"),
    ],
)
def test_bad_settings_are_named(changes, message):
    with pytest.raises(UserError, match=message):
        complete_protocol("fine_tune", "small", changes, presets=PRESETS, augmentations={})


def test_unknown_protocols_and_presets_name_the_known():
    with pytest.raises(UserError, match=r"unknown protocol 'finetune' .*did you mean 'fine_tune'"):
        complete_protocol("finetune", "small", {}, presets=PRESETS, augmentations={})
    with pytest.raises(UserError, match=r"unknown preset 'large'.*minutes, paper, small"):
        complete_protocol("scratch", "large", {}, presets=PRESETS, augmentations={})


@pytest.mark.parametrize("shares", [[1, 0.5], [0.5], [], 0.5, "1", [0, 1], [0.5, None, 1]])
def test_sizes_of_views_grow_to_the_whole(shares):
    with pytest.raises(UserError, match=r"'progressive_sizes' is .* grow to 1"):
        _completed({"progressive_sizes": shares})


def test_a_key_of_no_preset_is_kept():
    assert _completed({"progressive_sizes": [0.5, 1]})["progressive_sizes"] == [0.5, 1]
    assert "progressive_sizes" not in _completed({})


def _completed(changes):
    return complete_protocol("fine_tune", "small", changes, presets=PRESETS, augmentations={})[0]
