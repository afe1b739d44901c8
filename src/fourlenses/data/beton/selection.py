"""Which samples of a beton are meant by some rows of its dataset's manifest, with their labels and ids."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fourlenses.core.errors import UserError
from fourlenses.core.randomness import mix, named_seed
from fourlenses.data.beton.reader import Beton


@dataclass(frozen=True)
class Selection:
    """samples: int64 (N,), numbers in the beton. rows: int64 (N,), of the manifest. labels: int64 (N,), the finest level.
    ids: uint64 (N,), of dataset and manifest row: views are drawn of them."""

    beton: Beton
    samples: np.ndarray
    rows: np.ndarray
    labels: np.ndarray
    ids: np.ndarray
    num_classes: int


def select(beton_file: Path, rows: np.ndarray, dataset: str) -> Selection:
    """The samples that hold these rows (int64 (N,)).

    Raises:
        UserError: the beton lacks one of the rows.
    """
    beton = Beton(beton_file)
    by_row = np.full(max(int(beton.index.max(initial=0)), int(rows.max(initial=0))) + 1, -1)
    by_row[beton.index] = np.arange(len(beton))
    samples = by_row[rows]
    if (samples < 0).any():
        raise UserError(
            f"{beton_file} lacks row {rows[samples < 0][0]} of its manifest; write it again (delete it, then run snakemake)"
        )
    ids = mix(named_seed(0, "dataset", dataset), rows)
    return Selection(
        beton, samples, rows, beton.label[samples], ids, int(beton.label.max(initial=-1)) + 1
    )


def join_labels(labels: list[np.ndarray], num_classes: list[int]) -> tuple[np.ndarray, int]:
    """Labels (int64) and number of classes of several datasets as one: the classes of each follow those of the one before."""
    offsets = np.cumsum([0, *num_classes])
    return np.concatenate(
        [one + offset for one, offset in zip(labels, offsets, strict=False)]
    ), int(offsets[-1])
