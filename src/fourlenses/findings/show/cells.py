"""A card's table and questions as texts, the same for Markdown, HTML and the terminal."""

import re
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, NamedTuple

from fourlenses.findings.numbers import NOTHING, difference, images, percent
from fourlenses.findings.questions import QUESTIONS
from fourlenses.study.vocabulary import OPTIONS, PROTOCOLS, USES

Card = Mapping[str, Any]  # an entry of decision.json

# By the sense of an answer: for the option that the question names, against it, alike, open.
GLYPHS = {1: "▲", -1: "▼", 0: "≈", None: "◐"}
NEXT = "Next step with most effect"
SENSES = {1: "for", -1: "against", 0: "alike", None: "open"}


class TableRow(NamedTuple):
    """A row of the table: its role, its name, and a text for each label size."""

    role: str
    name: str
    cells: list[str]


class QuestionRow(NamedTuple):
    """A row of the questions; the title is empty where it is that of the row before, and labels
    where all rows of a question are about one number of them. What is declared has no sense."""

    title: str
    labels: str
    glyph: str
    sense: str
    answer: str
    points: str
    why: str


def table_rows(card: Card) -> list[TableRow]:
    """Return top-1 of each option, percent, then the differences, points."""
    table = card["table"]
    rows = [_row(row, table["labels"], percent) for row in table["rows"]]
    return rows + [_row(row, table["labels"], difference) for row in table["differences"]]


def _row(row: Mapping[str, Any], labels: list[int], number: Any) -> TableRow:
    """Where all values are of one way the name has it, else each value."""
    values = {value["labels"]: value for value in row["values"]}
    ways = {value["way"] for value in values.values()}
    name = ", ".join([row["name"], *ways]) if len(ways) == 1 and "" not in ways else row["name"]
    cells = []
    for size in labels:
        value = values.get(size)
        text = NOTHING
        if value:
            text = number(value["estimate"], value["low"], value["high"])
            text += f" {value['way']}" if len(ways) > 1 else ""
        cells.append(text)
    return TableRow(row["role"], name, cells)


def next_step(card: Card) -> str:
    """Return the next step, that stands after `NEXT`; empty where nothing is open."""
    step = card["next_step"]
    if not step:
        return ""
    titles = " ".join(QUESTIONS[question].title for question in step["answers"])
    cost = f" Cost: {step['cost']}." if step["cost"] else ""
    what = f"{step['what'][0].upper()}{step['what'][1:]}"
    return f"{what}. It can answer: {titles}{cost}"


def where(card: Card) -> str:
    """Return in which file the keys of a next step or of what is not measured are written."""
    return f"In studies/{card['study']}.yaml" if card.get("study") else "In the study's file"


# What stands in an example for a name that a user has to choose.
PLACEHOLDERS = {"rn50": "an encoder to download", "other": "another dataset"}


def placeholders(card: Card) -> str:
    """Return what names in the examples of what is not measured stand for; empty without them."""
    lines = " ".join(line for one in card["unmeasured"] for line in one.get("config", []))
    said = [
        f"{name} stands for {meaning}"
        for name, meaning in PLACEHOLDERS.items()
        if re.search(rf"\b{name}\b", lines)
    ]
    return f"{'; '.join(said)}." if said else ""


SIGNS = (
    "Points, ▲ and ▼ are for the option that the question names first: ▲ better, ▼ worse, ≈ no "
    "difference, ◐ open."
)


def meanings(card: Card) -> str:
    """Return what the table's names of options and uses mean, in a sentence each."""
    roles = {"continued": "continue"}
    shown = {roles.get(row["role"], row["role"]) for row in card["table"]["rows"]}
    ways = {value["way"] for row in card["table"]["rows"] for value in row["values"]}
    said = [f"{name}: {meaning}" for key, (name, meaning) in OPTIONS.items() if key in shown]
    for key, meaning in USES.items():
        if any(PROTOCOLS[key].label in way for way in ways):
            said.append(f"{PROTOCOLS[key].label}: {meaning}")
    return f"{'; '.join(said)}." if said else ""


def question_rows(card: Card) -> Iterator[QuestionRow]:
    """Yield the answers, in the order of the card."""
    for title, group in groupby(card["questions"], key=lambda row: row["title"]):
        rows = list(group)
        several = len({row["labels"] for row in rows}) > 1
        for place, row in enumerate(rows):
            yield QuestionRow(
                title="" if place else title,
                labels=f"{images(row['labels'])} labels" if several and row["labels"] else "",
                glyph="" if QUESTIONS[row["question"]].declared else GLYPHS[row["sense"]],
                sense="" if QUESTIONS[row["question"]].declared else SENSES[row["sense"]],
                answer=row["answer"],
                points=_number(row),
                why=row["why"],
            )


def _number(row: Mapping[str, Any]) -> str:
    if row["unit"] == "points":
        return difference(row["estimate"], row["low"], row["high"])
    if row["estimate"] is None:
        return NOTHING
    ends = [row["low"], row["high"]]
    known = "" if None in ends else f" ({images(ends[0])} to {images(ends[1])})"
    return f"{images(int(row['estimate']))}{known}"
