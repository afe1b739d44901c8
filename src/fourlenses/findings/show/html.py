"""Decision cards as a fragment of HTML: decision.html, and what a page may include."""

import re
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from fourlenses.findings.numbers import images
from fourlenses.findings.show.cells import (
    NEXT,
    Card,
    meanings,
    next_step,
    placeholders,
    question_rows,
    table_rows,
    where,
)

MOST_BESIDE = 3  # label sizes: a table of more stands below the chart, over the whole width


def cards(found: Sequence[Card], chart: str = "") -> str:
    """Return the elements of all cards, an article each, without styles.

    Args:
        found: of decision.json.
        chart: elements that stand after the answer, before the questions. A page that has it says
            itself what the names of options mean.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters["code"] = _with_code
    template = environment.get_template("card.html.jinja")
    return "".join(
        template.render(
            card=card,
            chart=Markup(chart),
            labels=[images(size) for size in card["table"]["labels"]],
            rows=table_rows(card),
            questions=list(question_rows(card)),
            parts=_parts,
            most_beside=MOST_BESIDE,
            next_label=NEXT,
            next_step=next_step(card),
            where=where(card),
            meanings="" if chart else meanings(card),
            placeholders=placeholders(card),
        )
        for card in found
    )


def _parts(cell: str) -> list[str]:
    """`26.8 (23.9 to 30.0) fine-tuned`: the number, its interval, its way, as far as there are."""
    number, _, rest = cell.partition(" (")
    interval, closed, way = rest.partition(")")
    return [part for part in (number, f"({interval}{closed}" if rest else "", way.strip()) if part]


def _with_code(text: str) -> Markup:
    """What stands between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))
