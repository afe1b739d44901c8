"""Checks of data before any job starts, in a dry run too: where a dataset is, how many images.

Only of datasets that jobs of this run read: a clone with a study's table alone has none of them.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from fourlenses.core.errors import UserError
from fourlenses.study.layout import manifest


def check_paths(names: Iterable[str], datasets: dict[str, dict], raw_data: Path) -> None:
    """Raise an error for the first dataset to be indexed whose path is not there.

    Args:
        names: of the datasets to be indexed.
        datasets: the config's entries, completed. Those to be downloaded are left out by the
            caller.
        raw_data: the folder that relative paths start from.

    Raises:
        UserError: names the key, the path and the remedy.
    """
    for name in sorted(set(names)):
        path = datasets.get(name, {}).get("path")
        if path is None or (raw_data / path).exists():
            continue
        raise UserError(
            f"config key 'datasets.{name}.path' is {path!r}, but there is no "
            f"{os.path.abspath(raw_data / path)}; correct it or raw_data ({raw_data})"
        )


def check_sizes(wanted: Iterable[tuple[str, str]]) -> None:
    """Raise an error for the first number of images that an indexed dataset does not have.

    Args:
        wanted: dataset and number of each subset to be drawn, the number as a name has it
            (`500`, `all`).

    Raises:
        UserError: names both numbers.
    """
    largest: dict[str, int] = {}
    for name, size in wanted:
        if size.isdigit() and Path(manifest(name)).exists():
            largest[name] = max(int(size), largest.get(name, 0))
    for name, size in sorted(largest.items()):
        there = _train_images(Path(manifest(name)))
        if size > there:
            raise UserError(
                f"the study takes {size:,} images of {name}, which has {there:,} training images; "
                "lower pretrain_images or labelled_images, or say all"
            )


def _train_images(file: Path) -> int:
    from pyarrow import compute, parquet  # 0.2 s, which most runs do not need

    split = parquet.read_table(file, columns=["split"])["split"]
    return int(compute.sum(compute.equal(split.cast("string"), "train")).as_py() or 0)
