"""A check of data before any job starts, in a dry run too: that datasets are where they should be.

Only of datasets that jobs of this run index: a clone with a study's table alone has none of them.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from fourlenses.core.errors import UserError
from fourlenses.core.paths import expanded


def is_there(name: str, datasets: dict[str, dict], raw_data: Path) -> bool:
    """Return whether a dataset can be indexed: it has no path, or there is something at it.

    Args:
        name: of the dataset.
        datasets: the config's entries, completed.
        raw_data: the folder that relative paths start from.
    """
    written = datasets[name].get("path")
    return written is None or (raw_data / expanded(written, f"datasets.{name}.path")).exists()


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
        written = datasets.get(name, {}).get("path")
        if written is None:
            continue
        path = raw_data / expanded(written, f"datasets.{name}.path")
        if path.exists():
            continue
        raise UserError(
            f"config key 'datasets.{name}.path' is {written!r}, but there is no "
            f"{os.path.abspath(path)}; correct it or raw_data ({raw_data})"
        )
