"""A config as the Snakefile sees it: config.yaml, overlays laid over it, checked and completed from the presets."""

from pathlib import Path

from fourlenses.config import check_config
from fourlenses.errors import UserError
from fourlenses.evaluation.protocol_presets import complete_protocols
from fourlenses.presets import complete_methods
from fourlenses.yaml_files import read_yaml

ROOT = Path(__file__).parents[3]


def read_config(overlays: list[Path], root: Path = ROOT) -> dict:
    """``overlays``: files of studies/, the last one winning. root: the project.

    Raises:
        UserError: a file is not there, or the config is not allowed.
    """
    files = [root / "config.yaml", *overlays]
    config: dict = {}
    for file in files:
        try:
            _lay_over(config, read_yaml(file) or {})
        except OSError as error:
            raise UserError(f"{file}: {error.strerror}; name a file of studies/") from error
    check_config(config, root / "schemas" / "config.schema.yaml", files)
    complete_methods(config, root / "presets", files)
    complete_protocols(config, root / "presets")
    return config


def _lay_over(below: dict, above: dict) -> None:
    """As Snakemake merges configs: dictionaries add up, everything else is replaced."""
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            _lay_over(below[key], value)
        else:
            below[key] = value
