"""Tables as the page shows them."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_NUMBER = re.compile(
    r"[+\-−±]?\d[\d,]*(\.\d+)?(e[+-]?\d+)?( ?(%|s|min|h|[kMGT]B|points))?", re.IGNORECASE
)
_LONG = re.compile(r"-?\d+\.\d{5,}(e[+-]?\d+)?", re.IGNORECASE)
NOTHING = ("", "–", "nan")


@dataclass
class Table:
    """A table.

    Attributes:
        columns: their names.
        rows: as many cells each.
        numeric: of each column, whether it is set to the right.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: Sequence[bool]

    @classmethod
    def of(cls, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> "Table":
        """Return a table; rows that are too short are filled up, too long ones are cut off."""
        whole = [[*row, *[""] * len(columns)][: len(columns)] for row in rows]
        numeric = [_is_numeric([row[place] for row in whole]) for place in range(len(columns))]
        return cls(columns, whole, numeric)


def read_table(path: Path) -> Table | None:
    """Return the CSV table in a file, or None where there is no such file or nothing in it.

    Numbers of more than four decimals are shortened.
    """
    if not path.is_file():
        return None
    # csv stops at a NUL, which no table of ours has
    text = path.read_text(encoding="utf-8-sig", errors="replace").replace("\0", "")
    lines = list(csv.reader(io.StringIO(text, newline="")))
    if not lines:
        return None
    return Table.of(lines[0], [[_short(cell) for cell in line] for line in lines[1:] if line])


def _is_numeric(cells: Sequence[str]) -> bool:
    filled = [cell.strip("*") for cell in cells if cell not in NOTHING]
    return bool(filled) and all(_NUMBER.fullmatch(cell) for cell in filled)


def _short(cell: str) -> str:
    return f"{float(cell):.4g}" if _LONG.fullmatch(cell) else cell
