"""The manifest: one row per image of a dataset. Everything downstream reads it without knowing where the images came from.

Columns: ``id`` (unique, stable), ``path`` (where the source finds the image), ``split`` (train or test), ``width``, ``height`` (pixels,
0 where only drawing or decoding would tell), and one ``level:<name>`` column per label level, coarse to fine. The last level is the class.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fourlenses.errors import UserError
from fourlenses.files import atomic

if TYPE_CHECKING:
    import pandas as pd

PREFIX = "level:"
# Columns by name: a DataFrame where one is made, plain lists where it is read back. Jobs that only read do without pandas (1 s to import).
Manifest = Mapping[str, Sequence]


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


def text_column(values: Iterable[str]) -> "pd.Series":
    """A column of text that may hold names that are not UTF-8 (surrogateescape), which the text columns of pandas do not take."""
    import pandas as pd

    return pd.Series(list(values), dtype=object)


def write_manifest(manifest: "pd.DataFrame", path: Path) -> None:
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
        manifest.apply(_as_bytes).to_parquet(temporary, index=False)


def read_manifest(path: Path) -> Manifest:
    import pyarrow.parquet

    with open(path, "rb") as file:
        columns = pyarrow.parquet.read_table(file).to_pydict()
    return {name: [_text(value) for value in column] if isinstance(column[0], bytes) else column for name, column in columns.items()}


def _as_bytes(column: "pd.Series") -> "pd.Series":
    """A column of text in which some name is not UTF-8, as bytes: Parquet keeps no such text."""
    try:
        "".join(value for value in column if isinstance(value, str)).encode()
    except UnicodeEncodeError:
        return column.astype(object).map(lambda value: value.encode("utf-8", "surrogateescape"))
    return column


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def one_sided(manifest: Manifest) -> dict[str, list[str]]:
    """Per split, the sorted classes that only it has: a class without test images is learned but never scored, the images of one without
    training images are scored as wrong, as nothing can have learned their label."""
    finest = manifest[[column for column in manifest if column.startswith(PREFIX)][-1]]
    of = {split: {name for name, its in zip(finest, manifest["split"], strict=True) if its == split} for split in ("train", "test")}
    return {"train": sorted(of["train"] - of["test"]), "test": sorted(of["test"] - of["train"])}


def rows_of(manifest: Manifest, split: str) -> np.ndarray:
    """The rows of a split, int64 ascending."""
    return np.flatnonzero(np.asarray(manifest["split"], dtype=object) == split)


def hierarchy_of(manifest: Manifest) -> Hierarchy:
    """The label levels of a manifest.

    Raises:
        UserError: a class has two different ancestors at one level.
    """
    columns = [column for column in manifest if column.startswith(PREFIX)]
    paths = sorted(set(zip(*(manifest[column] for column in columns), strict=True)), key=lambda path: path[-1])
    for one, other in itertools.pairwise(paths):
        if one[-1] == other[-1]:
            raise UserError(f"class '{one[-1]}' has more than one set of ancestors: {list(one[:-1])} and {list(other[:-1])}")
    classes = [sorted(set(level)) for level in zip(*paths, strict=True)]
    numbers = [{name: number for number, name in enumerate(names)} for names in classes]
    table = np.array([[known[name] for known, name in zip(numbers, path, strict=True)] for path in paths], np.int64)
    return Hierarchy([column.removeprefix(PREFIX) for column in columns], classes, table)


def labels_of(manifest: Manifest) -> np.ndarray:
    """The finest label of every row: int64 (rows,), counting the sorted class names."""
    finest = manifest[[column for column in manifest if column.startswith(PREFIX)][-1]]
    number = {name: label for label, name in enumerate(sorted(set(finest)))}
    return np.fromiter((number[name] for name in finest), np.int64, len(finest))
