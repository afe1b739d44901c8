"""Progress bars on standard error, which a log file gets less often than a terminal."""

import sys
from collections.abc import Iterable

from tqdm import tqdm

# Seconds between two refreshes.
ON_TERMINAL, IN_LOG = 0.2, 10.0


def progress_bar(
    description: str,
    unit: str,
    total: int | None = None,
    *,
    items: Iterable | None = None,
    initial: int = 0,
    inner: bool = False,
    shown: bool = True,
) -> tqdm:
    """Return a bar around ``items``, or one to update by hand.

    Args:
        description: Its label.
        unit: Of what is counted; with "B" (bytes), k, M and G are used.
        total: None where it is unknown.
        initial: Count at which a resumed task starts; it does not enter the speed.
        inner: Whether this is a part of a longer task: then it vanishes at its end, and no log
            file gets it.
        shown: False makes a bar that prints nothing.
    """
    terminal = sys.stderr.isatty()
    return tqdm(
        items,
        desc=description,
        total=total,
        unit=unit,
        unit_scale=unit == "B",
        initial=initial,
        leave=not inner,
        mininterval=ON_TERMINAL if terminal else IN_LOG,
        file=sys.stderr,
        disable=not shown or (inner and not terminal),
    )
