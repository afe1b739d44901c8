"""The tidy table of one study (`metrics.csv`) as the figures read it: checked, filtered and averaged over seeds.

Every figure starts from the same rows, so what a row means is said here once: which columns there are, which label level
of a target is its finest, and how its levels are ordered. How several seeds become one number with a band is in `bands`.
"""

from pathlib import Path

import pandas as pd

from fourlenses.core.errors import UserError
from fourlenses.study import methods, names
from fourlenses.study.vocabulary import EVERY_LEVEL_LENSES, METHODS

TEXT_COLUMNS = (
    "study",
    "lens",
    "method",
    "backbone",
    "source",
    "corruption",
    "target",
    "level",
    "protocol",
    "run",
)
COUNT_COLUMNS = ("pretrain_images", "seed", "labelled_images", "label_draw", "n_test")
PERCENT_COLUMNS = ("top1", "top1_low", "top1_high", "top5")
# Empty where nothing is known of them, and in a table from before there were these: NaN.
OPTIONAL_COLUMNS = ("image_size", "n_classes", "chance", "level_depth", "training_steps")
UNCONVERGED = ("", "pretraining", "training", "pretraining;training")
COLUMNS = (
    *(
        "study",
        "lens",
        "method",
        "backbone",
        "source",
        "pretrain_images",
        "corruption",
        "seed",
        "target",
        "level",
    ),
    *("labelled_images", "protocol", "top1", "top1_low", "top1_high", "top5", "n_test", "run"),
)
# Two rows alike in all of these would be two answers to one question, and averaging them would hide it.
IDENTITY = (
    *("method", "backbone", "source", "pretrain_images", "corruption", "seed", "target", "level"),
    *("labelled_images", "label_draw", "protocol"),
)


def read_metrics(path: str | Path) -> pd.DataFrame:
    """The table at `path`; a ValueError that names the file, the column and the remedy when it is not such a table.

    Tables of an earlier version lack columns. Then label_draw is 0, not_converged "", each of `OPTIONAL_COLUMNS` NaN, and
    is_finest as `finest_levels` guesses; it is bool in every table.
    """
    try:
        # "none" and "NA" are names here (an encoder without pretraining), so no text may turn into a missing value.
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise UserError(
            f"{path} does not exist; run the evaluations of this study first, or correct the path"
        ) from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path} is not a table of comma-separated values ({error}); write it again from the evaluations"
        ) from None
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        raise UserError(
            f"{path} lacks the column {', '.join(missing)} (found: {', '.join(table.columns)}); write it again from the evaluations"
        )
    if (
        "label_draw" not in table.columns
    ):  # a table from before label subsets were drawn more than once
        table["label_draw"] = "0"
    for column in (*OPTIONAL_COLUMNS, "is_finest", "not_converged"):
        if column not in table.columns:
            table[column] = ""
    for column in (*COUNT_COLUMNS, *PERCENT_COLUMNS, *OPTIONAL_COLUMNS):
        table[column] = _numbers(table[column], column, path)
    for column, allowed in (("is_finest", ("true", "false", "")), ("not_converged", UNCONVERGED)):
        wrong = table.loc[~table[column].isin(allowed), column]
        if len(wrong):
            raise UserError(
                f"{path} has {wrong.iloc[0]!r} in column {column}, row {wrong.index[0] + 2}; "
                f"allowed: {', '.join(filter(None, allowed))} or empty"
            )
    table["is_finest"] = table["is_finest"].map({"true": True, "false": False, "": None})
    table["is_finest"] = table["level"] == table["target"].map(finest_levels(table))
    for column in ("top1", "top1_low", "top1_high"):
        wrong = table.loc[~table[column].between(0, 100), column]
        if len(wrong):
            raise UserError(
                f"{path} has {wrong.iloc[0]} in column {column}, row {wrong.index[0] + 2}; accuracies are percent, 0 to 100"
            )
    strange = sorted(method for method in set(table["method"]) if not methods.known(method))
    if strange:  # a figure would leave it out without a word
        raise UserError(
            f"{path} has {strange[0]!r} in column method; the figures know {', '.join(METHODS)}, so correct it"
        )
    for column in ("study", "backbone"):
        found = sorted(table[column].unique())
        if len(found) > 1:
            raise UserError(
                f"{path} mixes {', '.join(found)} in column {column}; a figure shows one {column}, so split the table"
            )
    twice = table[table.duplicated(list(IDENTITY), keep=False)]
    if len(twice):
        rows = " and ".join(str(row + 2) for row in twice.index[:2])
        raise UserError(
            f"{path} answers one question twice (rows {rows} agree in {', '.join(IDENTITY)}); keep one row of each"
        )
    table.attrs["path"] = str(path)
    return table


def _numbers(values: pd.Series, column: str, path: str | Path) -> pd.Series:
    """`values` as numbers; whole ones for counts. top5 may be empty (it is known at the finest level only), and what may lack."""
    numbers = pd.to_numeric(values, errors="coerce")
    bad = values[numbers.isna() & ((values != "") | (column not in ("top5", *OPTIONAL_COLUMNS)))]
    if len(bad):
        raise UserError(
            f"{path} has {bad.iloc[0]!r} in column {column}, row {bad.index[0] + 2}; write a number there"
        )
    return numbers.astype("int64") if column in COUNT_COLUMNS else numbers.astype("float64")


def rows_for(table: pd.DataFrame, lens: str) -> pd.DataFrame:
    """The rows that belong to `lens`, in the order of the table; a ValueError that says what there is when there are none."""
    named = table["lens"].map(lambda text: lens in _names(text))
    if not named.any():
        found = sorted({name for text in table["lens"] for name in _names(text)})
        raise UserError(
            f"{where(table)} has no row for the lens {lens} (lenses found: {', '.join(found) or 'none'}); "
            f"add {lens} to the lenses of the study and run it again"
        )
    return table[named]


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(";") if name.strip()]


def where(table: pd.DataFrame) -> str:
    """What an error calls this table: its file, where it was read from one."""
    return table.attrs.get("path", "the metrics table")


def finest_levels(table: pd.DataFrame) -> dict[str, str]:
    """The finest label level of each target: what the column is_finest says.

    In a table without it (one of an earlier version) it is guessed: coarser levels are there for the granularity lens only, so a level
    that another lens uses is the finest; should several be (or none), the one with most rows wins, then the one with the lowest
    accuracy: finer labels are harder.
    """
    finest = {}
    said = table[table["is_finest"].eq(True)] if "is_finest" in table.columns else table.iloc[:0]
    other = table[
        table["lens"].map(lambda text: any(name not in EVERY_LEVEL_LENSES for name in _names(text)))
    ]
    for target, rows in table.groupby("target", sort=False):
        known = said.loc[said["target"] == target, "level"]
        if len(known):
            finest[target] = known.iloc[0]
            continue
        candidates = other[other["target"] == target]
        candidates = candidates if len(candidates) else rows
        by_level = candidates.groupby("level", sort=False)["top1"].agg(["size", "mean"])
        finest[target] = by_level.sort_values(
            ["size", "mean"], ascending=[False, True], kind="stable"
        ).index[0]
    return finest


def levels_in_order(rows: pd.DataFrame, finest: str | None = None) -> list[str]:
    """The levels of one target, coarse to fine: what the column level_depth says.

    rows: of one target. finest: its finest level, as `finest_levels` of the whole table has it.

    In a table without that column (one of an earlier version) they are guessed: as the evaluation with most levels lists them, turned
    round where it begins with the finest, and those that it lacks at the end. A table that begins with rows of the finest level
    alone, for other lenses, would mislead plain order of appearance.
    """
    if "level_depth" in rows.columns and rows["level_depth"].notna().all():
        return list(rows.sort_values("level_depth", kind="stable")["level"].drop_duplicates())
    finest = finest or finest_levels(rows).get(rows["target"].iloc[0])
    evaluations = rows.groupby([key for key in IDENTITY if key != "level"], sort=False)["level"]
    listed = [list(levels) for _, levels in evaluations]
    # of equals one that ends with the finest level, or else the first: another lens may have put the finest row of one at the top
    fullest = max(listed, key=lambda levels: (len(levels), levels[-1] == finest))
    fullest = fullest[::-1] if fullest[0] == finest else fullest
    return names.in_order(rows["level"], fullest)


def at_finest(rows: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Of `rows`, those at the finest level of their target, as the whole `table` shows it."""
    return rows[rows["level"] == rows["target"].map(finest_levels(table))]


def at_most_labels(rows: pd.DataFrame) -> pd.DataFrame:
    """Of `rows`, those with the largest number of labelled images of their target."""
    return rows[
        rows["labelled_images"] == rows.groupby("target")["labelled_images"].transform("max")
    ]
