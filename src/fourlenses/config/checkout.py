"""The files of the checkout, next to the package: presets and schemas.

The one place of the package that reaches out of itself. A user edits these files, and the Snakefile
that reads them lies there too; what the package only ships for itself is package data.
"""

from pathlib import Path

ROOT = Path(__file__).parents[3]


def schema_file(root: Path = ROOT) -> Path:
    return root / "schemas" / "config.schema.yaml"


def presets(root: Path = ROOT) -> Path:
    """The folder with methods/, protocols/ and augmentations.yaml."""
    return root / "presets"
