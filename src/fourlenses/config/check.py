"""Checks of a config against its schema, and that the libraries it names are installed.

An error names the file, the key, the value, and what is allowed.
"""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from jsonschema import Draft202012Validator, ValidationError

from fourlenses.config.blame import blame
from fourlenses.config.schema import read_schema
from fourlenses.config.sentences.allowed import allowed
from fourlenses.config.sentences.former_keys import now_called
from fourlenses.config.sentences.yaml_values import check_written, how_to_write, shown
from fourlenses.config.yaml_files import read_yaml
from fourlenses.core.errors import UserError, did_you_mean
from fourlenses.data.augment.augmentation import Augmentation


def check_config(config: dict, schema_file: Path, config_files: list[Path]) -> None:
    """Raise an error for the first thing in a config that is not allowed.

    Args:
        config: merged, not completed.
        schema_file: schemas/config.schema.yaml.
        config_files: the files it was merged from, the last one winning.

    Raises:
        UserError: the schema does not allow it, a file says a thing twice, or an augmentation
            contradicts itself.
    """
    check_written(config, config_files)
    schema = read_schema(schema_file)
    errors = sorted(Draft202012Validator(schema).iter_errors(config), key=_rank)
    if errors:
        raise UserError(_taken(errors[0], config_files) or _sentence(errors[0], config_files))
    _check_sizes(config, config_files)
    for name, settings in config["augmentations"].items():
        try:
            Augmentation.from_config(name, settings)
        except UserError as error:
            where = blame(["augmentations", name], config_files)
            raise UserError(f"{where}: key 'augmentations.{name}': {error}") from error


def check_libraries(config: dict) -> None:
    """Raise an error for the first network of timm, where that is not installed.

    Where torch is not installed either, jobs run in another environment, and say so
    themselves.

    Args:
        config: its `encoders` completed.

    Raises:
        UserError: timm is needed and missing.
    """
    named = {"backbone": config["backbone"]}
    named |= {
        f"encoders.{name}.architecture": entry["architecture"]
        for name, entry in config["encoders"].items()
    }
    for key, architecture in named.items():
        if architecture.startswith("timm:") and find_spec("torch") and not find_spec("timm"):
            raise UserError(
                f"key '{key}' is '{architecture}', which needs the package timm; it is not "
                "installed here: make setup EXTRAS=timm, or pip install timm"
            )


def check_trackers(config: dict) -> None:
    """Raise an error for the first tracker that is not installed, as `check_libraries` does.

    Raises:
        UserError: names it.
    """
    for name in config["training"]["log_to"]:
        if find_spec("torch") and not find_spec(name):
            raise UserError(
                f"key 'training.log_to' has '{name}', which is not installed here: make setup "
                f"EXTRAS={name}, or take it out"
            )


def _rank(error: ValidationError) -> tuple[bool, int]:
    """Sort the most telling error first.

    An unknown kind of source comes before all that is then wrong with its entry.
    """
    return error.validator == "oneOf", len(error.absolute_path)


def _sentence(error: ValidationError, config_files: list[Path]) -> str:
    error = _alternative(error)
    path = [str(part) for part in error.absolute_path]
    if error.validator == "additionalProperties":
        return _unknown_key(error, path, config_files)
    value = error.instance
    if "propertyNames" in error.absolute_schema_path:
        return _bad_name(error, path, config_files)
    where = blame(path, config_files, None if isinstance(value, dict) else value)
    key = ".".join(path) or "(top level)"
    if error.validator == "required":
        return f"{where}: key '{key}' lacks {error.message.split(' is a ')[0]}"
    if error.validator in ("enum", "const"):
        schema = cast(dict, error.schema)  # no bare true or false has these validators
        known = schema.get("enum") or [schema["const"]]
        hint, names = did_you_mean(value, known), ", ".join(map(str, known))
        return f"{where}: key '{key}' is {value!r}{hint}; allowed: {names}"
    words = allowed(str(error.validator), error.validator_value, error.message)
    how = how_to_write(value, error.validator_value) if error.validator == "type" else ""
    return f"{where}: key '{key}' is {shown(value)}{how}; allowed: {words}"


def _bad_name(error: ValidationError, path: list[str], config_files: list[Path]) -> str:
    """Return a sentence on a name that an entry must not have: `CUB-200`."""
    name, section = str(error.instance), ".".join(path)
    words = allowed(str(error.validator), error.validator_value, error.message)
    better = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    example = f", such as {better}" if re.fullmatch("[a-z][a-z0-9_]*", better) else ""
    where = blame([*path, name], config_files)
    return f"{where}: key '{section}' has an entry named '{name}'; allowed: {words}{example}"


def _taken(error: ValidationError, config_files: list[Path]) -> str | None:
    """A sentence where a study gives a dataset the name of one of config.yaml that is of another
    source: the two are merged, and each has keys that the other may not have."""
    path = [str(part) for part in error.absolute_path]
    if len(path) < 2 or path[0] != "datasets":
        return None
    sources = [(file, _source(file, path[1])) for file in config_files]
    named = [(file, source) for file, source in sources if source is not None]
    if len({source for _, source in named}) < 2:
        return None
    (base, theirs), (file, ours) = named[0], named[-1]
    return (
        f"{file}: dataset '{path[1]}' (source {ours}) has the name of one that {base} defines "
        f"(source {theirs}); choose another name"
    )


def _source(file: Path, dataset: str) -> str | None:
    entry = ((read_yaml(file) or {}).get("datasets") or {}).get(dataset)
    return str(entry.get("source")) if isinstance(entry, dict) and "source" in entry else None


def _check_sizes(config: dict, config_files: list[Path]) -> None:
    """An encoder that sees more pixels than are stored is trained on enlarged images."""
    seen, stored = config["image_size"], config["stored_size"]
    if seen > stored:
        where = blame(["image_size"], config_files, seen)
        raise UserError(
            f"{where}: key 'image_size' is {seen}, more than stored_size ({stored}), so images "
            f"would be enlarged; set stored_size to {seen} or more, or image_size to {stored}"
        )


def _unknown_key(error: ValidationError, path: list[str], config_files: list[Path]) -> str:
    known = sorted(cast(dict, error.schema).get("properties", {}))
    unknown = sorted(set(cast(dict, error.instance)) - set(known))[0]
    where = blame([*path, unknown], config_files)
    if sentence := now_called([*path, unknown]):
        return f"{where}: {sentence}"
    key, hint = ".".join([*path, unknown]), did_you_mean(unknown, known)
    return f"{where}: unknown key '{key}'{hint}; allowed here: {', '.join(known) or 'none'}"


def _alternative(error: ValidationError) -> ValidationError:
    """Return, for a dataset that fits no kind of source, the error of the kind it names."""
    if error.validator == "oneOf" and isinstance(error.instance, dict):
        other_kinds = {
            other.schema_path[0] for other in error.context if other.validator == "const"
        }
        for inner in error.context:
            if inner.schema_path[0] not in other_kinds:
                return inner
    return error
