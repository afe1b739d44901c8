"""Decision cards on a terminal."""

import shutil
import textwrap
from collections.abc import Sequence

from fourlenses.findings.numbers import NOTHING, images
from fourlenses.findings.show.cells import (
    NEXT,
    Card,
    TableRow,
    next_step,
    question_rows,
    table_rows,
    where,
)

WIDTH = 100  # at most
SCREEN = 40  # lines: of more than that each card is shortened
NAME, TITLE, ANSWER = 37, 49, 30  # columns
INTERVAL, MOST_INTERVAL = 20, 23  # columns of a number with its interval; of a difference
WHOLE, ANSWERS, HEADLINES = range(3)  # how much of a card is shown


def cards(found: Sequence[Card], width: int | None = None) -> str:
    """Return the text of all cards: whole where there is one or they fit a screen, else without
    tables, else headlines and next steps alone.

    Args:
        found: of decision.json.
        width: columns; default: the terminal's.
    """
    columns = min(width or shutil.get_terminal_size((WIDTH, 24)).columns, WIDTH)
    for parts in (WHOLE, ANSWERS, HEADLINES):
        text = "\n".join(_card(card, columns, parts=parts) for card in found)
        if len(found) == 1 or text.count("\n") <= SCREEN:
            break
    return text


def _card(card: Card, width: int, *, parts: int) -> str:
    lines = [card["title"].upper()]
    lines += _wrapped(f"▶ {card['headline']['sentence']}", width, 4, first=2)
    if parts != HEADLINES:
        lines += _wrapped(" ".join(card["headline"]["because"]), width, 4)
        lines += _wrapped(card["conditions"], width, 4, first=2)
    if parts == WHOLE:
        for warning in card["warnings"]:
            lines += _wrapped(f"⚠ {warning}", width, 4, first=2)
        lines += _table(card, width)
    if parts != HEADLINES:
        lines += _questions(card, width)
    if step := next_step(card):
        lines += _wrapped(f"→ {NEXT}: {step}", width, 4, first=2)
        keys = card["next_step"]["config"]
        if keys and parts != HEADLINES:
            lines += _wrapped(f"{where(card)}:", width, 4)
            lines += [line for key in keys for line in _wrapped(key, width, 8, first=6)]
    if parts == WHOLE and card["unmeasured"]:
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
    column = min(MOST_INTERVAL, room // len(labels))
    column = column if column >= INTERVAL else max(map(len, labels)) + 2
    most = max(1, room // column)
    places = list(range(len(labels)))
    places = places if len(places) <= most else [*places[: most - 1], places[-1]]
    head = TableRow("", "top-1, %", labels)
    return [_table_row(row, places, column) for row in (head, *table_rows(card))]


def _table_row(row: TableRow, places: Sequence[int], column: int) -> str:
    cells = [row.cells[place] for place in places]
    cells = [_shortened(cell, column) for cell in cells]
    return f"  {_fitted(row.name, NAME)}{''.join(cell.rjust(column) for cell in cells)}"


def _shortened(cell: str, column: int) -> str:
    """A cell without its way, or without its interval too, as there is room."""
    number_and_interval = cell.partition(")")[0] + ")" * (")" in cell)
    shorter = (cell, number_and_interval, cell.partition(" ")[0])
    return next((text for text in shorter if len(text) < column), shorter[-1])


def _questions(card: Card, width: int) -> list[str]:
    """A question with its answers to the right of it where there is room, else below."""
    lines = []
    beside = width >= WIDTH
    for row in question_rows(card):
        if not beside and row.title:
            lines += _wrapped(row.title, width, 4, first=2)
        start = f"  {_fitted(row.title, TITLE)}" if beside else " " * 4
        answer = f"{row.glyph or ' '} {': '.join(filter(None, [row.labels, row.answer]))}"
        points = "" if row.points == NOTHING else row.points
        if len(answer) > width - len(start) - INTERVAL - 2:  # its numbers stand below it
            lines += textwrap.wrap(
                answer,
                width,
                initial_indent=start,
                subsequent_indent=" " * (len(start) + 2),
            )
            lines += [" " * len(start) + f"  {points}"] if points else []
        else:
            lines.append(f"{start}{answer.ljust(ANSWER - 1)} {points}".rstrip())
    return lines


def _fitted(text: str, width: int) -> str:
    return textwrap.shorten(text, width - 1, placeholder="…").ljust(width)
