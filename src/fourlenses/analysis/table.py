"""The tidy table of a study (`metrics.csv`) as figures and findings read it: checked and filtered.

Its columns are in `study.columns`; how seeds become one number with a band is in `bands`.
"""

import functools
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pandas as pd

from fourlenses.analysis.csv_tables import read_csv_table
from fourlenses.analysis.former_tables import lenses_in, one_spelling, with_levels
from fourlenses.core.errors import UserError
from fourlenses.study import methods, names
from fourlenses.study.columns import COLUMNS, DEFAULTS, NUMBERS, REQUIRED
from fourlenses.study.encoders import split_start
from fourlenses.study.vocabulary import METHODS

UNCONVERGED = ("", "pretraining", "training", "pretraining;training")
# Of the rows: target by target, and within one evaluation the levels from coarse to fine.
ORDER = [
    *("target", "method", "protocol", "pretrain_images", "source", "seed", "labelled_images"),
    *("label_draw", "corruption", "level_depth", "level"),
]
# Two rows alike in all of these are two answers to one question, which averaging would hide.
IDENTITY = (
    *("method", "backbone", "source", "pretrain_images", "corruption", "seed", "target", "level"),
    *("labelled_images", "label_draw", "protocol"),
)


def read_metrics(path: str | Path) -> pd.DataFrame:
    """Return the table at ``path``, its rows in one order (`ORDER`), however the file has them.

    Tables of an earlier version lack columns (`study.columns`). Then label_draw is 0, not_converged
    "", numbers are nan, and is_finest and level_depth are guessed (`former_tables`).

    Raises:
        UserError: it is no such table; names the file, the column and the remedy.
    """
    # "none" and "NA" are names here (an encoder without pretraining), so every cell is read as text
    table = read_csv_table(
        path,
        REQUIRED,
        make="run the evaluations of this study first",
        again="write it again from the evaluations",
        dtype=object,
    )
    for column, value in DEFAULTS.items():
        if column not in table.columns:
            table[column] = value
    for column in NUMBERS:
        table[column] = _numbers(table[column], column, path)
    _check_words(table, path)
    table["source"] = of_names(table["source"], one_spelling)
    table["is_finest"] = table["is_finest"].map({"true": True, "false": False, "": None})
    table = with_levels(table)
    _check_values(table, path)
    table = _in_few_blocks(table).sort_values(ORDER, kind="stable", ignore_index=True)
    table.attrs["path"] = str(path)
    return table


def of_names(column: pd.Series, function: Callable[[str], object]) -> pd.Series:
    """Return what a function makes of each value of a column, called once for each distinct one."""
    return column.map({name: function(name) for name in column.unique()})


def _in_few_blocks(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with its columns of one kind in one array.

    Each column of pandas' own strings is an array by itself, and each of the many small selections
    of findings and figures would take from each of them.
    """
    words = table.select_dtypes("str").columns
    return table.astype(dict.fromkeys(words, object)).copy()


def next_to(table: pd.DataFrame, name: str) -> Path | None:
    """Return the file of that name in the folder that the table was read from; None without one."""
    if "path" not in table.attrs:
        return None
    file = Path(table.attrs["path"]).with_name(name)
    return file if file.exists() else None


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
    for column, rows in (("study", table), ("backbone", own_encoders(table))):
        values = sorted(rows[column].unique())
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


def own_encoders(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of encoders of the study's backbone; all rows where there are none.

    External encoders, and those that were continued from one, may have another backbone.
    """
    encoders = list(zip(table["method"], table["source"], strict=True))
    of_others = {
        (method, source): names.is_external(method, source) or bool(split_start(source)[1])
        for method, source in set(encoders)
    }
    external = [of_others[encoder] for encoder in encoders]
    return table if all(external) else table[~pd.Series(external, table.index, dtype=bool)]


def _numbers(values: pd.Series, column: str, path: str | Path) -> pd.Series:
    """The values as numbers: int64 for counts that may not be empty, else float64."""
    numbers = pd.to_numeric(values, errors="coerce")
    bad = values[numbers.isna() & ((values != "") | (not COLUMNS[column].may_be_empty))]
    if len(bad):
        raise UserError(
            f"{path} has {bad.iloc[0]!r} in column {column}, row {bad.index[0] + 2}; "
            "write a number there"
        )
    whole = COLUMNS[column].kind == "count" and not COLUMNS[column].may_be_empty
    return numbers.astype("int64" if whole else "float64")


def rows_for(table: pd.DataFrame, lens: str) -> pd.DataFrame:
    """Return the rows of a lens, in the order of the table.

    Raises:
        UserError: there are none; names the lenses that there are.
    """
    of_lens = of_names(table["lens"], lambda text: lens in lenses_in(text))
    if not of_lens.any():
        lenses = sorted(set().union(*table["lens"].map(lenses_in)))
        raise UserError(
            f"{where(table)} has no row for the lens {lens} "
            f"(lenses found: {', '.join(lenses) or 'none'}); "
            f"add {lens} to the lenses of the study and run it again"
        )
    return table[of_lens]


def where(table: pd.DataFrame) -> str:
    """Return what an error calls this table: the file that it was read from, if any."""
    return table.attrs.get("path", "the metrics table")


def levels_in_order(rows: pd.DataFrame) -> list[str]:
    """Return the levels of one target's rows, coarse to fine."""
    return list(rows.sort_values("level_depth", kind="stable")["level"].drop_duplicates())


def at_finest(rows: pd.DataFrame) -> pd.DataFrame:
    """Return those of the rows that are at the finest level of their target."""
    return rows[rows["is_finest"]]


def at_most_labels(rows: pd.DataFrame) -> pd.DataFrame:
    """Return those of the rows with the largest number of labelled images of their target."""
    most = rows.groupby("target")["labelled_images"].transform("max")
    return rows[rows["labelled_images"] == most]


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
