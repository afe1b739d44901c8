"""The settings of the protocols that train, completed from presets/protocols/<protocol>.yaml.

Standard library and YAML only, so that a Snakefile may call it.
"""

from math import isfinite
from pathlib import Path

from fourlenses.config.former_keys import now_called
from fourlenses.config.methods import SMALL, read_augmentations
from fourlenses.config.yaml_files import read_yaml
from fourlenses.core.errors import UserError, did_you_mean, one_of
from fourlenses.study.vocabulary import TRAINING_PROTOCOLS

# `training.optimizers` and `training.schedule`, which need torch, hold what they stand for;
# tests/config/test_protocols.py compares.
OPTIMIZERS = ("sgd", "nesterov", "adamw", "lars")
LR_SCALINGS = ("linear", "sqrt", "none")


def complete_protocols(config: dict, presets: Path) -> None:
    """Fill in the entries of the protocols in `config["evaluation"]`, in place: `preset`,
    `augmentation` (of the training images) and every hyperparameter.

    Raises:
        UserError: see `complete_protocol`.
    """
    default = "small" if config["image_size"] <= SMALL else "paper"
    for protocol in TRAINING_PROTOCOLS:
        own = dict(config["evaluation"][protocol])
        preset = own.pop("preset", default)
        hyperparameters, augmentation = complete_protocol(
            protocol, preset, own, presets=presets, augmentations=config["augmentations"]
        )
        config["evaluation"][protocol] = {
            "preset": preset,
            "augmentation": augmentation,
            **hyperparameters,
        }


def complete_protocol(
    protocol: str, preset: str, own: dict, *, presets: Path, augmentations: dict[str, dict]
) -> tuple[dict, dict]:
    """Return the hyperparameters of a protocol, and the augmentation of its training images.

    Args:
        preset: of presets/protocols/<protocol>.yaml.
        own: hyperparameters that replace those of the preset.
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
    if preset not in offered:
        raise UserError(f"protocol '{protocol}': {one_of('preset', preset, offered)}")
    values = offered[preset]
    for key, value in own.items():
        if key == "weight_decay":
            raise UserError(
                f"protocol '{protocol}': key 'weight_decay' ({value!r}) has become the list "
                "'weight_decays', the best of which is chosen on the held-out labels; write "
                f"weight_decays: [{value}], or leave it out for those of the preset, "
                f"{values['weight_decays']}"
            )
        if sentence := now_called(["evaluation", protocol, key]):
            raise UserError(f"protocol '{protocol}': {sentence}")
        if key not in values:
            raise UserError(
                f"protocol '{protocol}': unknown key '{key}'{did_you_mean(key, values)}; "
                f"allowed: {', '.join(sorted(values))}"
            )
        if not _alike(value, values[key]):
            raise UserError(
                f"protocol '{protocol}': key '{key}' is {value!r}; the preset has "
                f"{values[key]!r}, so give a value of that kind"
            )
    settings = values | own
    _check(protocol, settings)
    known = read_augmentations(presets) | augmentations
    names = settings["augmentations"]
    if len(names) != 1:
        raise UserError(
            f"protocol '{protocol}': 'augmentations' names {len(names)}; a classifier takes 1"
        )
    if names[0] not in known:
        raise UserError(f"protocol '{protocol}': {one_of('augmentation', names[0], known)}")
    return settings, known[names[0]]


def _alike(value: object, example: object) -> bool:
    if isinstance(example, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(example, bool)
    kinds = {int: int, float: (int, float), str: str, list: list}
    return isinstance(value, kinds[type(example)])


def _check(protocol: str, settings: dict) -> None:
    for key, known in (("optimizer", OPTIMIZERS), ("lr_scaling", LR_SCALINGS)):
        if settings[key] not in known:
            raise UserError(f"protocol '{protocol}': {one_of(key, settings[key], known)}")
    rates, decays = settings["learning_rates"], settings["weight_decays"]
    rules = {
        "learning_rates": (
            _different_numbers(rates) and min(rates) > 0,
            "different positive numbers",
        ),
        "weight_decays": (
            _different_numbers(decays) and min(decays) >= 0,
            "different numbers of at least 0",
        ),
        "batch_size": (settings["batch_size"] >= 1, "at least 1"),
        "epochs": (settings["epochs"] > 0, "above 0"),
        "min_steps": (
            0 <= settings["min_steps"] <= settings["max_steps"],
            "at least 0 and at most 'max_steps'",
        ),
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
            raise UserError(
                f"protocol '{protocol}': '{key}' must be {allowed}, not {settings[key]!r}"
            )


def _different_numbers(values: list) -> bool:
    """Whether there is at least one, and all are finite numbers, no two of them equal."""
    numbers = [
        value
        for value in values
        if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    ]
    return (
        bool(values)
        and numbers == values
        and len({float(value) for value in values}) == len(values)
    )
