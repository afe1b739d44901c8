"""How often two cells are right on the same test images: `paired.csv`, which lies beside `metrics.csv`.

A row is one cell of one seed at one label level. `both_right` holds a number for it with each row before it of the same target and
label size, and last with itself: the test images that both have right, or `.` where the two were tested on different images. From these
the covariance of any two accuracies follows, and so the variance of any difference, mean or slope of them:

    cov(a, b) = both / n - right_a / n * right_b / n        per image, n test images
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import numpy as np
import pandas as pd

from fourlenses.core.errors import UserError
from fourlenses.core.files import atomic

NAME = "paired.csv"
CELL = ["level", "protocol", "run", "label_draw"]  # what a column of one group is known by
COLUMNS = ["target", "labelled_images", *CELL, "n_test", "both_right"]
# One row for each pair of cells of one seed, with Newcombe's interval: how the file was before it held counts.
FORMER = [
    "target",
    "level",
    "labelled_images",
    "label_draw",
    "seed",
    "protocol_a",
    "run_a",
    "protocol_b",
    "run_b",
    "low",
    "high",
]
Z = 1.959964


@dataclass(frozen=True)
class Group:
    """The cells of one target and label size. places: of each cell (`CELL`) its row; covariance: float (C, C), per image, nan where
    nothing is known."""

    places: dict[tuple, int]
    covariance: np.ndarray

    def of(self, cells: Iterable[tuple]) -> np.ndarray | None:
        """The covariances of some cells, (K, K), or None where one of them is not known."""
        rows = [self.places.get(cell, -1) for cell in cells]
        if min(rows, default=-1) < 0:
            return None
        chosen = self.covariance[np.ix_(rows, rows)]
        return None if np.isnan(chosen).any() else chosen


JointCounts = dict[tuple[str, int], Group]


def read(metrics: pd.DataFrame) -> JointCounts:
    """What lies beside the file that the table was read from; nothing where there is no such file.

    Raises:
        UserError: the file is there and is not of this kind.
    """
    if "path" not in metrics.attrs:
        return {}
    path = Path(metrics.attrs["path"]).parent / NAME
    if not path.exists():
        return {}
    table = pd.read_csv(path, keep_default_na=False)
    if "both_right" not in table.columns and set(FORMER) <= set(table.columns):
        return _of_former(table, metrics)
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        raise UserError(
            f"{path} lacks the column {', '.join(missing)}; delete it, or write it again: snakemake paired"
        )
    try:
        return {
            key: _group(rows)
            for key, rows in table.groupby(["target", "labelled_images"], sort=False)
        }
    except (ValueError, IndexError) as error:
        raise UserError(
            f"{path} is damaged ({error}); delete it, or write it again: snakemake paired"
        ) from error


def _group(rows: pd.DataFrame) -> Group:
    size = len(rows)
    both, tests = np.full((size, size), np.nan), rows["n_test"].to_numpy(float)
    for place, text in enumerate(rows["both_right"]):
        counts = [np.nan if one == "." else float(one) for one in str(text).split()]
        if len(counts) != place + 1:
            raise ValueError(
                f"row {rows.index[place] + 2} has {len(counts)} counts, not {place + 1}"
            )
        both[place, : place + 1] = both[: place + 1, place] = counts
    right = both.diagonal() / tests
    covariance = both / tests[:, None] - np.outer(right, right)
    return Group({cell: place for place, cell in enumerate(_cells(rows))}, covariance)


def _cells(rows: pd.DataFrame) -> list[tuple]:
    return list(zip(*(rows[name] for name in CELL), strict=True))


def write(
    groups: dict[tuple[str, int], tuple[list[tuple], np.ndarray, np.ndarray]], output: Path
) -> int:
    """Write ``output`` and return its number of rows.

    groups: of each target and label size the cells (`CELL`), what both of two have right, int (C, C), -1 where they were tested on
    different images, and the number of test images of each, int (C,).
    """
    rows = []
    for (target, labelled), (cells, both, tests) in groups.items():
        for place, cell in enumerate(cells):
            counts = " ".join(
                "." if one < 0 else str(one) for one in both[place, : place + 1].tolist()
            )
            rows.append([target, labelled, *cell, int(tests[place]), counts])
    with atomic(output) as temporary:
        pd.DataFrame(rows, columns=COLUMNS).to_csv(temporary, index=False, lineterminator="\n")
    return len(rows)


def _of_former(table: pd.DataFrame, metrics: pd.DataFrame) -> JointCounts:
    """Covariances from the widths of the former file's intervals: var(a) + var(b) - var(a - b) is twice the covariance."""
    seen = dict(list(metrics.groupby(["target", "labelled_images"])))
    groups: JointCounts = {}
    for (target, labelled), pairs in table.groupby(["target", "labelled_images"], sort=False):
        if (target, labelled) not in seen:
            continue
        here = seen[target, labelled].set_index(CELL)[["top1", "n_test"]]
        places = {cell: place for place, cell in enumerate(here.index)}
        share = here["top1"].to_numpy() / 100
        covariance = np.full((len(here), len(here)), np.nan)
        np.fill_diagonal(covariance, share * (1 - share))
        for one in pairs.itertuples():
            ends = [
                (one.level, protocol, run, one.label_draw)
                for protocol, run in ((one.protocol_a, one.run_a), (one.protocol_b, one.run_b))
            ]
            a, b = (places.get(end, -1) for end in ends)
            if min(a, b) < 0:
                continue
            error = (one.high - one.low) / (2 * Z) / 100
            variance = error**2 * here["n_test"].iloc[a]
            limit = sqrt(covariance[a, a] * covariance[b, b])
            joint = (covariance[a, a] + covariance[b, b] - variance) / 2
            covariance[a, b] = covariance[b, a] = min(max(joint, -limit), limit)
        groups[target, int(labelled)] = Group(places, covariance)
    return groups
