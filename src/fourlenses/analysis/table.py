"""The tidy table of one study (`metrics.csv`) as the figures read it: checked, filtered and averaged over seeds.

Every figure starts from the same rows, so what a row means is said here once: which columns there are, which label level
of a target is its finest, and how its levels are ordered. How several seeds become one number with a band is in `bands`.
"""

from pathlib import Path

import pandas as pd

from fourlenses.analysis.csv_tables import read_csv_table
from fourlenses.analysis.former_tables import one_spelling, with_levels
from fourlenses.core.errors import UserError
from fourlenses.study import methods
from fourlenses.study.vocabulary import METHODS

COUNT_COLUMNS = ("pretrain_images", "seed", "labelled_images", "label_draw", "n_test")
PERCENT_COLUMNS = ("top1", "top1_low", "top1_high", "top5")
# Empty where nothing is known of them, and in a table from before there were these: NaN.
OPTIONAL_COLUMNS = ("image_size", "n_classes", "chance", "level_depth", "training_steps")
# Columns that tables of an earlier version lack, and what stands for them.
LATER_COLUMNS = dict.fromkeys((*OPTIONAL_COLUMNS, "is_finest", "not_converged"), "")
UNCONVERGED = ("", "pretraining", "training", "pretraining;training")
COLUMNS = (
    *("study", "lens", "method", "backbone", "source", "pretrain_images", "corruption", "seed"),
    *("target", "level", "labelled_images", "protocol", "top1", "top1_low", "top1_high", "top5"),
    *("n_test", "run"),
)
# Of the rows: target by target, and within one evaluation the levels from coarse to fine.
ORDER = [
    *("target", "method", "protocol", "pretrain_images", "source", "seed", "labelled_images"),
    *("label_draw", "corruption", "level_depth", "level"),
]
# Two rows alike in all of these would be two answers to one question, and averaging them would hide it.
IDENTITY = (
    *("method", "backbone", "source", "pretrain_images", "corruption", "seed", "target", "level"),
    *("labelled_images", "label_draw", "protocol"),
)


def read_metrics(path: str | Path) -> pd.DataFrame:
    """Return the table at ``path``, its rows in one order (`ORDER`), however the file has them.

    Tables of an earlier version lack columns (`former_tables`). Then label_draw is 0, not_converged
    "", each of `OPTIONAL_COLUMNS` but level_depth nan, and is_finest and level_depth are guessed.

    Raises:
        UserError: it is no such table; names the file, the column and the remedy.
    """
    # "none" and "NA" are names here (an encoder without pretraining), so every cell is read as text
    table = read_csv_table(
        path,
        COLUMNS,
        make="run the evaluations of this study first",
        again="write it again from the evaluations",
        dtype=str,
    )
    for column, value in {"label_draw": "0", **LATER_COLUMNS}.items():
        if column not in table.columns:
            table[column] = value
    for column in (*COUNT_COLUMNS, *PERCENT_COLUMNS, *OPTIONAL_COLUMNS):
        table[column] = _numbers(table[column], column, path)
    _check_words(table, path)
    table["source"] = table["source"].map(one_spelling)
    table["is_finest"] = table["is_finest"].map({"true": True, "false": False, "": None})
    table = with_levels(table)
    _check_values(table, path)
    table = table.sort_values(ORDER, kind="stable", ignore_index=True)
    table.attrs["path"] = str(path)
    return table


def _check_words(table: pd.DataFrame, path: str | Path) -> None:
    for column, allowed in (("is_finest", ("true", "false", "")), ("not_converged", UNCONVERGED)):
        wrong = table.loc[~table[column].isin(allowed), column]
        if len(wrong):
            raise UserError(
                f"{path} has {wrong.iloc[0]!r} in column {column}, row {wrong.index[0] + 2}; "
                f"allowed: {', '.join(filter(None, allowed))} or empty"
            )


def _check_values(table: pd.DataFrame, path: str | Path) -> None:
    for column in ("top1", "top1_low", "top1_high"):
        wrong = table.loc[~table[column].between(0, 100), column]
        if len(wrong):
            raise UserError(
                f"{path} has {wrong.iloc[0]} in column {column}, row {wrong.index[0] + 2}; "
                "accuracies are percent, 0 to 100"
            )
    unknown = sorted(method for method in set(table["method"]) if not methods.known(method))
    if unknown:  # a figure would leave it out without a word
        raise UserError(
            f"{path} has {unknown[0]!r} in column method; the figures know "
            f"{', '.join(METHODS)}, so correct it"
        )
    for column in ("study", "backbone"):
        values = sorted(table[column].unique())
        if len(values) > 1:
            raise UserError(
                f"{path} mixes {', '.join(values)} in column {column}; "
                f"a figure shows one {column}, so split the table"
            )
    twice = table[table.duplicated(list(IDENTITY), keep=False)]
    if len(twice):
        rows = " and ".join(str(row + 2) for row in twice.index[:2])
        raise UserError(
            f"{path} answers one question twice (rows {rows} agree in {', '.join(IDENTITY)}); "
            "keep one row of each"
        )


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


def levels_in_order(rows: pd.DataFrame) -> list[str]:
    """Return the levels of one target's rows, coarse to fine."""
    return list(rows.sort_values("level_depth", kind="stable")["level"].drop_duplicates())


def at_finest(rows: pd.DataFrame) -> pd.DataFrame:
    """Return those of the rows that are at the finest level of their target."""
    return rows[rows["is_finest"]]


def at_most_labels(rows: pd.DataFrame) -> pd.DataFrame:
    """Of `rows`, those with the largest number of labelled images of their target."""
    return rows[
        rows["labelled_images"] == rows.groupby("target")["labelled_images"].transform("max")
    ]
