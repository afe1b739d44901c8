"""Decision cards as Markdown: decision.md."""

from collections.abc import Mapping, Sequence
from typing import Any

from fourlenses.findings.numbers import images
from fourlenses.findings.show.cells import (
    NEXT,
    SIGNS,
    Card,
    meanings,
    next_step,
    placeholders,
    question_rows,
    table_rows,
    where,
)

HEAD = "# Decision card\n\nWhat the study says of each target: docs/reference/decision-card.md.\n"


def cards(found: Sequence[Card]) -> str:
    """Return the text of all cards."""
    return HEAD + "".join(map(_card, found))


def _card(card: Card) -> str:
    headline = card["headline"]
    parts = [f"\n## {card['title']}\n", f"**{headline['sentence']}**\n"]
    parts += [" ".join(headline["because"]) + "\n"] if headline["because"] else []
    parts.append(f"{card['conditions']}\n")
    parts += [f"> {warning}\n" for warning in card["warnings"]]
    if card["table"]["labels"]:
        labels = [f"{images(size)} labels" for size in card["table"]["labels"]]
        head = ["top-1, % (95 % interval)", *labels]
        parts.append(table([head, *([row.name, *row.cells] for row in table_rows(card))]))
        parts.append(f"{meanings(card)}\n")
    if card["questions"]:
        head = ["question", "answer", "points (95 % interval)", "why"]
        rows = [
            [row.title, f"{row.glyph} {row.answer}".strip(), row.points, row.why]
            for row in question_rows(card)
        ]
        parts.append(table([head, *rows]))
        parts.append(f"{SIGNS}\n")
    if step := next_step(card):
        parts.append(f"**{NEXT}:** {step}\n")
        if keys := card["next_step"]["config"]:
            parts.append("\n".join([f"{where(card)}:\n", "```yaml", *keys, "```\n"]))
    parts += _unmeasured(card)
    parts.append(_sentences(card))
    return "\n".join(parts)


def _unmeasured(card: Card) -> list[str]:
    if not card["unmeasured"]:
        return []
    place = where(card)
    head = ["not measured", f"to measure it, {place[0].lower()}{place[1:]}", "what it would cost"]
    rows = [[one["what"], _remedy(one), one["cost"]] for one in card["unmeasured"]]
    said = placeholders(card)
    return [table([head, *rows]), *([f"{said}\n"] if said else [])]


def _remedy(one: Mapping[str, Any]) -> str:
    """What to add, and where it is known the keys, to be copied."""
    return "<br>".join([one["add"], *(f"`{line}`" for line in one.get("config", []))])


def _sentences(card: Card) -> str:
    lines = "".join(f"- **{line['answer']}**: {line['sentence']}\n" for line in card["lines"])
    summary = f"<summary>Every comparison ({len(card['lines'])})</summary>"
    return f"<details>{summary}\n\n{card['setting']}\n\n{lines}\n</details>\n"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return a table, whose first row is the head."""
    lines = [
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |\n" for row in rows
    ]
    lines.insert(1, f"|{'---|' * len(rows[0])}\n")
    return "".join(lines)
