"""Decision cards on a terminal."""

import shutil
import textwrap
from collections.abc import Sequence

from fourlenses.findings.numbers import images
from fourlenses.findings.show.cells import (
    NEXT,
    Card,
    TableRow,
    next_step,
    question_rows,
    table_rows,
)

WIDTH = 100  # at most
SCREEN = 40  # lines: of more than that each card is shortened
NAME, TITLE, ANSWER = 37, 49, 30  # columns
INTERVAL = 20  # columns of a number with its interval


def cards(found: Sequence[Card], width: int | None = None) -> str:
    """Return the text of all cards: whole where they fit a screen, else without tables.

    Args:
        found: of decision.json.
        width: columns; default: the terminal's.
    """
    columns = min(width or shutil.get_terminal_size((WIDTH, 24)).columns, WIDTH)
    whole = "\n".join(_card(card, columns) for card in found)
    if whole.count("\n") <= SCREEN:
        return whole
    return "\n".join(_card(card, columns, whole=False) for card in found)


def _card(card: Card, width: int, *, whole: bool = True) -> str:
    lines = [card["title"].upper()]
    lines += _wrapped(f"▶ {card['headline']['sentence']}", width, 4, first=2)
    lines += _wrapped(" ".join(card["headline"]["because"]), width, 4)
    lines += _wrapped(card["conditions"], width, 4, first=2)
    if whole:
        for warning in card["warnings"]:
            lines += _wrapped(f"⚠ {warning}", width, 4, first=2)
        lines += _table(card, width)
    lines += _questions(card, width)
    if step := next_step(card):
        step = " ".join([f"→ {NEXT}: {step}", *card["next_step"]["config"]])
        lines += _wrapped(step, width, 4, first=2)
    if whole and card["unmeasured"]:
        by_cost: dict[str, list[str]] = {}
        for one in card["unmeasured"]:
            by_cost.setdefault(one["cost"], []).append(one["title"])
        for cost, titles in by_cost.items():
            lines += _wrapped(f"not measured: {' '.join(titles)} Cost: {cost}", width, 4, first=2)
    return "\n".join(lines) + "\n"


def _wrapped(text: str, width: int, indent: int, *, first: int | None = None) -> list[str]:
    start = indent if first is None else first
    return textwrap.wrap(text, width, initial_indent=" " * start, subsequent_indent=" " * indent)


def _table(card: Card, width: int) -> list[str]:
    """As many label sizes as there is room for, the first ones and the last; without intervals
    where those take too much."""
    labels = [f"{images(size)} labels" for size in card["table"]["labels"]]
    if not labels:
        return []
    room = width - NAME - 2
    column = INTERVAL if room >= INTERVAL * len(labels) else max(map(len, labels)) + 2
    most = max(1, room // column)
    places = list(range(len(labels)))
    places = places if len(places) <= most else [*places[: most - 1], places[-1]]
    head = TableRow("", "top-1, %", labels)
    return [_table_row(row, places, column) for row in (head, *table_rows(card))]


def _table_row(row: TableRow, places: Sequence[int], column: int) -> str:
    cells = [row.cells[place] for place in places]
    cells = [cell if len(cell) < column else cell.partition(" ")[0] for cell in cells]
    return f"  {_fitted(row.name, NAME)}{''.join(cell.rjust(column) for cell in cells)}"


def _questions(card: Card, width: int) -> list[str]:
    lines = []
    for row in question_rows(card):
        start = f"  {_fitted(row.title, TITLE)}"
        answer = f"{row.glyph or ' '} {': '.join(filter(None, [row.labels, row.answer]))}"
        if len(answer) > width - len(start) - INTERVAL - 2:  # its numbers on a line of their own
            lines += [f"{start}{answer}", " " * len(start) + f"  {row.points}"]
        else:
            lines.append(f"{start}{answer.ljust(ANSWER)}{row.points}".rstrip())
    return lines


def _fitted(text: str, width: int) -> str:
    return textwrap.shorten(text, width - 1, placeholder="…").ljust(width)
