"""The decision cards of a study, read from what the rule `findings` writes."""

import re
from functools import partial
from pathlib import Path

from jinja2 import TemplateError
from markupsafe import Markup

from fourlenses.findings.show import html
from fourlenses.report import markdown
from fourlenses.report.gaps import Gap, optional_json, optional_text
from fourlenses.report.values import dicts, text_of, texts

COMMAND = "snakemake findings"
# What a headline answers, as the beginning of a sentence that ends with datasets.
ANSWERS = {
    "pretrain": "Pretrain on your own images for",
    "download": "Use a downloaded encoder for",
    "continue": "Continue a downloaded encoder on your own images for",
    "labels": "Train on the labels alone for",
    "depends": "It depends on the number of labels for",
    "open": "Cannot tell whether pretraining pays for",
    "not measured": "Not measured whether pretraining pays for",
}
# The class of a mark by the sense of an answer: for the option that the question names, against.
SENSES = {1: "yes", 0: "level", -1: "no"}
OPEN = "open"
_COUNTED = re.compile(r"\d of \d")


def read_decisions(results: Path) -> dict:
    """Return the decision cards of a study.

    Args:
        results: the study's folder.

    Returns:
        ``cards``: as of `_card`; ``shared``: warnings that all of them have; ``blocks``: the text
        of decision.md, where no card could be read; ``gaps``.
    """
    gaps: list[Gap] = []
    record = optional_json(results / "decision.json", gaps, COMMAND)
    entries = dicts(record)
    shared = _shared(entries)
    cards = [card for entry in entries if (card := _card(entry, shared))]
    if record is not None and len(cards) < max(len(entries), 1):
        older = "decision.json has a card of another version, or none; it is not shown"
        gaps.append(Gap(older, COMMAND))
    text = None if cards else optional_text(results / "decision.md")
    blocks = markdown.parse(text) if text else []
    return {"cards": cards, "shared": shared, "blocks": blocks, "gaps": gaps}


def _shared(entries: list[dict]) -> list[str]:
    """The warnings that every card has: said once, above all cards.

    Not those that count what is behind a card: of several cards the counts are not those of the
    study, even where they are equal.
    """
    lists = [texts(entry.get("warnings")) for entry in entries]
    first = lists[0] if lists else []
    return [
        one
        for one in first
        if all(one in warnings for warnings in lists)
        and (len(lists) == 1 or not _COUNTED.search(one))
    ]


def _card(entry: dict, shared: list[str]) -> dict | None:
    """What the page needs of a card, and the card as HTML; None where its keys are others."""
    warnings = [one for one in texts(entry.get("warnings")) if one not in shared]
    shown = entry | {"warnings": warnings}
    try:
        _fragment(shown)
    except (TemplateError, TypeError, KeyError, ValueError, AttributeError):
        return None
    return {
        "target": text_of(entry, "target"),
        "title": text_of(entry, "title") or text_of(entry, "target"),
        "answer": text_of(entry["headline"], "answer"),
        "sentence": text_of(entry["headline"], "sentence"),
        "html": partial(_fragment, shown),
        "lines": dicts(entry.get("lines")),
    }


def _fragment(entry: dict, chart: str = "") -> Markup:
    """The card as elements, with the chart of its dataset next to its answer."""
    return Markup(html.cards([entry], chart))


def sense_of(entry: dict) -> str:
    """Return the class of an answer's mark."""
    sense = entry.get("sense")
    return SENSES.get(sense, OPEN) if isinstance(sense, int) else OPEN
