"""Findings and decision cards as files: JSON for programs, and text of the same name for people."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from fourlenses.core.files import atomic, write_json
from fourlenses.findings.card import Card
from fourlenses.findings.finding import Entry, Estimate, Finding
from fourlenses.findings.numbers import NOTHING, difference
from fourlenses.findings.show import html, markdown
from fourlenses.findings.verdict import AGAINST, HOLDS, OPEN
from fourlenses.study import names

COUNTED = (HOLDS, AGAINST, OPEN)


def findings(found: Sequence[Finding], output: Path, setting: str) -> None:
    """Write the findings to ``output`` (.json), and as text to the .md of the same name.

    Args:
        found: the findings.
        output: a file that ends in .json.
        setting: what they rest on, for the text.
    """
    write_json(output, [finding.as_json() for finding in found])
    head = (
        "# Findings\n\nWhat the study says of the paper's claims, from every comparison it made: "
        "docs/reference/findings.md.\n\n"
    )
    _text(output, f"{head}{setting}\n{''.join(map(_section, found))}")


def _section(finding: Finding) -> str:
    verdict = f"{finding.verdict[0].upper()}{finding.verdict[1:]}"
    said = f"{_mean(finding)}{finding.note}{_half_widths(finding.evidence)}"
    text = f"\n## {finding.statement}\n\n**{verdict}.** {said}\n"
    if not finding.evidence:
        return text
    second = next((one.second_scale.unit for one in finding.evidence if one.second_scale), None)
    head = ["target", "comparison", f"{finding.unit} (95 % interval)", "half-width (planned)"]
    head += [second] if second else []
    rows = [_cells(entry, second) for entry in finding.evidence]
    return text + "\n" + markdown.table([[*head, "status"], *rows])


def _mean(finding: Finding) -> str:
    number = difference(finding.estimate, finding.low, finding.high, unit=finding.unit)
    if number == NOTHING:
        return ""
    estimate, _, ends = number.partition(" ")
    number = f"{estimate} {finding.unit} {ends}"
    counted = [entry.target for entry in finding.evidence if entry.status in COUNTED]
    alike = ", every target alike," if 1 < len(set(counted)) < len(counted) else ""
    mean = f"Mean of those that count{alike} {number}, for orientation. "
    if len(counted) == 1:
        mean = f"The one that counts: {number}. "
    return f"{mean}Threshold: {finding.side} {finding.threshold:g}. "


def _half_widths(entries: Sequence[Entry]) -> str:
    """` Half-widths reached: 1.9 to 3.6; planned: 1.5 to 2.7.`, of the first scale."""
    reached = _range([entry.number.half_width for entry in entries])
    planned = _range([entry.planned_half_width for entry in entries])
    if not reached:
        return ""
    return f" Half-widths reached: {reached}; planned: {planned or 'not known (snakemake plan)'}."


def _range(values: Sequence[float | None]) -> str:
    """`1.9 to 3.6`, or one number; nothing where none is known."""
    known = sorted(value for value in values if value is not None)
    ends = dict.fromkeys(f"{end:.1f}" for end in (known[:1] + known[-1:]))
    return " to ".join(ends)


def _cells(entry: Entry, second: str | None) -> list[str]:
    half, planned = entry.number.half_width, entry.planned_half_width
    widths = NOTHING if half is None else f"{half:.1f}"
    if planned is not None:
        widths += f" ({planned:.1f})"
    cells = [names.dataset(entry.target), entry.what, _number(entry.number), widths]
    if second:
        cells.append(_number(entry.second_scale) if entry.second_scale else NOTHING)
    reason = f": {entry.reason}" if entry.reason is not None else ""
    return [*cells, entry.status + reason]


def _number(number: Estimate) -> str:
    return difference(number.estimate, number.low, number.high, unit=number.unit)


def cards(found: Sequence[Card], output: Path) -> None:
    """Write the cards to ``output`` (.json), and for people to the .md and .html of its name."""
    entries = [asdict(card) for card in found]
    write_json(output, entries)
    _text(output, markdown.cards(entries))
    with atomic(output.with_suffix(".html")) as temporary:
        temporary.write_text(html.cards(entries), encoding="utf-8")


def _text(output: Path, text: str) -> None:
    with atomic(output.with_suffix(".md")) as temporary:
        temporary.write_text(text, encoding="utf-8")
