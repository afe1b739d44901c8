"""A config checked against schemas/config.schema.yaml, with errors that name the file, the key, what was found and what is allowed."""

import difflib
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

from fourlenses.errors import UserError


def check_config(config: dict, schema_file: Path, config_files: list[Path]) -> None:
    """Raise a `UserError` for the first thing in ``config`` that the schema does not allow.

    ``config_files`` are the files it was merged from, the last one winning: they serve to name the one to blame.
    """
    schema = yaml.safe_load(schema_file.read_text())
    errors = sorted(
        Draft202012Validator(schema).iter_errors(config), key=lambda error: (error.validator == "oneOf", len(error.absolute_path))
    )
    if errors:
        raise UserError(_sentence(errors[0], config_files))
    for name, method in config["methods"].items():
        if name != "random" and ("epochs" in method) == ("steps" in method):
            found = "both" if "epochs" in method else "neither"
            raise UserError(
                f"{_blame(['methods', name], config_files)}: key 'methods.{name}' needs one of 'epochs' and 'steps', found {found}"
            )
        for recipe in method.get("views", []):
            if recipe not in config["views"]:
                known = ", ".join(sorted(config["views"]))
                raise UserError(
                    f"{_blame(['methods', name, 'views'], config_files)}: key 'methods.{name}.views' names '{recipe}'; known: {known}"
                )
        recipes = [config["views"][recipe] for recipe in method.get("views", [])]
        if any((recipe.get("mean"), recipe.get("std")) != (recipes[0].get("mean"), recipes[0].get("std")) for recipe in recipes):
            raise UserError(
                f"{_blame(['views'], config_files)}: the views of 'methods.{name}' differ in 'mean' or 'std'; give them the same"
            )


def _sentence(error, config_files: list[Path]) -> str:
    error = _alternative(error)
    path = [str(part) for part in error.absolute_path]
    if error.validator == "additionalProperties":
        allowed = sorted(error.schema.get("properties", {}))
        unknown = sorted(set(error.instance) - set(allowed))[0]
        near = difflib.get_close_matches(unknown, allowed, n=1)
        hint = f" (did you mean '{near[0]}'?)" if near else ""
        where = _blame([*path, unknown], config_files)
        return f"{where}: unknown key '{'.'.join([*path, unknown])}'{hint}; allowed here: {', '.join(allowed) or 'none'}"
    where, key = _blame(path, config_files), ".".join(path) or "(top level)"
    if error.validator == "required":
        return f"{where}: key '{key}' lacks {error.message.split(' is a ')[0]}"
    if error.validator in ("enum", "const"):
        allowed = error.schema.get("enum") or [error.schema["const"]]
        near = difflib.get_close_matches(str(error.instance), map(str, allowed), n=1)
        hint = f" (did you mean '{near[0]}'?)" if near else ""
        return f"{where}: key '{key}' is {error.instance!r}{hint}; allowed: {', '.join(map(str, allowed))}"
    return f"{where}: key '{key}' is {error.instance!r}; {error.message}"


def _alternative(error):
    """Of a dataset that fits no kind of source, the error of the kind it says it is."""
    if error.validator == "oneOf" and isinstance(error.instance, dict):
        for inner in error.context:
            if not any(other.validator == "const" and other.schema_path[0] == inner.schema_path[0] for other in error.context):
                return inner
    if error.validator == "anyOf" and error.context:
        error.message = "allowed: a whole number of at least 2, or 'all'"
    return error


def _blame(path: list[str], config_files: list[Path]) -> str:
    """The last file that says anything about the key."""
    for file in reversed(config_files):
        value = yaml.safe_load(Path(file).read_text())
        for part in path:
            if isinstance(value, list) and part.isdigit() and int(part) < len(value):
                value = value[int(part)]
            elif isinstance(value, dict) and part in value:
                value = value[part]
            else:
                break
        else:
            return str(file)
    return str(config_files[-1]) if config_files else "config"
