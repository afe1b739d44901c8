"""The contract of a manifest that users make: a Parquet file with a row per image.

    path             text    of the image, from the folder or archive that the key `path` names
    split            text    train or test
    level:<name>     text    the label at that level; at least one such column, coarse to fine, the
                             last is the class
    id               text    optional, unique; `path` where there is none
    width, height    whole numbers, optional: px, or 0 where unknown; 0 where there are none

Rows may stand in any order.
"""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from fourlenses.core.errors import UserError, did_you_mean, printable
from fourlenses.core.files import atomic
from fourlenses.data.manifest.manifest import ONE_THREAD, PREFIX

NEEDED, OPTIONAL = ("path", "split"), ("id", "width", "height")
SPLITS = ("train", "test")


def write_rows(rows: Iterable[dict], file: Path) -> int:
    """Check rows (column to value) and write them as such a file.

    Returns:
        The number of rows.

    Raises:
        UserError: There are none, or they break the contract; the message names the row, counted
            from 0.
    """
    table = pd.DataFrame.from_records(list(rows))
    if table.empty:
        raise UserError(f"{file}: no rows were made; is the folder of images the right one?")
    check_rows(table, str(file))
    with atomic(file) as temporary:
        table.to_parquet(temporary, index=False)
    return len(table)


def read_rows(file: Path, key: str) -> pd.DataFrame:
    """Read and check such a file.

    Args:
        file: The Parquet file.
        key: Config key that the errors name.

    Returns:
        A table with ``id`` and all columns of the file.

    Raises:
        UserError: It is absent, no Parquet, or breaks the contract; the message names column and
            row (counted from 0).
    """
    if not file.is_file():
        raise UserError(
            f"config key '{key}': there is no file {file}; a rule of rules/datasets makes it, or "
            "you put it there"
        )
    try:
        table = pd.read_parquet(file, **ONE_THREAD)
    # pandas raises anything on damaged descriptions of its own: KeyError, UnicodeDecodeError, …
    except Exception as error:
        raise UserError(
            f"config key '{key}': {file} cannot be read as Parquet ({type(error).__name__}: "
            f"{error}); write it again"
        ) from error
    table = table.reset_index(drop=True).apply(
        lambda column: column.astype(object) if column.dtype == "category" else column
    )
    check_rows(table, str(file))
    if "id" not in table:
        table["id"] = table["path"]
    return table


def check_rows(table: pd.DataFrame, where: str) -> None:
    """Check a table against the contract.

    Raises:
        UserError: It breaks the contract; the message begins with ``where``.
    """
    levels = [column for column in table if str(column).startswith(PREFIX)]
    _check_columns(table, levels, where)
    for column in [column for column in ("id", *NEEDED, *levels) if column in table]:
        _check_text(table[column], where)
    for column in [column for column in ("width", "height") if column in table]:
        _check_number(table[column], where)
    other = ~table["split"].isin(SPLITS)
    _first(table["split"], other, where, remedy=f"allowed: {' or '.join(SPLITS)}")
    missing = [split for split in SPLITS if not (table["split"] == split).any()]
    if missing:
        raise UserError(
            f"{where}: column 'split' has no row of {missing[0]}; a dataset needs both, train and "
            "test"
        )
    for column in ("id", "path"):
        if column in table:
            remedy = "an earlier row has it too; each image is one row"
            _first(table[column], table[column].duplicated(), where, remedy=remedy)
    remedy = "a path starts from the dataset's folder, without '/' before it or '..' in it"
    _first(table["path"], table["path"].map(_leads_out), where, remedy=remedy)
    _check_tree(table, levels, where)


def _check_columns(table: pd.DataFrame, levels: list[str], where: str) -> None:
    allowed = [*NEEDED, f"{PREFIX}<name>", *OPTIONAL]
    for column in NEEDED:
        if column not in table:
            raise UserError(
                f"{where} has no column '{column}'; it has: "
                f"{', '.join(map(str, table.columns)) or 'none'}"
            )
    if not levels:
        others = (column for column in table if column not in (*NEEDED, *OPTIONAL))
        near = next((f" (is '{name}' meant to be '{PREFIX}{name}'?)" for name in others), "")
        raise UserError(
            f"{where} has no label column, such as '{PREFIX}class'{near}; it has: "
            f"{', '.join(map(str, table.columns))}"
        )
    for column in table:
        if column not in (*NEEDED, *OPTIONAL, *levels):
            raise UserError(
                f"{where}: unknown column '{column}'{did_you_mean(column, allowed)}; allowed: "
                f"{', '.join(allowed)}"
            )


def _check_text(column: pd.Series, where: str) -> None:
    empty = "it is empty; fill it in, or leave the row out"
    other = ~column.map(lambda value: isinstance(value, str))
    _first(column, column.isna(), where, remedy=empty)
    _first(column, other, where, remedy="it has to be text; write str(…) of it")
    _first(column, column == "", where, remedy=empty)


def _check_number(column: pd.Series, where: str) -> None:
    _first(
        column,
        ~column.map(_is_size),
        where,
        remedy="it has to be a whole number of px, 0 where unknown",
    )


def _is_size(value: object) -> bool:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return whole and int(value) >= 0  # type: ignore[call-overload]  # it is a whole number


def _check_tree(table: pd.DataFrame, levels: list[str], where: str) -> None:
    """Check that every class has a single ancestor at every level."""
    for level in levels[:-1]:
        first = table.groupby(levels[-1], sort=False)[level].transform("first")
        differs = table[level] != first
        if differs.any():
            row = int(np.argmax(differs))
            label = printable(table[levels[-1]][row])
            other = printable(first[row])
            remedy = f"other rows of class '{label}' have '{other}'; a class has one"
            _first(table[level], differs, where, remedy=remedy)


def _first(column: pd.Series, wrong: pd.Series, where: str, *, remedy: str) -> None:
    """Raise for the first row that is wrong."""
    if wrong.any():
        row = int(np.argmax(wrong))
        shown = _shown(column[row])
        more = f" ({int(wrong.sum())} such rows)" if wrong.sum() > 1 else ""
        raise UserError(f"{where}: column '{column.name}', row {row} is {shown}{more}: {remedy}")


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f"'{printable(value)}'"
    return "nothing" if pd.isna(value) else str(value)


def _leads_out(path: str) -> bool:
    return PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts
