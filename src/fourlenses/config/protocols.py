"""The settings of the protocols that train, completed from presets/evaluation/<protocol>.yaml as methods are from presets/<method>.yaml.

Standard library and YAML only, so that a Snakefile may call it.
"""

from math import isfinite
from pathlib import Path

from fourlenses.config.methods import SMALL
from fourlenses.config.yaml_files import read_yaml
from fourlenses.core.errors import UserError, did_you_mean, one_of
from fourlenses.study.vocabulary import TRAINING_PROTOCOLS

# training.optimizers and training.schedule, which need torch, hold what they stand for; a test compares
OPTIMIZERS = ("sgd", "nesterov", "adamw", "lars")
LR_SCALINGS = ("linear", "sqrt", "none")


def complete_protocols(config: dict, presets: Path) -> None:
    """Fill in the entries of the protocols in ``config["evaluation"]``, in place: {preset, recipe, and every hyperparameter}.

    Raises:
        UserError: see `complete_protocol`.
    """
    default = "small" if config["image_size"] <= SMALL else "paper"
    for protocol in TRAINING_PROTOCOLS:
        own = dict(config["evaluation"][protocol])
        preset = own.pop("preset", default)
        hyperparameters, recipe = complete_protocol(protocol, preset, own, presets, config["views"])
        config["evaluation"][protocol] = {"preset": preset, "recipe": recipe, **hyperparameters}


def complete_protocol(
    protocol: str, preset: str, own: dict, presets: Path, views: dict
) -> tuple[dict, dict]:
    """The hyperparameters of ``protocol``, those of the preset replaced by one's ``own``, and the recipe of its views.

    presets: the folder. views: recipes by name, besides and before those of presets/views.yaml.

    Raises:
        UserError: an unknown protocol, preset, key or recipe, or a value that makes no sense.
    """
    folder = presets / "evaluation"
    known = sorted(file.stem for file in folder.glob("*.yaml"))
    if protocol not in known:
        raise one_of("protocol", protocol, known)
    offered = _load(folder / f"{protocol}.yaml")
    if preset not in offered:
        raise UserError(f"protocol '{protocol}': {one_of('preset', preset, offered)}")
    values = offered[preset]
    for key, value in own.items():
        if key == "weight_decay":
            raise UserError(
                f"protocol '{protocol}': key 'weight_decay' ({value!r}) has become the list "
                f"'weight_decays', the best of which is chosen on the held-out labels; write weight_decays: [{value}], "
                f"or leave it out for those of the preset, {values['weight_decays']}"
            )
        if key not in values:
            raise UserError(
                f"protocol '{protocol}': unknown key '{key}'{did_you_mean(key, values)}; allowed: {', '.join(sorted(values))}"
            )
        if not _alike(value, values[key]):
            raise UserError(
                f"protocol '{protocol}': key '{key}' is {value!r}; the preset has {values[key]!r}, so give a value of that kind"
            )
    settings = values | own
    _check(protocol, settings)
    recipes = _load(presets / "views.yaml") | views
    if len(settings["views"]) != 1:
        raise UserError(
            f"protocol '{protocol}': 'views' names {len(settings['views'])} recipes; a classifier takes 1"
        )
    (name,) = settings["views"]
    if name not in recipes:
        raise UserError(f"protocol '{protocol}': {one_of('recipe of views', name, recipes)}")
    return settings, recipes[name]


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


def _load(file: Path) -> dict:
    return read_yaml(file)
