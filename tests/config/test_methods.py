"""Presets of methods: complete, of keys that something reads, and methods can be built of them."""

from pathlib import Path

import pytest
import torch
import yaml

from fourlenses.config.job_settings import with_views
from fourlenses.core.dataclass_keys import keys_of
from fourlenses.data.augment.augmentation import Augmentation
from fourlenses.methods import METHODS, build_method
from fourlenses.methods.method import DataInfo
from fourlenses.models.backbones import build_backbone
from fourlenses.study import vocabulary
from fourlenses.training.optimizers.build import OPTIMIZERS
from fourlenses.training.settings import Hyperparameters

PRESETS = Path(__file__).parents[2] / "presets"
COMMON = {
    "augmentations",
    "epochs",
    "batch_size",
    "optimizer",
    "learning_rate",
    "lr_scaling",
    "momentum",
    "weight_decay",
    "warmup_epochs",
    "batch_norm_groups",
    "micro_batch",
}
EACH = [
    (name, size)
    for name in METHODS
    for size in ("paper", "small", "minutes")
    if (name, size) != ("vicreg", "small")
]


def read(name):
    return yaml.safe_load((PRESETS / "methods" / f"{name}.yaml").read_text())


AUGMENTATIONS = yaml.safe_load((PRESETS / "augmentations.yaml").read_text())


def test_every_method_has_a_preset_and_every_file_a_method():
    assert {file.stem for file in (PRESETS / "methods").glob("*.yaml")} == {*METHODS}
    assert all(set(read(name)) == {"paper", "small", "minutes"} for name in METHODS)


@pytest.mark.parametrize(("name", "size"), EACH)
def test_a_preset_holds_every_key_and_no_other(name, size):
    preset = read(name)[size]
    assert set(preset) == COMMON | set(keys_of(METHODS[name].Settings))
    assert preset["optimizer"] in OPTIMIZERS
    assert preset["lr_scaling"] in ("linear", "sqrt", "none")
    assert preset["batch_size"] % preset["batch_norm_groups"] == 0
    assert all(
        isinstance(preset[key], float) for key in ("learning_rate", "momentum", "weight_decay")
    )  # 1e-6 would be text in YAML
    assert all(
        isinstance(preset[key], int)
        for key in ("epochs", "batch_size", "warmup_epochs", "batch_norm_groups", "micro_batch")
    )


@pytest.mark.parametrize(("name", "size"), EACH)
def test_augmentations_are_as_many_as_the_method_needs_and_all_defined(name, size):
    names = read(name)[size]["augmentations"]
    least = METHODS[name].views_needed
    assert len(names) >= least if vocabulary.METHODS[name].more_views else len(names) == least
    assert set(names) <= set(AUGMENTATIONS)
    chosen = [AUGMENTATIONS[augmentation] for augmentation in names]
    assert len({str([values.get(key) for key in ("mean", "std")]) for values in chosen}) == 1
    assert all(values.get("blur", 0) == 0 for values in chosen) or size == "paper"


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentations_are_valid_and_used(name):
    Augmentation.from_config(name, AUGMENTATIONS[name])
    used = {view for method, size in EACH for view in read(method)[size]["augmentations"]}
    assert name in used


@pytest.mark.parametrize(("name", "size"), EACH)
def test_a_method_can_be_built_from_its_preset(name, size):
    preset = read(name)[size]
    encoder, width = build_backbone("resnet_small", seed=0)
    method_keys = Hyperparameters.from_json(name, with_views(preset) | {"method": name}).method_keys
    info = DataInfo(images=2_000_000, num_classes=5, batch_size=preset["batch_size"], seed=0)
    method = build_method(name, encoder, width, settings=method_keys, info=info)
    assert method.notes == []
    images = [torch.rand(4, 3, 32, 32) for _ in preset["augmentations"]]
    loss, _ = method(images, torch.arange(4))
    assert torch.isfinite(loss)
