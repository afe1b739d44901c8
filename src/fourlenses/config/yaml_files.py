"""YAML by libyaml where PyYAML was built with it: presets and schema are read at every start of Snakemake, ten times faster so."""

from pathlib import Path

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(file: str | Path) -> object:
    return yaml.load(Path(file).read_text(encoding="utf-8"), Loader=_LOADER)
