"""What is asked of one table again and again, computed once."""

import functools
import weakref
from collections.abc import Callable
from typing import TypeVar

import pandas as pd

Result = TypeVar("Result")


def once_per_table(
    function: Callable[[pd.DataFrame], Result],
) -> Callable[[pd.DataFrame], Result]:
    """Decorate a function of a table that nobody changes in place.

    The result for the last table is kept as long as that table is.
    """
    kept: list[tuple[weakref.ref[pd.DataFrame], Result]] = []

    @functools.wraps(function)
    def wrapped(table: pd.DataFrame) -> Result:
        if not kept or kept[0][0]() is not table:
            result = function(table)
            kept[:] = [(weakref.ref(table, lambda _: kept.clear()), result)]
        return kept[0][1]

    return wrapped
