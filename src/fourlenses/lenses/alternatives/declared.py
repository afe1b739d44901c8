"""What a study says of its external encoders: `encoders.json`, next to `metrics.csv`.

The table has their accuracies; what they were pretrained on, whether they have seen a target, and
under which licence they come is declared in the config, and said by findings and cards.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from fourlenses.analysis.table import next_to
from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json, write_json

NAME = "encoders.json"


@dataclass(frozen=True, kw_only=True)
class Declared:
    """An entry of `encoders`.

    Attributes:
        architecture: as in the config; empty where nothing is declared, and so the others.
        pretrained_on: in words.
        pretrain_images: how many; None where that is not known.
        labels_of: datasets of the study whose images or labels it has seen.
        licence: of its weights, in words.
    """

    architecture: str = ""
    pretrained_on: str = ""
    pretrain_images: int | None = None
    labels_of: tuple[str, ...] = ()
    licence: str = ""


def write(encoders: dict[str, dict[str, Any]], output: Path) -> None:
    """Write what the config's section `encoders` declares."""
    fields = Declared.__dataclass_fields__
    declared = {
        name: asdict(Declared(**{key: value for key, value in entry.items() if key in fields}))
        for name, entry in encoders.items()
    }
    write_json(output, declared)


def read(metrics: pd.DataFrame) -> dict[str, Declared]:
    """Return what lies next to the file that the table was read from, by name; nothing without such
    a file.

    Raises:
        UserError: the file is there and is not of this kind.
    """
    path = next_to(metrics, NAME)
    if path is None:
        return {}
    try:
        entries: dict[str, dict[str, Any]] = read_json(path)
        return {
            name: Declared(**{**entry, "labels_of": tuple(entry.get("labels_of", ()))})
            for name, entry in entries.items()
        }
    except (AttributeError, TypeError, ValueError) as error:
        again = "write it again: snakemake metrics --forcerun collect_metrics"
        raise UserError(f"{path} is damaged ({error}); {again}") from error
