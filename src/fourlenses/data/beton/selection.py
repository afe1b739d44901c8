"""Selections of a beton's samples by rows of its dataset's manifest, with labels and ids."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fourlenses.core.errors import UserError
from fourlenses.core.randomness import mix, named_seed
from fourlenses.data.beton.reader import Beton


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Some samples of a beton.

    Attributes:
        beton: The file.
        samples: int64 (N,), numbers in the beton.
        rows: int64 (N,), of the manifest.
        labels: int64 (N,), the finest level.
        ids: uint64 (N,), of dataset and manifest row: they seed the views.
        num_classes: Of the dataset's finest level.
    """

    beton: Beton
    samples: np.ndarray
    rows: np.ndarray
    labels: np.ndarray
    ids: np.ndarray
    num_classes: int


def select(beton_file: Path, rows: np.ndarray, dataset: str) -> Selection:
    """Return the samples that hold some rows.

    Args:
        beton_file: The beton.
        rows: int64 (N,), of the manifest.
        dataset: Its name.

    Raises:
        UserError: The beton lacks one of the rows.
    """
    beton = Beton(beton_file)
    by_row = np.full(max(int(beton.index.max(initial=0)), int(rows.max(initial=0))) + 1, -1)
    by_row[beton.index] = np.arange(len(beton))
    samples = by_row[rows]
    if (samples < 0).any():
        raise UserError(
            f"{beton_file} lacks row {rows[samples < 0][0]} of its manifest; write it again "
            "(delete it, then run snakemake)"
        )
    ids = mix(named_seed(0, "dataset", dataset), rows)
    num_classes = int(beton.label.max(initial=-1)) + 1
    return Selection(
        beton=beton,
        samples=samples,
        rows=rows,
        labels=beton.label[samples],
        ids=ids,
        num_classes=num_classes,
    )


def join_labels(labels: list[np.ndarray], num_classes: list[int]) -> tuple[np.ndarray, int]:
    """Return labels (int64) and number of classes of several datasets as one.

    The classes of each dataset follow those of the one before.
    """
    offsets = np.cumsum([0, *num_classes])
    shifted = [part + offset for part, offset in zip(labels, offsets[:-1], strict=True)]
    return np.concatenate(shifted), int(offsets[-1])
