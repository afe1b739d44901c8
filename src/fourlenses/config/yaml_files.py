"""YAML files, read by libyaml where PyYAML was built with it.

Presets and schema are read at every start of Snakemake; libyaml is ten times as fast.
"""

from pathlib import Path
from typing import Any

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(file: str | Path) -> Any:
    """Return what a file holds; None for an empty one."""
    return yaml.load(Path(file).read_text(encoding="utf-8"), Loader=_LOADER)
