"""Which keys of a config decide what is computed, and which only where and how fast.

Every key of the top level, of `training` and of `evaluation` says so where it is declared, in
schemas/config.schema.yaml: `x-role` is `science` (a change is another study: what depends on it is
made again), `placement` (a change makes nothing again) or `judgement` (a change makes findings and
figures again, no number). The sections of lenses are science; labels of datasets are not.

Standard library and YAML only: the Snakefile imports it in every job.
"""

import functools
from pathlib import Path

from fourlenses.config.checkout import ROOT, schema_file
from fourlenses.config.schema import declared
from fourlenses.config.yaml_files import read_yaml
from fourlenses.study.labels import definition_of

SECTIONS = ("training", "evaluation")  # whose keys have a role each
ROLES = ("science", "placement", "judgement")


@functools.cache  # asked for every key of every job
def role(key: str, *, schema: Path | None = None) -> str:
    """Return the role of a key, one of `ROLES`.

    Args:
        key: dotted, as `device` or `training.input`.
        schema: config.schema.yaml, the checkout's where None.

    Raises:
        KeyError: the key is not declared, or declares no role.
    """
    properties = declared(schema or schema_file())["properties"]
    section, _, name = key.partition(".")
    if name:
        return properties[section]["properties"][name]["x-role"]
    return properties[section]["x-role"] if section in properties else "science"


def science_of(config: dict) -> dict:
    """Return the part of a config that decides what is computed."""
    science = {}
    for key, value in config.items():
        if key in SECTIONS:
            science[key] = {
                name: setting
                for name, setting in value.items()
                if role(f"{key}.{name}") == "science"
            }
        elif key == "datasets":
            science[key] = {name: definition_of(entry) for name, entry in value.items()}
        elif role(key) == "science":
            science[key] = value
    return science


def with_placement(science: dict, root: Path = ROOT) -> dict:
    """Return a config from its `science_of`, as a study's record has it: with the values of
    config.yaml where the record says nothing, as of where the study runs.

    Args:
        science: the part that decides what is computed.
        root: the project's folder.
    """
    config = {key: dict(value) if key in SECTIONS else value for key, value in science.items()}
    for key, value in read_yaml(root / "config.yaml").items():
        if key in SECTIONS:
            for name, setting in value.items():
                if role(f"{key}.{name}") != "science":
                    config.setdefault(key, {}).setdefault(name, setting)
        elif role(key) != "science":
            config.setdefault(key, value)
    return config
