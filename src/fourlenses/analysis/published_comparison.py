"""Our numbers next to the paper's: rows of a study that answer a question the paper answers too.

A row is matched with a published one where method, source, target, level, labelled images and
protocol are the same, so only studies on the paper's four datasets, under the paper's numbers of
images, have any. `difference` is ours minus the paper's, in points; the paper's number is known to
`reading_error` points, 0 where it is printed in a table.
"""

import pandas as pd

from fourlenses.analysis import bands, published, table
from fourlenses.analysis.contrasts import Evidence
from fourlenses.study.encoders import CONCATENATION

KEYS = ["method", "source", "target", "level", "labelled_images", "protocol"]
COLUMNS = [
    *("lens", "method", "source", "pretrain_images", "target", "level", "labelled_images"),
    *("protocol", "ours", "ours_low", "ours_high", "seeds", "paper", "reading_error"),
    *("difference", "origin"),
]
# As many images as the dataset has; the column pretrain_images has their number.
ANY_SIZE = "-all"


def compare(evidence: Evidence) -> pd.DataFrame:
    """Return `COLUMNS`, a line per published number that a study's table has too.

    In the order of the table; seeds are averaged. Nothing for the published numbers themselves,
    which are a separate table (study `published`).
    """
    named = _matched(evidence.metrics)
    if named.empty:
        return pd.DataFrame(columns=COLUMNS)
    # seeds of one number are of the same lenses; of several draws of labels not all need be, and
    # the lenses of the first stand
    lens = named.groupby(KEYS, sort=False)["lens"].transform("first")
    keys = ["lens", *KEYS, "pretrain_images"]
    ours = bands.over_seeds(named.assign(lens=lens), keys, evidence)
    ours = ours.rename(columns={"top1": "ours", "top1_low": "ours_low", "top1_high": "ours_high"})
    both = ours.merge(_published(), on=KEYS, how="inner")  # keeps the order of the left side
    both["difference"] = both["ours"] - both["paper"]
    return both[COLUMNS]


def matched(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a line per published number that the rows have too.

    Its columns are `KEYS` (the source as the paper's rows name it), `pretrain_images` and `paper`,
    the published top-1, percent.
    """
    ours = _matched(rows)[[*KEYS, "pretrain_images"]].drop_duplicates()
    return ours.merge(_published()[[*KEYS, "paper"]], on=KEYS, how="inner")


def published_top1(numbers: pd.DataFrame, rows: pd.DataFrame, keys: list[str]) -> list[float]:
    """Return the published top-1 of each line of numbers, percent; nan where there is none.

    Args:
        numbers: what a figure draws.
        rows: those of the table that it draws them from.
        keys: columns of `KEYS` or `pretrain_images`, that both have.
    """
    theirs = matched(rows)
    top1 = dict(zip(_keys(theirs, keys), theirs["paper"], strict=True))
    return [float(top1.get(key, float("nan"))) for key in _keys(numbers, keys)]


def published_rows(metrics: pd.DataFrame, lens: str) -> pd.DataFrame:
    """Return the published rows of a lens on the targets of ``metrics``, for figures that match on
    fewer keys than `KEYS`; none where ``metrics`` is itself the published table."""
    ours = set(metrics["target"]) if set(metrics["study"]) != {"published"} else set()
    rows = table.rows_for(published.rows(), lens)
    return rows[rows["target"].isin(ours)].copy()


def _keys(rows: pd.DataFrame, keys: list[str]) -> list[tuple]:
    return list(zip(*(rows[key] for key in keys), strict=True))


def _matched(rows: pd.DataFrame) -> pd.DataFrame:
    """Those with a published number, with the source as the paper's rows name it."""
    rows = rows[rows["study"] != "published"]
    named = rows.assign(source=list(map(_source, rows["source"], rows["pretrain_images"])))
    known = set(_keys(_published(), KEYS))
    return named[pd.Series([key in known for key in _keys(named, KEYS)], named.index, bool)]


def _published() -> pd.DataFrame:
    rows = published.rows().drop_duplicates(KEYS)  # a number that two tables print is the same one
    return rows[[*KEYS, "top1", "reading_error", "origin"]].rename(columns={"top1": "paper"})


def _source(source: str, images: int) -> str:
    """Return the source as the paper's rows name it: a number for `all`."""
    alone = source.partition("@")[0]
    if alone.endswith(ANY_SIZE) and "+" not in source and CONCATENATION not in source:
        source = source.replace(ANY_SIZE, f"-{images}", 1)
    return source
