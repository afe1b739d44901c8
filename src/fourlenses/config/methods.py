"""The methods of a study, completed from the presets: presets/<method>.yaml holds every key of a method with the values of a setting.

A preset is also the list of the keys a method knows: what is not in it is a misspelling.
"""

from pathlib import Path

from fourlenses.config.check import blame
from fourlenses.config.former_keys import now_called
from fourlenses.config.lengths import DURATIONS, reserved_ending
from fourlenses.config.yaml_files import read_yaml
from fourlenses.core.errors import UserError, did_you_mean, one_of
from fourlenses.study.vocabulary import RANDOM_INIT

SMALL = 96  # px: views up to this size are trained with the preset `small` where none is named, larger ones with `paper`
# What takes the place of what: a duration is passes over the images or updates.
EITHER = (("epochs", "steps"), ("warmup_epochs", "warmup_steps"))


def complete_methods(config: dict, presets: Path, config_files: list[Path]) -> None:
    """Fill in ``config["methods"]`` and the recipes it names in ``config["views"]``, in place.

    An entry is a preset and what differs from it. It is called as its method, or `<method>_<anything>`, so that one study can hold a method
    twice (say, at equal epochs and at equal steps).

    Raises:
        UserError: an unknown method, preset, key or recipe, or a value of another kind than the preset's.
    """
    known = sorted(file.stem for file in presets.glob("*.yaml") if file.stem != "views")
    recipes = _load(presets / "views.yaml") | config["views"]
    for name, entry in config["methods"].items():
        if name == RANDOM_INIT:
            continue
        where, key = blame(["methods", name], config_files), f"methods.{name}"
        base = max(
            (method for method in known if name == method or name.startswith(f"{method}_")),
            key=len,
            default=None,
        )
        if base is None:
            raise UserError(
                f"{where}: key '{key}': {one_of('method', name, known)}, or one of them with an ending, as in simclr_long"
            )
        if ending := reserved_ending(name):
            raise UserError(
                f"{where}: key '{key}' ends in '_{ending}', as the entries do that 'quantity.equal' and 'quantity.convergence' make; use "
                f"those keys, or name the entry otherwise, say '{base}_long'"
            )
        offered = _load(presets / f"{base}.yaml")
        preset = entry.get("preset", "small" if config["image_size"] <= SMALL else "paper")
        if preset not in offered:
            raise UserError(f"{where}: key '{key}.preset': {one_of('preset', preset, offered)}")
        values = offered[preset]
        if isinstance(values, str):  # a preset that there is none of, and why
            raise UserError(
                f"{where}: key '{key}.preset': {base} has no preset '{preset}': {values}"
            )
        own = {setting: value for setting, value in entry.items() if setting != "preset"}
        for setting, value in own.items():
            _check(where, key, setting, value, values)
        for passes, updates in EITHER:
            if passes in own and updates in own:
                raise UserError(
                    f"{where}: key '{key}' has both '{passes}' and '{updates}'; a duration is one of them"
                )
            if updates in own:
                values = {setting: value for setting, value in values.items() if setting != passes}
        settings = {**values, **own}
        for recipe in settings["views"]:
            if recipe not in recipes:
                raise UserError(
                    f"{where}: key '{key}.views': {one_of('recipe of views', recipe, recipes)}"
                )
            config["views"].setdefault(recipe, recipes[recipe])
        if len(settings["views"]) != len(values["views"]):
            raise UserError(
                f"{where}: key '{key}.views' names {len(settings['views'])} recipe(s); {base} takes {len(values['views'])}"
            )
        statistics = {
            str([recipes[recipe].get(part) for part in ("mean", "std")])
            for recipe in settings["views"]
        }
        if len(statistics) > 1:
            raise UserError(
                f"{where}: the recipes of key '{key}.views' differ in 'mean' or 'std'; give them the same"
            )
        config["methods"][name] = {"method": base, "preset": preset, **settings}


def _check(where: str, key: str, setting: str, value: object, preset: dict) -> None:
    allowed = sorted({*preset, *DURATIONS})
    if setting not in allowed:
        if sentence := now_called([*key.split("."), setting]):
            raise UserError(f"{where}: {sentence}")
        raise UserError(
            f"{where}: unknown key '{key}.{setting}'{did_you_mean(setting, allowed)}; allowed here: {', '.join(allowed)}"
        )
    example = preset.get(setting)
    if isinstance(example, bool) != isinstance(value, bool) and setting not in DURATIONS:
        raise UserError(
            f"{where}: key '{key}.{setting}' is {value!r}; the preset has {example!r}, so give a value of that kind"
        )


def _load(file: Path) -> dict:
    return read_yaml(file)
