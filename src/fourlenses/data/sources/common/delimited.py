"""Tables in text files, whatever program and system they come from.

Excel saves `;` where a comma is the decimal sign, tabs in UTF-16 as "Unicode text", a first line
`sep=;`, a mark at the start of UTF-8, and rows of nothing but separators at the end.
"""

import csv
import io
import re

from fourlenses.core.errors import UserError, did_you_mean, printable

Rows = list[tuple[int, list[str]]]
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
_SEPARATORS = (",", ";", "\t", "|")


def read_rows(
    file: str, content: bytes, *, separator: str | None, column: str | None
) -> tuple[list[str], Rows, str]:
    """Return the header, the line number and the cells of every row, and the separator.

    Spaces around cells are dropped. Bytes that are not UTF-8 stay, as in names of files.

    Args:
        file: For errors.
        content: Of the file.
        separator: Between cells; None: that of the first line ``sep=…``, or else the one that gives
            the header a wanted column, or else the one that is most often in the header.
        column: The wanted column; None for any.

    Raises:
        UserError: It is no such table, or has no line after its header.
    """
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding, "surrogateescape")
    except UnicodeDecodeError as error:  # half a character of UTF-16
        raise UserError(f"{file} cannot be read as {encoding} ({error}); save it again") from error
    first, _, rest = text.partition("\n")
    dropped = 0
    named = re.fullmatch(r"\s*\"?sep=(.)\"?\s*", first.rstrip("\r"))
    if named:
        separator, text, dropped = separator or named[1], rest, 1
    separator = separator or _likely(text, column)
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        rows = [
            (reader.line_num + dropped, [cell.strip() for cell in row])
            for row in reader
            if any(cell.strip() for cell in row)
        ]
    except csv.Error as error:
        raise UserError(
            f"{file}, line {reader.line_num + dropped}: not a table of values separated by "
            f"{separator!r} ({error})"
        ) from error
    for line, row in rows:
        if len(row) != len(header):
            raise UserError(
                f"{file}, line {line}: {len(row)} cells, but the header has {len(header)}; quote "
                f"cells that hold {separator!r}, or set 'separator'"
            )
    if not rows:
        raise UserError(f"{file} lists nothing: it has no line after its header")
    return header, rows, separator


def position_of(column: str, header: list[str]) -> int | None:
    """Return where a column stands, None for nowhere.

    The name as written counts, or else the only one that differs in capitals alone.
    """
    if column in header:
        return header.index(column)
    loose = [at for at, name in enumerate(header) if name.casefold() == column.casefold()]
    return loose[0] if len(loose) == 1 else None


def no_column(where: str, file: str, *, column: str, header: list[str]) -> UserError:
    return UserError(
        f"{where}: {file} has no column '{column}'{did_you_mean(column, header)}; its columns: "
        f"{', '.join(map(printable, header))}"
    )


def _likely(text: str, column: str | None) -> str:
    header = re.split(r"[\r\n]", text, maxsplit=1)[0]
    by_name = [
        separator
        for separator in _SEPARATORS
        if column is not None and position_of(column, _cells(header, separator)) is not None
    ]
    if by_name and (len(by_name) == 1 or "," not in by_name):
        return by_name[0]
    return max(_SEPARATORS, key=lambda separator: len(_cells(header, separator)))


def _cells(header: str, separator: str) -> list[str]:
    try:
        rows = list(csv.reader([header], delimiter=separator, skipinitialspace=True))
    except csv.Error:
        return []
    return [cell.strip() for row in rows for cell in row]
