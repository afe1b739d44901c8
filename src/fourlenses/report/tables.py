"""Tables as the page shows them."""

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

_NUMBER = re.compile(
    r"[+\-−±]?\d[\d,]*(\.\d+)?(e[+-]?\d+)?( ?(%|s|min|h|[kMGT]B|points))?", re.IGNORECASE
)
_LONG = re.compile(r"-?\d+\.\d{5,}(e[+-]?\d+)?", re.IGNORECASE)
NOTHING = ("", "–", "nan")


@dataclass
class Table:
    """columns: their names. rows: as many cells each. numeric: of each column, whether it is set to the right."""

    columns: list[str]
    rows: list[list[str]]
    numeric: list[bool]

    @classmethod
    def of(cls, columns: list[str], rows: list[list[str]]) -> "Table":
        """Rows that are too short are filled up; what is beyond the last column is dropped."""
        rows = [[*row, *[""] * len(columns)][: len(columns)] for row in rows]
        return cls(
            columns,
            rows,
            [_is_numeric([row[place] for row in rows]) for place in range(len(columns))],
        )


def read_table(path: Path) -> Table | None:
    """The CSV at ``path``, or None where there is no such file or nothing in it. Numbers of more than four decimals are shortened."""
    if not path.is_file():
        return None
    # csv stops at a NUL, which no table of ours has
    lines = list(
        csv.reader(
            io.StringIO(
                path.read_text(encoding="utf-8-sig", errors="replace").replace("\0", ""), newline=""
            )
        )
    )
    if not lines:
        return None
    return Table.of(lines[0], [[_short(cell) for cell in line] for line in lines[1:] if line])


def _is_numeric(cells: list[str]) -> bool:
    said = [cell.strip("*") for cell in cells if cell not in NOTHING]
    return bool(said) and all(_NUMBER.fullmatch(cell) for cell in said)


def _short(cell: str) -> str:
    return f"{float(cell):.4g}" if _LONG.fullmatch(cell) else cell
