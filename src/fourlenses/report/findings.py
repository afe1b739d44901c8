"""The stated findings and the decision cards of a study, read from what the rule `findings` writes."""

from pathlib import Path

from fourlenses.findings.questions import HEADINGS
from fourlenses.report import markdown, marks, values
from fourlenses.report.gaps import Gap, optional_json, optional_text
from fourlenses.report.tables import Table, read_table

COMMAND = "snakemake findings"
# How a verdict's mark looks; what leans is dashed. Others, such as "confounded" or "not measured", say that there is no answer.
VERDICTS = ("supported", "contradicted", "equivalent", "mixed", "inconclusive")
LEANS = "leans "
NAMES = {
    "domain": "another domain instead",
    "domain_pool": "pooled with others",
    "domain_added": "others added",
}
FIRST = ("target", "comparison", "status", "estimate", "second_scale", "reason")
STATUS = {"holds": "as claimed", "against": "against the claim", "open": "undecided"}
STATED = (
    "statement",
    "hypothesis",
    "text",
    "summary",
)  # what the finding says, in the first of these keys that is there
SHOWN = (
    "finding",
    "verdict",
    "estimate",
    "low",
    "high",
    "unit",
    "threshold",
    "evidence",
    "note",
    *STATED,
)
IN_THE_NOTE = ("counts", "seeds", "paired", "side")  # the note says them in words
CARD_TITLES = ("title", "dataset", "target", "name")


def read_findings(results: Path) -> dict:
    """``findings``: a dict each, for the page; ``blocks``: the text of findings.md where findings.json is not there; ``gaps``."""
    gaps: list[Gap] = []
    record = optional_json(results / "findings.json", gaps, COMMAND)
    if isinstance(record, dict):
        record = record.get("findings", [record] if "finding" in record else [])
    entries = (
        [entry for entry in record if isinstance(entry, dict)] if isinstance(record, list) else []
    )
    if record is not None and not entries:
        gaps.append(Gap("findings.json states no finding"))
    text = None if entries else optional_text(results / "findings.md")
    return {
        "findings": [_finding(entry) for entry in entries],
        "blocks": markdown.parse(text) if text else [],
        "gaps": gaps,
    }


def _finding(entry: dict) -> dict:
    verdict = str(entry.get("verdict", "no verdict"))
    estimate, low, high = (values.number(entry.get(key)) for key in ("estimate", "low", "high"))
    drawn = (
        None
        if None in (estimate, low, high)
        else marks.forest(estimate, low, high, values.number(entry.get("threshold")))
    )
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
        "interval": drawn,
        "evidence": _evidence(evidence),
        "cells": _cells(evidence),
        "evidence_count": len(evidence) if isinstance(evidence, list | dict) else None,
        "more": values.blocks(rest) if rest else [],
    }


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
    return (
        f"{entry['side']} {values.shown(entry['threshold'])}"
        if entry.get("side")
        else values.shown(entry["threshold"])
    )


def _evidence(evidence: object) -> list[dict]:
    if evidence in (None, "", [], {}):
        return []
    if isinstance(evidence, list) and all(isinstance(one, dict) for one in evidence):
        evidence = [_comparison(one) for one in evidence]
    return markdown.parse(evidence) if isinstance(evidence, str) else values.blocks(evidence)


def _comparison(one: dict) -> dict:
    """The estimate with its interval and unit in one place, the cells it was made of left for a list of their own."""
    kept = {
        "comparison" if key == "what" else key: value
        for key, value in one.items()
        if key not in ("low", "high", "cells")
    }
    if "status" in kept:
        kept["status"] = STATUS.get(kept["status"], kept["status"])
    if values.number(one.get("estimate")) is not None:
        kept.pop("unit", None)
        kept["estimate"] = values.with_interval(one)
    first = {key: kept[key] for key in FIRST if key in kept}  # the file has its keys by name
    return first | kept


def _cells(evidence: object) -> list[str]:
    """Every cell that a comparison names, once."""
    lists = (
        [one.get("cells") for one in evidence if isinstance(one, dict)]
        if isinstance(evidence, list)
        else []
    )
    return list(
        dict.fromkeys(str(cell) for cells in lists if isinstance(cells, list) for cell in cells)
    )


def read_decisions(results: Path) -> dict:
    """``cards``: title, what its sentences rest on (``setting``), answers to questions, what is missing, and blocks of the rest each; or
    ``blocks``, the text of decision.md, where decision.json is not there; ``gaps``."""
    gaps: list[Gap] = []
    record = optional_json(results / "decision.json", gaps, COMMAND)
    cards = []
    if isinstance(record, dict) and isinstance(
        record.get("cards", record.get("decisions")), list | dict
    ):
        record = record.get("cards", record.get("decisions"))
    if isinstance(record, dict):
        alike = bool(record) and all(isinstance(value, dict) for value in record.values())
        record = [{"title": key, **value} for key, value in record.items()] if alike else [record]
    for entry in record if isinstance(record, list) else []:
        if isinstance(entry, dict):
            key = next((key for key in CARD_TITLES if key in entry), None)
            answers, missing = _answers(entry.get("lines")), entry.get("missing")
            missing = [str(one) for one in missing] if isinstance(missing, list) else []
            shown = {
                key,
                "setting",
                *(("lines",) if answers else ()),
                *(("missing",) if isinstance(entry.get("missing"), list) else ()),
            }
            rest = {name: value for name, value in entry.items() if name not in shown}
            cards.append(
                {
                    "title": str(entry.get(key, "Decision")),
                    "setting": str(entry["setting"]) if entry.get("setting") else None,
                    "answers": answers,
                    "missing": missing,
                    "blocks": values.blocks(rest) if rest else [],
                }
            )
    text = None if cards else optional_text(results / "decision.md")
    return {"cards": cards, "blocks": markdown.parse(text) if text else [], "gaps": gaps}


def _answers(lines: object) -> list[tuple[str, list[tuple[str, str]]]]:
    """Of each question, in the order they come, the answers in two words and in a sentence."""
    found: dict[str, list[tuple[str, str]]] = {}
    for line in lines if isinstance(lines, list) else []:
        if isinstance(line, dict) and line.get("sentence"):
            question = str(line.get("question", ""))
            found.setdefault(HEADINGS.get(question, values.words(question)), []).append(
                (str(line.get("answer", "")), str(line["sentence"]))
            )
    return list(found.items())


def read_published(results: Path) -> dict:
    """``table``: ours, the paper's and the difference; ``gaps``."""
    table: Table | None = read_table(results / "published.csv")
    absent = "published.csv is not there: the study has no dataset of the paper, or it was not compared yet"
    gaps = [] if table else [Gap(absent, "snakemake figures")]
    return {"table": table, "gaps": gaps}
