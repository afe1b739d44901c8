"""Progress bars of long work on data: on standard error, and in a log file less often than on a terminal."""

import os
import sys
from collections.abc import Iterable

from tqdm import tqdm


def progress_bar(
    what: str,
    unit: str,
    total: int | None = None,
    items: Iterable | None = None,
    shown: bool = True,
) -> tqdm:
    """A bar around ``items``, or one to update. In bytes (unit B), prefixes are used."""
    interval = 0.2 if os.isatty(2) else 10
    scale = unit == "B"
    return tqdm(
        items,
        desc=what,
        total=total,
        unit=unit,
        unit_scale=scale,
        mininterval=interval,
        file=sys.stderr,
        disable=not shown,
    )
