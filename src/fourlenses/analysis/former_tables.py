"""Tables written by an earlier version, brought to the columns and spellings of today.

A table of today says everything itself and passes through unchanged.
"""

import pandas as pd

from fourlenses.study.encoders import CONCATENATION
from fourlenses.study.vocabulary import EVERY_LEVEL_LENSES

FORMER_CONCATENATION = " | "  # was between the sources of concatenated encoders, in `source` alone
# What the levels of one evaluation agree in.
EVALUATION = [
    *("method", "source", "pretrain_images", "corruption", "seed", "labelled_images"),
    *("label_draw", "protocol"),
]


def one_spelling(source: str) -> str:
    """Return a source as `run` spells it: `a-100 | b-50` -> `a-100~b-50`."""
    return source.replace(FORMER_CONCATENATION, CONCATENATION)


def with_levels(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with `level_depth` (0: the coarsest) and `is_finest` (bool) in every row.

    What the table says stands. Where it says nothing of a target's levels, both are guessed:

    - Coarser levels are there for the lens granularity alone, so a level that another lens uses is
      the finest. Of several (or none) the one with most rows is, then the one of lowest accuracy.
    - A prediction that is right at one level is right at all coarser ones, so the others are
      ordered from the highest mean accuracy down, over the evaluations that have all of them.

    Args:
        table: `is_finest` with True, False or None, `level_depth` with numbers or nan.
    """
    table = table.copy()
    for _, rows in table.groupby("target", sort=False):
        levels = rows["level"]
        depths = _depths_said(rows) or _depths_guessed(rows)
        finest = set(levels[rows["is_finest"].eq(True)]) or {max(depths, key=depths.__getitem__)}
        table.loc[rows.index, "level_depth"] = levels.map(depths).astype(float)
        table.loc[rows.index, "is_finest"] = levels.isin(finest)
    return table.astype({"is_finest": bool, "level_depth": float})


def _depths_said(rows: pd.DataFrame) -> dict[str, float]:
    """Of each level the depth that the table says; nothing where it is silent on a level."""
    depths = rows.groupby("level", sort=False)["level_depth"].max()
    return {} if depths.isna().any() else depths.to_dict()


def _depths_guessed(rows: pd.DataFrame) -> dict[str, float]:
    """Of each level of one target a depth, from accuracies and the lenses that use it."""
    finest = _finest_guessed(rows)
    coarser = rows[rows["level"] != finest]
    top1 = coarser.pivot_table(index=EVALUATION, columns="level", values="top1")
    whole = top1.dropna()
    means = (whole if len(whole) else top1).mean()
    order = [*means.sort_values(ascending=False, kind="stable").index, finest]
    return {level: float(depth) for depth, level in enumerate(order)}


def _finest_guessed(rows: pd.DataFrame) -> str:
    declared = rows.loc[rows["is_finest"].eq(True), "level"]
    if len(declared):
        return declared.iloc[0]
    others = rows[rows["lens"].map(lambda text: bool(lenses_in(text) - {*EVERY_LEVEL_LENSES}))]
    levels = (others if len(others) else rows).groupby("level")["top1"].agg(["size", "mean"])
    return levels.sort_values(["size", "mean"], ascending=[False, True], kind="stable").index[0]


def lenses_in(text: str) -> set[str]:
    """Return the names in a cell of the column `lens`."""
    return {name.strip() for name in text.split(";") if name.strip()}
