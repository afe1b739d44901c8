"""Which rows of a study's table the findings compare."""

from collections.abc import Iterator

import pandas as pd

from fourlenses.lenses import methods, names, table

ONE = ["method", "source", "pretrain_images", "corruption", "target", "level", "labelled_images", "protocol"]  # one encoder's cell


def comparable(metrics: pd.DataFrame) -> pd.DataFrame:
    """Rows at the finest level, of encoders that are not side by side, with whether they are contrastive, and in_domain."""
    rows = table.at_finest(metrics, metrics)
    return described(rows)


def described(rows: pd.DataFrame) -> pd.DataFrame:
    """With the columns contrastive and in_domain (all that was pretrained on is of the target's own dataset), less fused encoders.

    Of encoders on equally many images of the same datasets (`birds-all` and `birds-3000`, where it has 3,000) the first one.
    """
    rows = rows[~rows["source"].map(names.is_fused).astype(bool)]
    alike = rows[[key for key in table.IDENTITY if key != "source"]].assign(
        of=rows["source"].map(lambda source: sorted(names.datasets(source)))
    )
    rows = rows[~alike.astype({"of": str}).duplicated()]
    own = [names.is_in_domain(source, target) for source, target in zip(rows["source"], rows["target"], strict=True)]
    return rows.assign(contrastive=rows["method"].map(methods.is_contrastive).astype(bool), in_domain=pd.Series(own, rows.index, bool))


def linear_contrastive(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["contrastive"] & (rows["protocol"] == "linear")]


def clean(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["corruption"] == "none"]


def most_labels(rows: pd.DataFrame) -> pd.DataFrame:
    """Per target, the rows with most labelled images."""
    return rows[rows["labelled_images"] == rows.groupby("target")["labelled_images"].transform("max")]


def groups(rows: pd.DataFrame, keys: list[str]) -> Iterator[tuple[tuple, pd.DataFrame]]:
    """Rows by their values of `keys`, in order of first appearance."""
    yield from rows.groupby(keys, sort=False)


def scratch(rows: pd.DataFrame) -> pd.DataFrame:
    """Supervised end to end from random weights on clean images of the target itself."""
    return clean(rows[(rows["method"].map(lambda name: name.split("_")[0]) == "supervised") & (rows["protocol"] == "scratch")])
