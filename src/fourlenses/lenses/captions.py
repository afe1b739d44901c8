"""The caption of each figure: a paragraph of plain text in the folder of its lens.

A line that begins with a condition in braces begins a part that is said only of figures in which
that was drawn, as their table (the CSV next to the picture) tells:

    {column}                  a row has a value there
    {column=value|other}      a row has one of these values
    {column=}                 a row has no value there
    {column!=value}           a row has another value
    {several column}          one target, entry (else method) and protocol has two values or more
    {column=value; several other}   both, of the same rows

A part ends where the next begins; a line that begins with `{}` begins a part that is always said.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from fourlenses.study.vocabulary import STUDY_FIGURES

HERE = Path(__file__).parent
OF_STUDY = {figure.name for figure in STUDY_FIGURES}
_PART = re.compile(r"^\{([^}]*)\} ?", re.MULTILINE)
_CLAUSE = re.compile(r"(several )?(\w+)(?:(!?=)(.*))?")

Row = Mapping[str, str]


def place_of(figure: str) -> tuple[str, str]:
    """Return the folder and the module of a figure: `domain_pools` is `domain`, `pools`."""
    if figure in OF_STUDY:
        return "across", figure
    lens, _, second = figure.partition("_")
    return lens, second or "figure"


def caption_of(figure: str, rows: Iterable[Row] = ()) -> str:
    """Return the caption of a figure, empty where there is none.

    That of `domain` is `domain/caption.md`, that of `domain_pools` is `domain/caption_pools.md`.

    Args:
        figure: its name.
        rows: of its table; without any the caption says what is true of every such figure.
    """
    folder, module = place_of(figure)
    file = HERE / folder / ("caption.md" if module == "figure" else f"caption_{module}.md")
    if not file.is_file():
        return ""
    rows = list(rows)
    every = parts(file.read_text(encoding="utf-8"))
    return "".join(text for condition, text in every if holds(condition, rows)).strip() + "\n"


def parts(text: str) -> Iterator[tuple[str, str]]:
    """Yield the parts of a caption's file: condition, empty where there is none, and text."""
    begins = [*_PART.finditer(text)]
    head = text[: begins[0].start()] if begins else text
    if head:
        yield "", head
    ends = [*(begin.start() for begin in begins[1:]), len(text)]
    for begin, end in zip(begins, ends, strict=False):
        yield begin[1].strip(), text[begin.end() : end]


def holds(condition: str, rows: list[Row]) -> bool:
    """Return whether a condition holds of a table; an empty one always does.

    Raises:
        ValueError: it is none.
    """
    several: list[str] = []
    for clause in filter(None, map(str.strip, condition.split(";"))):
        match = _CLAUSE.fullmatch(clause)
        if not match:
            raise ValueError(f"{clause!r} is no condition of a caption; captions.py lists them")
        many, column, sign, values = match.groups()
        if many:
            several.append(column)
        elif sign:
            wanted = values.split("|")
            rows = [row for row in rows if (_value(row, column) in wanted) == (sign == "=")]
        else:
            rows = [row for row in rows if _value(row, column)]
    return not condition or (bool(rows) and all(_several(column, rows) for column in several))


def _value(row: Row, column: str) -> str:
    value = row.get(column) or ""
    return "" if value == "nan" else value


def _several(column: str, rows: list[Row]) -> bool:
    entry = "entry" if "entry" in rows[0] else "method"
    keys = {"target", entry, "protocol"} - {column}
    known: dict[tuple[str, ...], set[str]] = {}
    for row in rows:
        known.setdefault(tuple(_value(row, key) for key in keys), set()).add(_value(row, column))
    return any(len(values) > 1 for values in known.values())
