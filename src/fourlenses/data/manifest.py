"""The manifest: one row per image of a dataset. Everything downstream reads it without knowing where the images came from.

Columns: ``id`` (unique, stable), ``path`` (where the source finds the image), ``split`` (train or test), ``width``, ``height`` (pixels,
0 where only drawing or decoding would tell), and one ``level:<name>`` column per label level, coarse to fine. The last level is the class.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fourlenses.errors import UserError
from fourlenses.files import atomic

PREFIX = "level:"


@dataclass(frozen=True)
class Hierarchy:
    """The label levels of a dataset, coarse to fine.

    names: the levels. classes: per level, the sorted label names. table: int64 (fine classes, levels), the label at every level of
    each finest class; its last column counts 0, 1, 2, …
    """

    names: list[str]
    classes: list[list[str]]
    table: np.ndarray

    @property
    def num_classes(self) -> int:
        return len(self.classes[-1])


def write_manifest(manifest: pd.DataFrame, path: Path) -> None:
    """Check and write a manifest atomically.

    Raises:
        UserError: no training or no test images, or the same id twice.
    """
    for split in ("train", "test"):
        if not (manifest["split"] == split).any():
            raise UserError(
                f"{path}: no {split} images were found; splits found: {', '.join(sorted(manifest['split'].unique())) or 'none'}"
            )
    twice = manifest["id"][manifest["id"].duplicated()]
    if len(twice):
        raise UserError(f"{path}: {len(twice)} images have an id that another has too, e.g. '{twice.iloc[0]}'")
    hierarchy_of(manifest)
    with atomic(path) as temporary:
        manifest.to_parquet(temporary, index=False)


def read_manifest(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path)


def hierarchy_of(manifest: pd.DataFrame) -> Hierarchy:
    """The label levels of a manifest.

    Raises:
        UserError: a class has two different ancestors at one level.
    """
    columns = [column for column in manifest.columns if column.startswith(PREFIX)]
    classes = manifest[columns].drop_duplicates()
    finest = columns[-1]
    twice = classes[finest][classes[finest].duplicated()]
    if len(twice):
        raise UserError(
            f"class '{twice.iloc[0]}' has more than one set of ancestors: {classes[classes[finest] == twice.iloc[0]].values.tolist()}"
        )
    classes = classes.sort_values(finest)
    names = [sorted(classes[column].unique()) for column in columns]
    table = np.stack(
        [pd.Categorical(classes[column], categories=known).codes for column, known in zip(columns, names, strict=True)], axis=1
    )
    return Hierarchy([column.removeprefix(PREFIX) for column in columns], names, table.astype(np.int64))


def labels_of(manifest: pd.DataFrame) -> np.ndarray:
    """The finest label of every row: int64 (rows,), counting the sorted class names."""
    finest = [column for column in manifest.columns if column.startswith(PREFIX)][-1]
    return pd.Categorical(manifest[finest], categories=sorted(manifest[finest].unique())).codes.astype(np.int64)
