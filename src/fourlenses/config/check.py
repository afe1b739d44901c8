"""A config checked against schemas/config.schema.yaml, with errors that name the file, the key, what was found and what is allowed."""

from pathlib import Path

from jsonschema import Draft202012Validator

from fourlenses.config.blame import blame
from fourlenses.config.former_keys import now_called
from fourlenses.config.schema import read_schema
from fourlenses.core.errors import UserError, did_you_mean
from fourlenses.data.augment.augmentation import Augmentation


def check_config(config: dict, schema_file: Path, config_files: list[Path]) -> None:
    """Raise a `UserError` for the first thing in ``config`` that is not allowed: by the schema, or because it contradicts itself.

    ``config_files`` are the files it was merged from, the last one winning: they serve to name the one to blame.
    """
    schema = read_schema(schema_file)
    errors = sorted(Draft202012Validator(schema).iter_errors(config), key=_depth)
    if errors:
        raise UserError(_sentence(errors[0], config_files))
    for name, settings in config["augmentations"].items():
        try:
            Augmentation.from_config(name, settings)
        except UserError as error:
            raise UserError(
                f"{blame(['augmentations', name], config_files)}: key 'augmentations.{name}': {error}"
            ) from error


def _depth(error) -> tuple[bool, int]:
    """Sorts the most telling error first: a wrong kind of source rather than all that is then wrong with its entry."""
    return error.validator == "oneOf", len(error.absolute_path)


def _sentence(error, config_files: list[Path]) -> str:
    error = _alternative(error)
    path = [str(part) for part in error.absolute_path]
    if error.validator == "additionalProperties":
        allowed = sorted(error.schema.get("properties", {}))
        unknown = sorted(set(error.instance) - set(allowed))[0]
        hint = did_you_mean(unknown, allowed)
        where = blame([*path, unknown], config_files)
        if sentence := now_called([*path, unknown]):
            return f"{where}: {sentence}"
        return f"{where}: unknown key '{'.'.join([*path, unknown])}'{hint}; allowed here: {', '.join(allowed) or 'none'}"
    where, key = (
        blame(path, config_files, None if isinstance(error.instance, dict) else error.instance),
        ".".join(path) or "(top level)",
    )
    if error.validator == "required":
        return f"{where}: key '{key}' lacks {error.message.split(' is a ')[0]}"
    if error.validator in ("enum", "const"):
        allowed = error.schema.get("enum") or [error.schema["const"]]
        hint = did_you_mean(error.instance, allowed)
        return f"{where}: key '{key}' is {error.instance!r}{hint}; allowed: {', '.join(map(str, allowed))}"
    return f"{where}: key '{key}' is {error.instance!r}; {error.message}"


def _alternative(error):
    """Of a dataset that fits no kind of source, the error of the kind it says it is."""
    if error.validator == "oneOf" and isinstance(error.instance, dict):
        for inner in error.context:
            if not any(
                other.validator == "const" and other.schema_path[0] == inner.schema_path[0]
                for other in error.context
            ):
                return inner
    if error.validator == "anyOf" and error.context:
        error.message = "allowed: a whole number of at least 2, or 'all'"
    return error
