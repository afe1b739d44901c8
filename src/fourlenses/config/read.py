"""A study's config: config.yaml with overlays, checked, and completed from the presets.

This is the module to call; the others of this folder are its steps: `check` (by `schema`),
`encoders`, `methods`, `lengths`, `protocols`.
"""

from copy import deepcopy
from pathlib import Path

import yaml

from fourlenses.config.checkout import ROOT, presets, schema_file
from fourlenses.config.encoders import complete_encoders
from fourlenses.config.lengths import complete_lengths
from fourlenses.config.methods import complete_methods
from fourlenses.config.protocols import complete_protocols
from fourlenses.config.yaml_files import read_yaml
from fourlenses.core.errors import UserError
from fourlenses.core.paths import expanded
from fourlenses.data.download.registry import Wanted, take_downloads


def read_config(overlays: list[Path], root: Path = ROOT) -> dict:
    """Return the completed config of a study.

    Args:
        overlays: files of studies/, the last one winning.
        root: the project's folder.

    Raises:
        UserError: a file does not exist or is no overlay, or the config is not allowed.
    """
    files = config_files(overlays, root)
    config: dict = {}
    for file in files:
        _lay_over(config, read_overlay(file))
    complete_config(config, root, files)
    return config


def with_defaults(config: dict, root: Path) -> dict:
    """Return config.yaml with a study's own keys laid over it, as a new dictionary.

    Args:
        config: what the study says; not changed.
        root: the project's folder.
    """
    merged = read_overlay(root / "config.yaml")
    _lay_over(merged, deepcopy(config))
    return merged


def config_files(overlays: list[Path], root: Path) -> list[Path]:
    """Return the files a config is merged from, config.yaml first, the last one winning."""
    base = root / "config.yaml"
    return [base, *(file for file in overlays if file.resolve() != base.resolve())]


def complete_config(
    config: dict, root: Path, files: list[Path], *, checked: bool = False
) -> dict[str, list[Wanted]]:
    """Check a merged config and fill it in, in place.

    Args:
        config: as merged from `files`.
        root: the project's folder.
        files: as `config_files` returns them; an error names the one to blame.
        checked: what the schema and the libraries allow was checked already. In a job, whose
            Snakemake reads the config again, the check would be a third of that time.

    Returns:
        What `take_downloads` takes out of the config.

    Raises:
        UserError: the config is not allowed.
    """
    if not checked:
        # imported late: a job needs no jsonschema
        from fourlenses.config.check import check_config, check_libraries, check_trackers

        check_config(config, schema_file(root), files)
    expanded(config["raw_data"], "raw_data")  # a variable that is not set is an error at once
    complete_encoders(config, files)
    if not checked:
        check_libraries(config)
        check_trackers(config)
    complete_methods(config, presets(root), files)
    complete_lengths(config, files)
    complete_protocols(config, presets(root))
    return take_downloads(config)


def read_overlay(file: Path) -> dict:
    """Return the keys of one file.

    Raises:
        UserError: it cannot be read, or holds no keys.
    """
    try:
        content = read_yaml(file) or {}
    except OSError as error:
        raise UserError(
            f"{file}: {error.strerror}; name a file like studies/real_quick.yaml"
        ) from error
    except yaml.YAMLError as error:
        raise UserError(_no_yaml(file, error)) from error
    if not isinstance(content, dict):
        raise UserError(
            f"{file} holds no keys, but {type(content).__name__}; "
            "a study is an overlay of config.yaml"
        )
    return content


def _no_yaml(file: Path, error: yaml.YAMLError) -> str:
    """`studies/mine.yaml:3:10: no YAML: mapping values are not allowed here`, in one line."""
    mark = getattr(error, "problem_mark", None)
    where = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else str(file)
    problem = " ".join(str(getattr(error, "problem", None) or error).split())
    line = (
        file.read_text(encoding="utf-8", errors="replace").splitlines()[mark.line :] if mark else []
    )
    tab = " (indent with spaces, not with a tab)" if line and "\t" in line[0] else ""
    return f"{where}: no YAML: {problem}{tab}; put that line right"


def _lay_over(below: dict, above: dict) -> None:
    """Merge in place, as Snakemake does: dictionaries add up, everything else is replaced."""
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            _lay_over(below[key], value)
        else:
            below[key] = value
