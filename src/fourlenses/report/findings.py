"""The findings and decision cards of a study, read from what the rule `findings` writes."""

from pathlib import Path

from fourlenses.findings.questions import HEADINGS
from fourlenses.report import markdown, marks, values
from fourlenses.report.gaps import Gap, optional_json, optional_text
from fourlenses.report.tables import read_table

COMMAND = "snakemake findings"
# The classes of a verdict's mark; what leans is dashed. Others, such as "confounded" or "not
# measured", say that there is no answer.
VERDICTS = ("supported", "contradicted", "equivalent", "mixed", "inconclusive")
LEANS = "leans "
NAMES = {
    "domain": "another domain instead",
    "domain_pool": "pooled with others",
    "domain_added": "others added",
}
FIRST = ("target", "comparison", "status", "estimate", "second_scale", "reason")
STATUS = {"holds": "as claimed", "against": "against the claim", "open": "undecided"}
# What the finding claims: the first of these keys that is there.
STATED = ("statement", "hypothesis", "text", "summary")
SHOWN = (
    *("finding", "verdict", "estimate", "low", "high", "unit", "threshold", "evidence", "note"),
    *STATED,
)
IN_THE_NOTE = ("counts", "seeds", "paired", "side")  # the note says them in words
CARD_TITLES = ("title", "dataset", "target", "name")


def read_findings(results: Path) -> dict:
    """Return the findings of a study.

    Args:
        results: the study's folder.

    Returns:
        ``findings``: a dict each, for the page; ``blocks``: the text of findings.md where
        findings.json is not there; ``gaps``.
    """
    gaps: list[Gap] = []
    record = optional_json(results / "findings.json", gaps, COMMAND)
    if isinstance(record, dict):
        record = record.get("findings", [record] if "finding" in record else [])
    entries = _dicts(record)
    if record is not None and not entries:
        gaps.append(Gap("findings.json states no finding"))
    text = None if entries else optional_text(results / "findings.md")
    return {
        "findings": [_finding(entry) for entry in entries],
        "blocks": markdown.parse(text) if text else [],
        "gaps": gaps,
    }


def _dicts(record: object) -> list[dict]:
    items = record if isinstance(record, list) else []
    return [item for item in items if isinstance(item, dict)]


def _finding(entry: dict) -> dict:
    verdict = str(entry.get("verdict", "no verdict"))
    estimate = values.number(entry.get("estimate"))
    rest = {
        key: value
        for key, value in entry.items()
        if key not in (*SHOWN, *IN_THE_NOTE) and value not in (None, "", [], {})
    }
    evidence = entry.get("evidence")
    return {
        "name": _name(entry.get("finding", "a finding without a name")),
        "verdict": verdict,
        "known_verdict": _look(verdict),
        "statement": next((str(entry[key]) for key in STATED if entry.get(key)), None),
        "number": values.with_interval(entry) if estimate is not None else None,
        "note": str(entry["note"]) if entry.get("note") else None,
        "claimed": _claimed(entry),
        "interval": _interval(entry),
        "evidence": _evidence(evidence),
        "cells": _cells(evidence),
        "evidence_count": len(evidence) if isinstance(evidence, list | dict) else None,
        "more": values.blocks(rest) if rest else [],
    }


def _interval(entry: dict) -> dict[str, float] | None:
    """Where the marks of the drawing are."""
    estimate, low, high = (values.number(entry.get(key)) for key in ("estimate", "low", "high"))
    if estimate is None or low is None or high is None:
        return None
    threshold = values.number(entry.get("threshold"))
    return marks.forest(estimate, low=low, high=high, threshold=threshold)


def _name(finding: object) -> str:
    return NAMES.get(str(finding), values.words(finding))


def _look(verdict: str) -> str:
    """`leans supported` -> `supported leans`: the classes of its mark."""
    word = verdict.removeprefix(LEANS)
    return "unknown" if word not in VERDICTS else f"{word} leans" if word != verdict else word


def _claimed(entry: dict) -> str | None:
    """`below 1`: on which side of which threshold the claim puts every comparison."""
    if values.number(entry.get("threshold")) is None:
        return None
    side = f"{entry['side']} " if entry.get("side") else ""
    return f"{side}{values.shown(entry['threshold'])}"


def _evidence(evidence: object) -> list[dict]:
    if evidence in (None, "", [], {}):
        return []
    if isinstance(evidence, list) and all(isinstance(one, dict) for one in evidence):
        evidence = [_comparison(one) for one in evidence]
    return markdown.parse(evidence) if isinstance(evidence, str) else values.blocks(evidence)


def _comparison(entry: dict) -> dict:
    """The estimate with its interval and unit in one cell; the cells it was made of are for a list
    apart."""
    shown = {
        "comparison" if key == "what" else key: value
        for key, value in entry.items()
        if key not in ("low", "high", "cells")
    }
    if "status" in shown:
        shown["status"] = STATUS.get(shown["status"], shown["status"])
    if values.number(entry.get("estimate")) is not None:
        shown.pop("unit", None)
        shown["estimate"] = values.with_interval(entry)
    first = {key: shown[key] for key in FIRST if key in shown}  # the file has its keys by name
    return first | shown


def _cells(evidence: object) -> list[str]:
    """Every cell that a comparison names, once."""
    lists = (entry.get("cells") for entry in _dicts(evidence))
    names = (str(cell) for cells in lists if isinstance(cells, list) for cell in cells)
    return list(dict.fromkeys(names))


def read_decisions(results: Path) -> dict:
    """Return the decision cards of a study.

    Args:
        results: the study's folder.

    Returns:
        ``cards``: title, what its sentences rest on (``setting``), answers to questions, what is
        missing, and blocks of the rest each; ``blocks``: the text of decision.md, where
        decision.json is not there; ``gaps``.
    """
    gaps: list[Gap] = []
    record = optional_json(results / "decision.json", gaps, COMMAND)
    if isinstance(record, dict):
        record = _listed(record)
    cards = [_card(entry) for entry in _dicts(record)]
    text = None if cards else optional_text(results / "decision.md")
    return {"cards": cards, "blocks": markdown.parse(text) if text else [], "gaps": gaps}


def _listed(record: dict) -> object:
    """The cards of a file that holds them by title, under a key, or that is one card."""
    inner = record.get("cards", record.get("decisions"))
    if isinstance(inner, list):
        return inner
    record = inner if isinstance(inner, dict) else record
    if record and all(isinstance(value, dict) for value in record.values()):
        return [{"title": key, **value} for key, value in record.items()]
    return [record]


def _card(entry: dict) -> dict:
    title = next((key for key in CARD_TITLES if key in entry), None)
    answers, missing = _answers(entry.get("lines")), entry.get("missing")
    shown = {title, "setting"}
    shown |= {"lines"} if answers else set()
    shown |= {"missing"} if isinstance(missing, list) else set()
    rest = {name: value for name, value in entry.items() if name not in shown}
    return {
        "title": str(entry.get(title, "Decision")),
        "setting": str(entry["setting"]) if entry.get("setting") else None,
        "answers": answers,
        "missing": [str(text) for text in missing] if isinstance(missing, list) else [],
        "blocks": values.blocks(rest) if rest else [],
    }


def _answers(lines: object) -> list[tuple[str, list[tuple[str, str]]]]:
    """Of each question, in the order they come, the answers in two words and in a sentence."""
    by_question: dict[str, list[tuple[str, str]]] = {}
    for line in _dicts(lines):
        if line.get("sentence"):
            question = str(line.get("question", ""))
            heading = HEADINGS.get(question, values.words(question))
            answer = str(line.get("answer", "")), str(line["sentence"])
            by_question.setdefault(heading, []).append(answer)
    return list(by_question.items())


def read_published(results: Path) -> dict:
    """Return ``table``: ours, the paper's and the difference; and ``gaps``."""
    table = read_table(results / "published.csv")
    absent = (
        "published.csv is not there: the study has no dataset of the paper, or it was not compared "
        "yet"
    )
    return {"table": table, "gaps": [] if table else [Gap(absent, "snakemake figures")]}
