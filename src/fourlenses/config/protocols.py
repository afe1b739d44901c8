"""The settings of the protocols that train, completed from presets/protocols/<protocol>.yaml.

Standard library and YAML only, so that a Snakefile may call it.
"""

from math import isfinite
from pathlib import Path

from fourlenses.config.methods import SMALL, read_augmentations
from fourlenses.config.sentences.former_keys import now_called
from fourlenses.config.yaml_files import read_yaml
from fourlenses.core.errors import UserError, did_you_mean, one_of
from fourlenses.data.augment.shares import check_shares
from fourlenses.study.vocabulary import TRAINING_PROTOCOLS

# `training.optimizers` and `training.schedule`, which need torch, hold what they stand for;
# tests/config/test_protocols.py compares.
MORE = ("progressive_sizes",)  # keys that no preset has
OPTIMIZERS = ("sgd", "nesterov", "adamw", "lars")
LR_SCALINGS = ("linear", "sqrt", "none")


def complete_protocols(config: dict, presets: Path) -> None:
    """Fill in the entries of the protocols that train in `config["evaluation"]`, in place.

    An entry then has `preset`, `augmentation` (of the training images) and every hyperparameter.

    Raises:
        UserError: see `complete_protocol`.
    """
    default = "small" if config["image_size"] <= SMALL else "paper"
    for protocol in TRAINING_PROTOCOLS:
        changes = dict(config["evaluation"][protocol])
        preset = changes.pop("preset", default)
        hyperparameters, augmentation = complete_protocol(
            protocol, preset, changes, presets=presets, augmentations=config["augmentations"]
        )
        config["evaluation"][protocol] = {
            "preset": preset,
            "augmentation": augmentation,
            **hyperparameters,
        }


def complete_protocol(
    protocol: str, preset: str, changes: dict, *, presets: Path, augmentations: dict[str, dict]
) -> tuple[dict, dict]:
    """Return the hyperparameters of a protocol, and the augmentation of its training images.

    Args:
        preset: of presets/protocols/<protocol>.yaml.
        changes: hyperparameters that replace those of the preset.
        presets: the folder.
        augmentations: by name, besides and before those of presets/augmentations.yaml.

    Raises:
        UserError: an unknown protocol, preset, key or augmentation, or a value that makes no
            sense.
    """
    folder = presets / "protocols"
    known = sorted(file.stem for file in folder.glob("*.yaml"))
    if protocol not in known:
        raise one_of("protocol", protocol, known)
    offered = read_yaml(folder / f"{protocol}.yaml")
    try:
        if preset not in offered:
            raise one_of("preset", preset, offered)
        for key, value in changes.items():
            _check_change([protocol, key], value, offered[preset])
        settings = offered[preset] | changes
        check_shares("progressive_sizes", changes.get("progressive_sizes", [1]))
        _check_settings(settings)
        augmentation = _augmentation(
            settings["augmentations"], read_augmentations(presets) | augmentations
        )
    except UserError as error:
        raise UserError(f"protocol '{protocol}': {error}") from error
    return settings, augmentation


def _check_change(path: list[str], value: object, preset: dict) -> None:
    """path: protocol and key. preset: all values of the preset."""
    key = path[-1]
    if key == "weight_decay":
        raise UserError(
            f"key 'weight_decay' ({value!r}) has become the list 'weight_decays', the best of "
            f"which is chosen on the validation split; write weight_decays: [{value}], or leave "
            f"it out for those of the preset, {preset['weight_decays']}"
        )
    if sentence := now_called(["evaluation", *path]):
        raise UserError(sentence)
    if key in MORE:
        return
    if key not in preset:
        hint, allowed = did_you_mean(key, preset), ", ".join(sorted(preset))
        raise UserError(f"unknown key '{key}'{hint}; allowed: {allowed}")
    if not _alike(value, preset[key]):
        raise UserError(
            f"key '{key}' is {value!r}; the preset has {preset[key]!r}, "
            "so give a value of that kind"
        )


def _alike(value: object, example: object) -> bool:
    """Tell whether two values are of one kind; a whole number may stand for a fraction."""
    if isinstance(example, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(example, bool)
    if isinstance(example, float):
        return isinstance(value, int | float)
    return isinstance(value, type(example))


def _check_settings(settings: dict) -> None:
    for key, known in (("optimizer", OPTIMIZERS), ("lr_scaling", LR_SCALINGS)):
        if settings[key] not in known:
            raise one_of(key, settings[key], known)
    rates, decays = settings["learning_rates"], settings["weight_decays"]
    positive = _different_numbers(rates) and min(rates) > 0
    not_negative = _different_numbers(decays) and min(decays) >= 0
    steps = 0 <= settings["min_steps"] <= settings["max_steps"]
    rules = {
        "learning_rates": (positive, "different positive numbers"),
        "weight_decays": (not_negative, "different numbers of at least 0"),
        "batch_size": (settings["batch_size"] >= 1, "at least 1"),
        "epochs": (settings["epochs"] > 0, "above 0"),
        "min_steps": (steps, "at least 0 and at most 'max_steps'"),
        "max_steps": (settings["max_steps"] >= 1, "at least 1"),
        "test_crop": (0 < settings["test_crop"] <= 1, "a share of the side, in (0, 1]"),
        "warmup_share": (0 <= settings["warmup_share"] < 1, "a share of the steps, in [0, 1)"),
        "label_smoothing": (
            0 <= settings["label_smoothing"] < 1,
            "a share of the target, in [0, 1)",
        ),
        "momentum": (0 <= settings["momentum"] < 1, "in [0, 1)"),
        "micro_batch": (settings["micro_batch"] >= 0, "at least 0"),
    }
    for key, (holds, allowed) in rules.items():
        if not holds:
            raise UserError(f"'{key}' must be {allowed}, not {settings[key]!r}")


def _different_numbers(values: list) -> bool:
    """Tell whether there is a value, and all are finite numbers of which no two are equal."""
    numbers = [
        value
        for value in values
        if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    ]
    distinct = {float(value) for value in numbers}
    return bool(values) and numbers == values and len(distinct) == len(values)


def _augmentation(names: list[str], known: dict[str, dict]) -> dict:
    if len(names) != 1:
        raise UserError(f"'augmentations' names {len(names)}; a classifier takes 1")
    if names[0] not in known:
        raise one_of("augmentation", names[0], known)
    return known[names[0]]
