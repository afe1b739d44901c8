"""A config's methods completed from the presets, and what is said where that is not possible."""

from pathlib import Path

import pytest
import yaml

from fourlenses.config.methods import complete_methods
from fourlenses.core.errors import UserError

ROOT = Path(__file__).parents[2]
PRESETS = ROOT / "presets"


def completed(methods: dict, image_size: int = 32, augmentations: dict | None = None) -> dict:
    config = {
        "methods": {"random": {}, **methods},
        "augmentations": dict(augmentations or {}),
        "image_size": image_size,
    }
    complete_methods(config, PRESETS, [])
    return config


def preset(name: str, size: str) -> dict:
    return yaml.safe_load((PRESETS / "methods" / f"{name}.yaml").read_text())[size]


def test_an_entry_is_its_preset_and_what_differs():
    config = completed({"moco": {"preset": "paper", "queue_size": 4096}})
    assert config["methods"]["moco"] == {
        "method": "moco",
        "preset": "paper",
        **preset("moco", "paper"),
        "queue_size": 4096,
    }
    assert config["methods"]["random"] == {}
    assert set(config["augmentations"]) == {"moco"}


@pytest.mark.parametrize(("image_size", "size"), [(32, "small"), (96, "small"), (224, "paper")])
def test_without_a_preset_the_image_size_decides(image_size, size):
    assert completed({"byol": {}}, image_size)["methods"]["byol"]["preset"] == size


def test_a_method_can_be_there_twice():
    methods = completed(
        {
            "simclr": {},
            "simclr_short": {"steps": 500},
            "barlow_twins_wide": {"projection_out": 4096},
        }
    )["methods"]
    assert methods["simclr_short"]["method"] == "simclr"
    assert methods["simclr_short"]["steps"] == 500
    assert "epochs" not in methods["simclr_short"]
    assert methods["barlow_twins_wide"]["method"] == "barlow_twins"


def test_an_augmentation_of_the_config_wins_over_that_of_the_presets():
    augmentation = {"flip": 1.0}
    assert (
        completed({"supervised": {}}, augmentations={"crop_flip_small": augmentation})[
            "augmentations"
        ]["crop_flip_small"]
        == augmentation
    )


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        (
            {"simclr": {"temprature": 1}},
            r"unknown key 'methods.simclr.temprature' \(did you mean 'temperature'\?\); "
            "allowed here: augmentations, batch",
        ),
        ({"simclr": {"queue_size": 64}}, r"unknown key 'methods.simclr.queue_size'"),
        (
            {"simclear": {}},
            r"unknown method 'simclear' \(did you mean 'simclr'\?\); "
            ".*supervised, vicreg, or one of them with an ending",
        ),
        (
            {"simclr": {"preset": "big"}},
            r"'methods.simclr.preset': unknown preset 'big'; known: minutes, paper, small",
        ),
        ({"simclr": {"steps": 10, "epochs": 2}}, r"'methods.simclr' has both 'epochs' and 'steps'"),
        (
            {"simclr": {"warmup_epochs": 1, "warmup_steps": 2}},
            r"'methods.simclr' has both 'warmup_epochs' and 'warmup_steps'",
        ),
        (
            {"simclr_half": {}},
            "'methods.simclr_half' ends in '_half', "
            ".*'quantity.equal' and 'quantity.convergence'.*say 'simclr_long'",
        ),
        ({"simclr_cold_steps": {}}, r"'methods.simclr_cold_steps' ends in '_steps'"),
        (
            {"vicreg": {}},
            "'methods.vicreg.preset': vicreg has no preset 'small': "
            "its published values .* trust coefficient of 0.02",
        ),
        (
            {"simclr": {"augmentations": ["simclr", "nope"]}},
            r"'methods.simclr.augmentations': unknown augmentation 'nope'.*; known: .*simclr",
        ),
        (
            {"simclr": {"augmentations": ["simclr"]}},
            r"'methods.simclr.augmentations' names 1 augmentation\(s\); the method takes 2",
        ),
        ({"simclr": {"augmentations": ["simclr", "normed"]}}, r"differ in 'mean' or 'std'"),
        (
            {"simclr": {"augmentations": ["simclr", "simclr", "simclr"]}},
            r"names 3 augmentation\(s\); the method takes 2$",
        ),
        ({"lejepa": {"augmentations": ["simclr"]}}, "the method takes 2 or more"),
        (
            {"lejepa": {"augmentations": ["simclr", "simclr"]}},
            "'methods.lejepa.global_views' is 4; the entry has 2 augmentations",
        ),
        (
            {"simclr": {"augmentations": ["large", "large"]}},
            "the views of 'large' would have 128 px; 'size' is from 8 px to image_size",
        ),
        ({"simclr": {"augmentations": ["tiny", "tiny"]}}, "the views of 'tiny' would have 3 px"),
        (
            {"moco": {"symmetric": 1}},
            r"'methods.moco.symmetric' is 1; the preset has False, so give a value of that kind",
        ),
        ({"moco": {"queue_size": True}}, r"'methods.moco.queue_size' is True; the preset has 4096"),
    ],
)
def test_mistakes_name_the_key_and_what_is_allowed(methods, message):
    with pytest.raises(UserError, match=message):
        completed(
            methods,
            augmentations={
                "normed": {"flip": 0.5, "mean": [0.5, 0.5, 0.5], "std": [0.2, 0.2, 0.2]},
                "large": {"size": 128},
                "tiny": {"size": 0.1},
            },
        )


@pytest.mark.parametrize(
    "study",
    [ROOT / "config.yaml", *sorted((ROOT / "studies").glob("*.yaml"))],
    ids=lambda file: file.stem,
)
def test_the_methods_of_shipped_studies_can_be_completed(study):
    base, overlay = (yaml.safe_load(file.read_text()) for file in (ROOT / "config.yaml", study))
    methods = {
        name: {**base["methods"].get(name, {}), **overlay.get("methods", {}).get(name, {})}
        for name in base["methods"]
    }
    config = completed({name: entry for name, entry in methods.items() if name != "random"})
    assert all(
        "batch_size" in entry for name, entry in config["methods"].items() if name != "random"
    )


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        (
            [1, 0.5],
            r"'methods.simclr.progressive_sizes' is \[1, 0.5\]; the shares are above 0",
        ),
        ([0.5, 0.75], "grow to 1, the size of the images"),
        ([0.2, 1], "at 0.2 of their size the views of 'simclr_small' would have 6 px"),
    ],
)
def test_sizes_grow_to_that_of_the_evaluation_and_are_no_specks(shares, message):
    with pytest.raises(UserError, match=message):
        completed({"simclr": {"progressive_sizes": shares}})


def test_keys_of_no_preset_are_kept():
    keys = {"progressive_sizes": [0.5, 1], "smaller_first": [100, 200]}
    methods = completed({"simclr": {}, "simclr_grown": keys})["methods"]
    assert methods["simclr_grown"] == methods["simclr"] | keys
