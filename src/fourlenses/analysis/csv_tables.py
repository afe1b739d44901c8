"""Reading a CSV table that a user may have edited: what is wrong is one sentence with the remedy."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from fourlenses.core.errors import UserError


def read_csv_table(
    path: str | Path, columns: Sequence[str], *, make: str, again: str, dtype: type | None = None
) -> pd.DataFrame:
    """Return the table at ``path``; "none" and "NA" are names in it, no missing values.

    Args:
        path: the file.
        columns: those that it must have; it may have more.
        make: what makes the file where there is none, e.g. "run snakemake figures".
        again: what mends a damaged file, e.g. "write it again from the evaluations".
        dtype: of all columns; guessed for each without it.

    Raises:
        UserError: the file does not exist, is no such table, or lacks a column.
    """
    try:
        table = pd.read_csv(path, dtype=dtype, keep_default_na=False)
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; {make}, or correct the path") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path} is not a table of comma-separated values ({error}); {again}"
        ) from None
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise UserError(
            f"{path} lacks the column {', '.join(missing)} "
            f"(found: {', '.join(table.columns)}); {again}"
        )
    return table
