"""A config checked against schemas/config.schema.yaml, with errors that name the file, the key, what was found and what is allowed."""

from pathlib import Path

from jsonschema import Draft202012Validator

from fourlenses.config.former_keys import now_called
from fourlenses.config.yaml_files import read_yaml
from fourlenses.core.errors import UserError, did_you_mean
from fourlenses.data.augment.augmentation import Augmentation
from fourlenses.study.corruptions import CORRUPTIONS
from fourlenses.study.vocabulary import BACKBONES, FROM_SCRATCH, LENSES, PROTOCOLS


def check_config(config: dict, schema_file: Path, config_files: list[Path]) -> None:
    """Raise a `UserError` for the first thing in ``config`` that is not allowed: by the schema, or because it contradicts itself.

    ``config_files`` are the files it was merged from, the last one winning: they serve to name the one to blame.
    """
    schema = _with_sources(read_yaml(schema_file), schema_file.parent / "sources")
    schema = _with_lenses(schema, schema_file.parent / "lenses")
    _add_vocabulary(schema)
    errors = sorted(Draft202012Validator(schema).iter_errors(config), key=_depth)
    if errors:
        raise UserError(_sentence(errors[0], config_files))
    for name, settings in config["views"].items():
        try:
            Augmentation.from_config(name, settings)
        except UserError as error:
            raise UserError(
                f"{blame(['views', name], config_files)}: key 'views.{name}': {error}"
            ) from error


def _add_vocabulary(schema: dict) -> None:
    """Allow the names of the vocabulary, and no others, where the schema says `vocabulary`."""
    properties, shared = schema["properties"], schema["$defs"]
    properties["lenses"]["items"] = {"enum": list(LENSES)}
    properties["backbone"] = {"enum": list(BACKBONES)}
    shared["corruption"] = {"enum": list(CORRUPTIONS)}
    encoders = [name for name in PROTOCOLS if name not in FROM_SCRATCH]
    shared["protocols"]["items"] = {"enum": encoders}
    shared["baselines"]["items"] = {"enum": list(FROM_SCRATCH)}


def _with_sources(schema: dict, folder: Path) -> dict:
    """The schema with what each source allows in an entry of ``datasets``: a source is a file of that folder."""
    entry = schema["properties"]["datasets"]["additionalProperties"]
    sources = {file.stem: read_yaml(file) for file in sorted(folder.glob("*.yaml"))}
    for name, allowed in sources.items():
        allowed["properties"] = {"source": {"const": name}, **allowed.get("properties", {})}
        if "path" in allowed["properties"]:
            allowed["properties"]["download"] = {"$ref": "#/$defs/download"}
    entry["properties"] = {"source": {"enum": list(sources)}}
    entry["oneOf"] = list(sources.values())
    return schema


def _with_lenses(schema: dict, folder: Path) -> dict:
    """Return the schema with the section of each lens, from `<lens>.yaml` in `folder`."""
    schema["properties"] |= {lens: read_yaml(folder / f"{lens}.yaml") for lens in LENSES}
    schema["required"] += LENSES
    return schema


def blame(path: list[str], config_files: list[Path], found: object = None) -> str:
    """The last file that says anything about the key, or where it says nothing of the kind that was ``found``, the command line."""
    for file in reversed(config_files):
        value = read_yaml(file)
        for part in path:
            if isinstance(value, list) and part.isdigit() and int(part) < len(value):
                value = value[int(part)]
            elif isinstance(value, dict) and part in value:
                value = value[part]
            else:
                break
        else:
            return str(file) if found is None or value == found else "the command line (--config)"
    return "the command line (--config)"


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
