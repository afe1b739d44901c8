"""The decision cards of a study, read from what the rule `findings` writes.

Anyone may have written the files, so whatever is of another kind than expected is left out.
"""

from pathlib import Path

from fourlenses.findings.questions import HEADINGS
from fourlenses.report import markdown, values
from fourlenses.report.gaps import Gap, optional_json, optional_text
from fourlenses.report.values import dicts, text_of, texts

COMMAND = "snakemake findings"
NOTHING = "–"
# What a headline answers, as the beginning of a sentence that ends with datasets.
ANSWERS = {
    "pretrain": "Pretrain on your own images for",
    "download": "Use a downloaded encoder for",
    "labels": "Train on the labels alone for",
    "depends": "It depends on the number of labels for",
    "open": "Cannot tell whether pretraining pays for",
    "not measured": "Not measured whether pretraining pays for",
}
# The class of a mark by the sense of an answer: for the option that the question names, against.
SENSES = {1: "yes", 0: "level", -1: "no"}
OPEN = "open"


def read_decisions(results: Path) -> dict:
    """Return the decision cards of a study.

    Args:
        results: the study's folder.

    Returns:
        ``cards``: as of `_card`; ``blocks``: the text of decision.md, where decision.json is not
        there; ``gaps``.
    """
    gaps: list[Gap] = []
    record = optional_json(results / "decision.json", gaps, COMMAND)
    cards = [_card(entry) for entry in dicts(record)]
    if record is not None and not cards:
        gaps.append(Gap("decision.json has no card", COMMAND))
    text = None if cards else optional_text(results / "decision.md")
    return {"cards": cards, "blocks": markdown.parse(text) if text else [], "gaps": gaps}


def sense_of(entry: dict) -> str:
    """Return the class of an answer's mark."""
    sense = entry.get("sense")
    return SENSES.get(sense, OPEN) if isinstance(sense, int) else OPEN


def _card(entry: dict) -> dict:
    """The answer, its conditions, a table, questions, what is not measured, every comparison."""
    headline = entry.get("headline")
    headline = headline if isinstance(headline, dict) else {}
    unmeasured = [_unmeasured(one) for one in dicts(entry.get("unmeasured"))]
    costs = list({one["cost"]: None for one in unmeasured if one["cost"]})
    return {
        "target": text_of(entry, "target"),
        "title": text_of(entry, "title") or text_of(entry, "target") or "a target without a name",
        "answer": text_of(headline, "answer"),
        "sentence": text_of(headline, "sentence"),
        "because": texts(headline.get("because")),
        "leans": headline.get("leans") is True,
        "conditions": text_of(entry, "conditions"),
        "warnings": texts(entry.get("warnings")),
        "table": _table(entry.get("table")),
        "questions": [_question(one) for one in dicts(entry.get("questions"))],
        "unmeasured": unmeasured,
        "cost": costs[0] if len(costs) == 1 else "",
        "missing": texts(entry.get("missing")),
        "setting": text_of(entry, "setting"),
        "lines": dicts(entry.get("lines")),
        "comparisons": _comparisons(dicts(entry.get("lines"))),
    }


def _question(entry: dict) -> dict:
    question = text_of(entry, "question")
    return {
        "title": text_of(entry, "title") or HEADINGS.get(question, values.words(question)),
        "answer": text_of(entry, "answer") or NOTHING,
        "sense": sense_of(entry),
        "number": _signed(entry),
        "why": text_of(entry, "why"),
    }


def _signed(entry: dict) -> str:
    """`+3.2 [+1.1, +5.3]`, of another unit than points with it."""
    ends = [values.number(entry.get(key)) for key in ("estimate", "low", "high")]
    unit = text_of(entry, "unit")
    if ends[0] is None:
        return NOTHING
    if unit not in ("", "points"):
        return f"{ends[0]:,.0f} {unit}"
    known = [f"{round(end, 1) + 0.0:+.1f}" for end in ends if end is not None]
    return f"{known[0]} [{known[1]}, {known[2]}]" if len(known) == 3 else known[0]


def _unmeasured(entry: dict) -> dict:
    keys = ("title", "what", "add", "cost")
    return {key: text_of(entry, key).replace("`", "") for key in keys}


def _table(table: object) -> dict | None:
    """Labels by options, and below them the differences: a cell has its text and what it says."""
    if not isinstance(table, dict) or not isinstance(table.get("labels"), list):
        return None
    labels = [size for size in table["labels"] if isinstance(size, int)]
    rows = [_row(row, labels, signed=False) for row in dicts(table.get("rows"))]
    differences = [_row(row, labels, signed=True) for row in dicts(table.get("differences"))]
    if not labels or not rows:
        return None
    heads = [f"{size:,}" for size in labels]
    return {"labels": heads, "rows": rows, "differences": differences}


def _row(row: dict, labels: list[int], *, signed: bool) -> dict:
    by_labels = {value.get("labels"): value for value in dicts(row.get("values"))}
    cells = [_cell(by_labels.get(size), signed=signed) for size in labels]
    name = text_of(row, "name") or text_of(row, "role")
    return {"name": name, "role": values.words(text_of(row, "role")), "cells": cells}


def _cell(value: dict | None, *, signed: bool) -> dict:
    ends = [values.number((value or {}).get(key)) for key in ("estimate", "low", "high")]
    estimate, low, high = ends
    if value is None or estimate is None:
        return {"text": NOTHING, "range": "", "way": "", "sense": ""}
    sign = "+" if signed else ""
    known = low is not None and high is not None
    interval = f"[{low:{sign}.1f}, {high:{sign}.1f}]" if known else ""
    sense = OPEN
    if low is not None and high is not None:
        sense = "yes" if low > 0 else "no" if high < 0 else OPEN
    return {
        "text": f"{round(estimate, 1) + 0.0:{sign}.1f}",
        "range": interval,
        "way": text_of(value, "way"),
        "sense": sense if signed else "",
    }


def _comparisons(lines: list[dict]) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Of each question, in the order they come, the sense, the answer and the sentence of each
    comparison."""
    by_question: dict[str, list[tuple[str, str, str]]] = {}
    for line in lines:
        if line.get("sentence"):
            question = text_of(line, "question")
            heading = HEADINGS.get(question, values.words(question))
            answer = sense_of(line), text_of(line, "answer"), text_of(line, "sentence")
            by_question.setdefault(heading, []).append(answer)
    return list(by_question.items())
