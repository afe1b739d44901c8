"""Findings and decision cards as JSON, for programs, and beside it as text of the same name, for people."""

from dataclasses import asdict
from pathlib import Path

from fourlenses.core.files import atomic, write_json
from fourlenses.findings import words
from fourlenses.findings.decision import Card
from fourlenses.findings.finding import Finding


def findings(found: list[Finding], output: Path, setting: str) -> None:
    """`output` (.json): a list of findings; the same beside it as .md, after what they rest on."""
    write_json(output, [asdict(one) for one in found])
    parts = [
        "# Findings\n\nWhat the study says of the paper's claims, from every comparison it made: docs/reference/findings.md.\n\n"
    ]
    parts.append(f"{setting}\n")
    for one in found:
        parts.append(
            f"\n## {one.statement}\n\n**{one.verdict[0].upper()}{one.verdict[1:]}.** {_mean(one)}{one.note}\n"
        )
        if one.evidence:
            second = next(
                (e["second_scale"]["unit"] for e in one.evidence if "second_scale" in e), None
            )
            parts.append(
                f"\n| target | comparison | {one.unit} (95 % interval) |{f' {second} |' if second else ''} status |\n"
            )
            parts.append(f"|---|---|---|{'---|' if second else ''}---|\n")
            parts += [_row(entry, second) for entry in one.evidence]
    _text(output, "".join(parts))


def _mean(one: Finding) -> str:
    if one.estimate is None:
        return ""
    low, high = words.number(one.low, one.unit), words.number(one.high, one.unit)
    mean = f"Mean over those that count {words.number(one.estimate, one.unit)} {one.unit} ({low} to {high}), for orientation. "
    return f"{mean}Threshold: {one.side} {one.threshold:g}. "


def _row(entry: dict, second: str | None) -> str:
    cells = [entry["target"], entry["what"], _ends(entry, entry["unit"])]
    if second:
        cells.append(_ends(entry["second_scale"], second) if "second_scale" in entry else "–")
    reason = f": {entry['reason']}" if "reason" in entry else ""
    cells.append(entry["status"] + reason)
    return f"| {' | '.join(cells)} |\n"


def _ends(numbers: dict, unit: str) -> str:
    if numbers["estimate"] is None:
        return "–"
    estimate, low, high = (
        words.number(numbers[name], unit) for name in ("estimate", "low", "high")
    )
    return f"{estimate} ({low} to {high})"


def cards(found: list[Card], output: Path) -> None:
    """`output` (.json): a list of cards; the same beside it as .md."""
    write_json(output, [asdict(one) for one in found])
    parts = ["# Decision card\n\nWhat the study says of each target: docs/reference/findings.md.\n"]
    for card in found:
        parts.append(f"\n## {card.target}\n\n{card.setting}\n\n")
        parts += [f"- **{line.answer}**: {line.sentence}\n" for line in card.lines]
        parts += [f"- not measured: {text}\n" for text in card.missing]
    _text(output, "".join(parts))


def _text(output: Path, text: str) -> None:
    with atomic(output.with_suffix(".md")) as temporary:
        temporary.write_text(text, encoding="utf-8")
