"""The findings of a study, read from what the rule `findings` writes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from fourlenses.report import markdown, values
from fourlenses.report.charts.scale import Axis
from fourlenses.report.charts.strip import Comparison, Strip, common_axis, strip
from fourlenses.report.decisions import OPEN, sense_of
from fourlenses.report.figures import lens_of
from fourlenses.report.gaps import Gap, optional_json, optional_text
from fourlenses.report.tables import read_table
from fourlenses.report.values import dicts
from fourlenses.study import names

COMMAND = "snakemake findings"
# The classes of a verdict's mark; what leans is dashed. Others, such as "confounded" or "not
# measured", say that there is no answer.
VERDICTS = ("supported", "contradicted", "equivalent", "mixed", "inconclusive")
LEANS = "leans "
PAPERS = ("quantity", "domain", "quality", "granularity")  # lenses of the paper's own claims
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
IN_THE_NOTE = ("counts", "seeds", "paired", "side", "equivalence")  # the note says them in words
# The question of the card's line that makes the same comparison as a finding.
QUESTION_OF = {
    "quantity": "doubling",
    "domain": "other_encoder",
    "domain_pool": "pool",
    "domain_added": "added",
    "alternatives": "downloaded",
}
# What a finding claims, short enough for a tile.
CLAIMS = {
    "quantity": "the last doubling of the images gains little",
    "domain": "other domains do not beat own images",
    "domain_pool": "pools do not beat own images",
    "domain_added": "added domains do not beat own images alone",
    "quality": "corruption costs contrastive pretraining more",
    "granularity": "the gap to supervised grows on finer labels",
    "alternatives": "a download beats own pretraining",
}
# For what right of 0 speaks in the drawing of a finding.
RIGHT = {
    "quantity": "twice the unlabelled images",
    "domain": "another domain's images instead of your own",
    "domain_pool": "part of your images replaced by another domain's",
    "domain_added": "another domain's images added to your own",
    "quality": "a higher cost for contrastive than for supervised pretraining",
    "granularity": "a wider lead of supervised encoders on finer labels",
    "alternatives": "the downloaded encoder against own pretraining",
}


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
    entries = dicts(record)
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
    estimate = values.number(entry.get("estimate"))
    rest = {
        key: value
        for key, value in entry.items()
        if key not in (*SHOWN, *IN_THE_NOTE) and value not in (None, "", [], {})
    }
    evidence = entry.get("evidence")
    comparisons = _comparisons(evidence)
    return {
        "key": str(entry.get("finding", "")),
        "name": _name(entry.get("finding", "a finding without a name")),
        "claim": CLAIMS.get(str(entry.get("finding", "")), ""),
        "right": RIGHT.get(str(entry.get("finding", "")), ""),
        "of_paper": lens_of(str(entry.get("finding", ""))) in PAPERS,
        "lens": lens_of(str(entry.get("finding", ""))),
        "counts": values.number(entry.get("estimate")) is not None or bool(comparisons),
        "comparisons": comparisons,
        "verdict": verdict,
        "known_verdict": _look(verdict),
        "statement": next((str(entry[key]) for key in STATED if entry.get(key)), None),
        "number": values.with_interval(entry) if estimate is not None else None,
        "note": str(entry["note"]) if entry.get("note") else None,
        "claimed": _claimed(entry),
        "threshold": values.number(entry.get("threshold")),
        "evidence": _evidence(evidence),
        "cells": _cells(evidence),
        "evidence_count": len(evidence) if isinstance(evidence, list | dict) else None,
        "more": values.blocks(rest) if rest else [],
    }


def tone_against_zero(low: float, high: float) -> str:
    """Return the class of a mark by its interval: above 0, below 0, or open."""
    return "yes" if low > 0 else "no" if high < 0 else OPEN


def with_strips(findings: list[dict], cards: Sequence[dict] = ()) -> tuple[list[dict], Axis | None]:
    """Return the findings with their comparisons as marks on one axis, and the axis.

    Only what is in points has a place on it. A mark is the one that the card gives the same
    comparison; where no card makes it, that of its interval against 0.

    Args:
        findings: as from `read_findings`.
        cards: as from `read_decisions`.
    """
    known = {
        _place(line["question"], card["target"], line): sense_of(line)
        for card in cards
        for line in card["lines"]
        if line.get("question") in QUESTION_OF.values() and "sense" in line
    }
    in_points = [
        [
            Comparison(
                estimate=one["estimate"],
                low=one["low"],
                high=one["high"],
                tone=known.get(
                    _place(QUESTION_OF.get(finding["key"], ""), one["target"], one), one["tone"]
                ),
                words=one["words"],
            )
            for one in finding["comparisons"]
            if one["unit"].startswith("points")
        ]
        for finding in findings
    ]
    axis = common_axis(in_points)
    strips: list[Strip | None] = [strip(row, axis) if row and axis else None for row in in_points]
    pairs = zip(findings, strips, strict=True)
    return [finding | {"strip": one} for finding, one in pairs], axis


def _place(question: str, target: str, numbers: Mapping) -> tuple:
    """What two records of one comparison have in common: its number to a tenth of a point."""
    ends = (values.number(numbers.get(key)) for key in ("estimate", "low", "high"))
    return question, target, *(None if end is None else round(end, 1) for end in ends)


def _comparisons(evidence: object) -> list[dict]:
    """Of the evidence what has an estimate and an interval."""
    result = []
    for entry in dicts(evidence):
        estimate, low, high = (values.number(entry.get(key)) for key in ("estimate", "low", "high"))
        if estimate is None or low is None or high is None:
            continue
        status = values.text_of(entry, "status")
        named = (_dataset(entry), values.text_of(entry, "what"))
        about = ", ".join(filter(None, named))
        said = f", {STATUS.get(status, status)}" if status else ""
        result.append(
            {
                "estimate": estimate,
                "low": low,
                "high": high,
                "target": values.text_of(entry, "target"),
                "unit": values.text_of(entry, "unit"),
                "counts": status in STATUS,
                "tone": tone_against_zero(low, high) if status in STATUS else OPEN,
                "words": f"{about}: {values.with_interval(entry)}{said}",
            }
        )
    return result


def _dataset(entry: dict) -> str:
    return names.dataset(values.text_of(entry, "target"))


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
    if "target" in shown:
        shown["target"] = _dataset(entry)
    if "status" in shown:
        shown["status"] = STATUS.get(shown["status"], shown["status"])
    if values.number(entry.get("estimate")) is not None:
        shown.pop("unit", None)
        shown["estimate"] = values.with_interval(entry)
    first = {key: shown[key] for key in FIRST if key in shown}  # the file has its keys by name
    return first | shown


def _cells(evidence: object) -> list[str]:
    """Every cell that a comparison names, once."""
    lists = (entry.get("cells") for entry in dicts(evidence))
    lines = (str(cell) for cells in lists if isinstance(cells, list) for cell in cells)
    return list(dict.fromkeys(lines))


def read_published(results: Path) -> dict:
    """Return ``table``: ours, the paper's and the difference; and ``gaps``."""
    table = read_table(results / "published.csv")
    if table and table.rows:
        return {"table": table, "gaps": []}
    if table:
        gap = Gap("None of the study's cells is in the paper, so nothing is compared with it")
    else:
        gap = Gap("published.csv is not there", "snakemake figures")
    return {"table": None, "gaps": [gap]}
