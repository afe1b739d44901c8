"""The published rows on the datasets of a study, where a figure matches them by less than the whole setting, say by dataset and level."""

from functools import cache

import pandas as pd

from fourlenses.analysis import published, table


@cache
def _published() -> pd.DataFrame:
    return published.rows()


def rows_beside(metrics: pd.DataFrame, lens: str) -> pd.DataFrame:
    """The published rows of a lens on the targets of `metrics`; none where `metrics` is itself the published table."""
    rows = table.rows_for(_published(), lens)
    ours = set(metrics["target"]) if set(metrics["study"]) != {"published"} else set()
    rows = rows[rows["target"].isin(ours)].copy()
    rows.attrs = dict(_published().attrs)
    return rows
