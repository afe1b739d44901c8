"""Findings and decision cards as JSON, for programs, and beside it as text of the same name, for people."""

from dataclasses import asdict
from pathlib import Path

from fourlenses.files import atomic, write_json
from fourlenses.findings.decision import Card
from fourlenses.findings.finding import Finding

BELOW = ("quantity", "domain")  # findings that claim a value below their threshold; the others, above


def findings(found: list[Finding], output: Path) -> None:
    """`output` (.json): a list of findings; the same beside it as .md."""
    write_json(output, [asdict(one) for one in found])
    parts = ["# Findings\n\nEach with its estimate, 95 % interval and the threshold it is held against: docs/findings.md.\n"]
    for place, one in enumerate(found, 1):
        parts.append(f"\n## {place}. {one.statement}\n\n**{one.verdict.capitalize()}.** {_measured(one)}\n\n{one.note}\n")
        if one.evidence:
            parts.append(f"\n| target | comparison | {one.unit} | 95 % interval |\n|---|---|---|---|\n")
            parts += [f"| {e['target']} | {e['what']} | {e['estimate']:+.1f} | {_range(e['low'], e['high'])} |\n" for e in one.evidence]
    _text(output, "".join(parts))


def cards(found: list[Card], output: Path) -> None:
    """`output` (.json): a list of cards; the same beside it as .md."""
    write_json(output, [asdict(one) for one in found])
    parts = ["# Decision card\n\nWhat the study says of each target; intervals of 95 % in brackets: docs/findings.md.\n"]
    for card in found:
        parts.append(f"\n## {card.target}\n\n")
        parts += [f"- **{line.answer}**: {line.sentence}\n" for line in card.lines]
        parts += [f"- not measured: {text}\n" for text in card.missing]
    _text(output, "".join(parts))


def _measured(one: Finding) -> str:
    if one.estimate is None:
        return "The study has nothing to say of this."
    side = "below" if one.finding in BELOW else "above"
    pairs = "paired" if one.paired else "as of independent test images"
    return (
        f"{one.estimate:+.2f} {one.unit}, interval {one.low:+.2f} to {one.high:+.2f} ({pairs}); supported when all of it is {side} "
        f"{one.threshold:g}."
    )


def _range(low: float, high: float) -> str:
    return f"{low:+.1f} to {high:+.1f}"


def _text(output: Path, text: str) -> None:
    with atomic(output.with_suffix(".md")) as temporary:
        temporary.write_text(text, encoding="utf-8")
