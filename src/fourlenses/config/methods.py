"""The methods of a study, completed from presets/methods/<method>.yaml.

A preset holds every key of a method with the values of a setting. It is also the list of the keys
that a method knows: what is not in it is a misspelling.
"""

from pathlib import Path

from fourlenses.config.blame import blame
from fourlenses.config.encoders import check_encoder
from fourlenses.config.lengths import DURATIONS, reserved_ending
from fourlenses.config.sentences.former_keys import now_called
from fourlenses.config.yaml_files import read_yaml
from fourlenses.core.errors import UserError, did_you_mean, one_of
from fourlenses.data.augment.augmentation import LEAST_SIZE, Augmentation
from fourlenses.data.augment.shares import check_shares
from fourlenses.study.vocabulary import METHODS, RANDOM_INIT, TRAINED_METHODS, method_of

IMAGENET_SIZE = 224  # px: of most encoders that can be downloaded
SMALL = 96  # px: up to this image size the preset is `small` where none is named, above `paper`
START_KEYS = ("start", "frozen_share")  # of an entry that continues an encoder, in no preset
MORE = ("progressive_sizes", "smaller_first")  # keys of any entry that no preset has
# A duration is passes over the images or updates; in a preset the one replaces the other.
EITHER = (("epochs", "steps"), ("warmup_epochs", "warmup_steps"))


def complete_methods(config: dict, presets: Path, config_files: list[Path]) -> None:
    """Fill in `config["methods"]`, and in `config["augmentations"]` those it names, in place.

    An entry is a preset and what differs from it. It is called as its method, or
    `<method>_<anything>`, so that one study can hold a method twice (say, at equal epochs and at
    equal steps).

    Raises:
        UserError: an unknown method, preset, key or augmentation, a value of another kind than
            the preset's, or a key of `START_KEYS` without a start.
    """
    augmentations = read_augmentations(presets) | config["augmentations"]
    for name, entry in config["methods"].items():
        if name == RANDOM_INIT:
            continue
        where, key = blame(["methods", name], config_files), f"methods.{name}"
        try:
            method = _method(name)
            file = presets / "methods" / f"{method}.yaml"
            start, image_size = _start(config, key, entry)
            preset, values = _preset(key, entry, file=file, image_size=image_size)
            settings = _with_changes(key, entry, values)
            if start:
                settings = _continued(entry, settings, read_yaml(presets / "continued.yaml"))
            _check_augmentations(key, settings["augmentations"], method=method, known=augmentations)
            _check_views(key, settings, image_size=image_size, known=augmentations)
        except UserError as error:
            raise UserError(f"{where}: {error}") from error
        for augmentation in settings["augmentations"]:
            config["augmentations"].setdefault(augmentation, augmentations[augmentation])
        config["methods"][name] = {"method": method, "preset": preset, **settings, **start}


def _method(name: str) -> str:
    """Return the method of an entry; an error where its name begins with none, or ends as those of
    derived entries do."""
    method = method_of(name)
    if method not in TRAINED_METHODS:
        raise UserError(
            f"key 'methods.{name}': {one_of('method', name, sorted(TRAINED_METHODS))}, "
            "or one of them with an ending, as in simclr_long"
        )
    if ending := reserved_ending(name):
        raise UserError(
            f"key 'methods.{name}' ends in '_{ending}', as the entries do that 'quantity.equal' "
            "and 'quantity.convergence' make; use those keys, or name the entry otherwise, say "
            f"'{method}_long'"
        )
    return method


def _start(config: dict, key: str, entry: dict) -> tuple[dict, int]:
    """Return the key `start` of an entry, if it has one, and the size of its images in px.

    An external encoder's own size, where the config does not say it, is known once it is imported;
    `IMAGENET_SIZE` stands for it.
    """
    if "start" not in entry:
        if "frozen_share" in entry:
            raise UserError(
                f"key '{key}.frozen_share' is for an entry with 'start', whose encoder can stay as "
                "it is while the new head learns; leave it out, or say what to start from"
            )
        return {}, config["image_size"]
    if "smaller_first" in entry:
        raise UserError(
            f"key '{key}' has both 'start' and 'smaller_first'; an encoder begins with one other's "
            "weights, so leave out one of the two"
        )
    check_encoder(config, f"{key}.start", entry["start"])
    size = config["encoders"][entry["start"]].get("image_size", IMAGENET_SIZE)
    return {"start": entry["start"]}, size


def _continued(entry: dict, settings: dict, factors: dict) -> dict:
    """Return settings with the rate, warm-up and frozen share of continuing, or the entry's own.

    Args:
        factors: presets/continued.yaml.
    """
    settings = dict(settings)
    # 0 is left out: such an entry is the same training as one from before there was the key
    if share := entry.get("frozen_share", factors["frozen_share"]):
        settings["frozen_share"] = share
    if "learning_rate" not in entry:
        rate = factors["learning_rate"] * settings["learning_rate"]
        settings["learning_rate"] = float(f"{rate:.6g}")
    if "warmup_epochs" in entry or "warmup_steps" in entry:
        return settings
    if "steps" in settings:
        settings.pop("warmup_epochs", None)
        settings["warmup_steps"] = round(factors["warmup"] * settings["steps"])
    else:
        longer = max(settings["warmup_epochs"], factors["warmup"] * settings["epochs"])
        settings["warmup_epochs"] = float(f"{longer:.6g}")
    return settings


def read_augmentations(presets: Path) -> dict[str, dict]:
    """Return the shipped augmentations by name."""
    return read_yaml(presets / "augmentations.yaml")


def _preset(key: str, entry: dict, *, file: Path, image_size: int) -> tuple[str, dict]:
    """Return the name of an entry's preset, and its values."""
    offered = read_yaml(file)
    preset = entry.get("preset", "small" if image_size <= SMALL else "paper")
    if preset not in offered:
        raise UserError(f"key '{key}.preset': {one_of('preset', preset, offered)}")
    if isinstance(offered[preset], str):  # the reason why there is none
        raise UserError(
            f"key '{key}.preset': {file.stem} has no preset '{preset}': {offered[preset]}"
        )
    return preset, offered[preset]


def _with_changes(key: str, entry: dict, values: dict) -> dict:
    """Return the values of the preset, those of the entry instead where it has some."""
    reserved = ("preset", *START_KEYS)
    changes = {setting: value for setting, value in entry.items() if setting not in reserved}
    for setting, value in changes.items():
        _check_value(key, setting, value, preset=values)
    for passes, updates in EITHER:
        if passes in changes and updates in changes:
            raise UserError(
                f"key '{key}' has both '{passes}' and '{updates}'; a duration is one of them"
            )
        if updates in changes:
            values = {setting: value for setting, value in values.items() if setting != passes}
    return {**values, **changes}


def _check_value(key: str, setting: str, value: object, *, preset: dict) -> None:
    allowed = sorted({*preset, *DURATIONS, *MORE})
    if setting not in allowed:
        if sentence := now_called([*key.split("."), setting]):
            raise UserError(sentence)
        hint = did_you_mean(setting, allowed)
        raise UserError(f"unknown key '{key}.{setting}'{hint}; allowed here: {', '.join(allowed)}")
    example = preset.get(setting)
    if isinstance(example, bool) != isinstance(value, bool) and setting in preset:
        raise UserError(
            f"key '{key}.{setting}' is {value!r}; the preset has {example!r}, "
            "so give a value of that kind"
        )


def _check_augmentations(
    key: str, names: list[str], *, method: str, known: dict[str, dict]
) -> None:
    for name in names:
        if name not in known:
            raise UserError(f"key '{key}.augmentations': {one_of('augmentation', name, known)}")
    takes, more = METHODS[method].views, METHODS[method].more_views
    if len(names) < takes or (len(names) > takes and not more):
        raise UserError(
            f"key '{key}.augmentations' names {len(names)} augmentation(s); "
            f"the method takes {takes}{' or more' if more else ''}"
        )
    statistics = {str([known[name].get(part) for part in ("mean", "std")]) for name in names}
    if len(statistics) > 1:
        raise UserError(
            f"the augmentations of key '{key}.augmentations' differ in 'mean' or 'std'; "
            "give them the same"
        )


def _check_views(key: str, settings: dict, *, image_size: int, known: dict[str, dict]) -> None:
    """Check the sizes of the views, and how many of them are global."""
    names = settings["augmentations"]
    shares = settings.get("progressive_sizes", [1])
    check_shares(f"{key}.progressive_sizes", shares)
    for name in names:
        size = Augmentation.from_config(name, known[name]).size_of(image_size)
        if round(shares[0] * size) < LEAST_SIZE <= size:
            raise UserError(
                f"key '{key}.progressive_sizes': at {shares[0]:g} of their size the views of "
                f"'{name}' would have {round(shares[0] * size)} px; they have at least "
                f"{LEAST_SIZE} px"
            )
        if not LEAST_SIZE <= size <= image_size:
            raise UserError(
                f"key '{key}.augmentations': the views of '{name}' would have {size} px; 'size' is "
                f"from {LEAST_SIZE} px to image_size, {image_size} px"
            )
    if not 1 <= settings.get("global_views", 1) <= len(names):
        raise UserError(
            f"key '{key}.global_views' is {settings['global_views']}; the entry has {len(names)} "
            "augmentations, of which at least one is global"
        )
