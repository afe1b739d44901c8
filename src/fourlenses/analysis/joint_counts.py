"""How often two cells are right on the same test images: `paired.csv`, next to `metrics.csv`.

A row is one cell of one seed at one label level. `both_right` holds a number for it with each row
before it of the same target and label size, and last with itself: the test images that both have
right, or `.` where the two were tested on different images. From these the covariance of any two
accuracies follows, and so the variance of any difference, mean or slope of them:

    cov(a, b) = both / n - right_a / n * right_b / n        per image, n test images
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from fourlenses.analysis.table import next_to
from fourlenses.core.errors import UserError
from fourlenses.core.files import atomic

NAME = "paired.csv"
CELL = ["level", "protocol", "run", "label_draw"]  # what a column of one group is known by
COLUMNS = ["target", "labelled_images", *CELL, "n_test", "both_right"]
# Before it held counts, the file had a row for each pair of cells of one seed, with Newcombe's
# interval of their difference at this quantile of the normal distribution.
FORMER = [
    *("target", "level", "labelled_images", "label_draw", "seed"),
    *("protocol_a", "run_a", "protocol_b", "run_b", "low", "high"),
]
FORMER_QUANTILE = 1.959964
REMEDY = "delete it, or write it again: snakemake paired"


class Counts(NamedTuple):
    """The cells of one target and label size: C of them.

    Attributes:
        cells: `CELL` of each.
        both: test images that two have right, int (C, C); -1 where they were tested on different
            images.
        tests: number of test images of each, int (C,).
    """

    cells: list[tuple]
    both: np.ndarray
    tests: np.ndarray


@dataclass(frozen=True)
class Group:
    """The cells of one target and label size.

    Attributes:
        places: of each cell (`CELL`) its row.
        covariance: float (C, C), per image; nan where nothing is known.
    """

    places: dict[tuple, int]
    covariance: np.ndarray

    def of(self, cells: Iterable[tuple]) -> np.ndarray | None:
        """Return the covariances of some cells, (K, K), or None where one of them is not known."""
        rows = [self.places.get(cell, -1) for cell in cells]
        if min(rows, default=-1) < 0:
            return None
        chosen = self.covariance[np.ix_(rows, rows)]
        return None if np.isnan(chosen).any() else chosen


JointCounts = dict[tuple[str, int], Group]


def read(metrics: pd.DataFrame) -> JointCounts:
    """Return what lies next to the file that the table was read from; nothing without such a file.

    Raises:
        UserError: the file is there and is not of this kind.
    """
    path = next_to(metrics, NAME)
    if path is None:
        return {}
    table = pd.read_csv(path, keep_default_na=False)
    if "both_right" not in table.columns and set(FORMER) <= set(table.columns):
        return _of_former(table, metrics)
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        raise UserError(f"{path} lacks the column {', '.join(missing)}; {REMEDY}")
    by_group = table.groupby(["target", "labelled_images"], sort=False)
    try:
        return {key: _group(rows) for key, rows in by_group}
    except (ValueError, IndexError) as error:
        raise UserError(f"{path} is damaged ({error}); {REMEDY}") from error


def _group(rows: pd.DataFrame) -> Group:
    size = len(rows)
    both, tests = np.full((size, size), np.nan), rows["n_test"].to_numpy(float)
    for position, text in enumerate(rows["both_right"]):
        counts = [np.nan if count == "." else float(count) for count in str(text).split()]
        if len(counts) != position + 1:
            line = rows.index[position] + 2
            raise ValueError(f"row {line} has {len(counts)} counts, not {position + 1}")
        both[position, : position + 1] = both[: position + 1, position] = counts
    right = both.diagonal() / tests
    covariance = both / tests[:, None] - np.outer(right, right)
    cells = zip(*(rows[name] for name in CELL), strict=True)
    return Group({cell: position for position, cell in enumerate(cells)}, covariance)


def write(groups: Mapping[tuple[str, int], Counts], output: Path) -> int:
    """Write ``output`` and return its number of rows.

    Args:
        groups: of each target and label size.
        output: paired.csv.
    """
    rows = []
    for (target, labels), (cells, both, tests) in groups.items():
        for position, cell in enumerate(cells):
            before = both[position, : position + 1].tolist()
            counts = " ".join("." if count < 0 else str(count) for count in before)
            rows.append([target, labels, *cell, int(tests[position]), counts])
    with atomic(output) as temporary:
        pd.DataFrame(rows, columns=COLUMNS).to_csv(temporary, index=False, lineterminator="\n")
    return len(rows)


def _of_former(table: pd.DataFrame, metrics: pd.DataFrame) -> JointCounts:
    """Covariances from the widths of the former file's intervals."""
    by_group = dict(list(metrics.groupby(["target", "labelled_images"])))
    return {
        (target, int(labels)): _former_group(pairs, by_group[target, labels])
        for (target, labels), pairs in table.groupby(["target", "labelled_images"], sort=False)
        if (target, labels) in by_group
    }


def _former_group(pairs: pd.DataFrame, rows: pd.DataFrame) -> Group:
    """var(a) + var(b) - var(a - b) is twice the covariance.

    Args:
        pairs: of `FORMER`, of one target and label size.
        rows: of the table, of the same.
    """
    cells = rows.set_index(CELL)[["top1", "n_test"]]
    positions = {cell: position for position, cell in enumerate(cells.index)}
    share = cells["top1"].to_numpy() / 100
    covariance = np.full((len(cells), len(cells)), np.nan)
    np.fill_diagonal(covariance, share * (1 - share))
    for pair in pairs.itertuples():
        ends = (pair.protocol_a, pair.run_a), (pair.protocol_b, pair.run_b)
        a, b = (positions.get((pair.level, *end, pair.label_draw), -1) for end in ends)
        if min(a, b) < 0:
            continue
        error = (pair.high - pair.low) / (2 * FORMER_QUANTILE) / 100
        variance = error**2 * cells["n_test"].iloc[a]
        limit = sqrt(covariance[a, a] * covariance[b, b])
        joint = (covariance[a, a] + covariance[b, b] - variance) / 2
        covariance[a, b] = covariance[b, a] = min(max(joint, -limit), limit)
    return Group(positions, covariance)
