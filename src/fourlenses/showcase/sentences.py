"""A sentence for each finding of the paper, from the findings.json of committed studies."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json
from fourlenses.findings.comparison import HAS_SEEN
from fourlenses.findings.thresholds import LEAST_SEEDS
from fourlenses.findings.verdict import AGAINST, HOLDS, NOT_MEASURED, OPEN
from fourlenses.study import names

# The paper's four; a study with downloaded encoders adds a fifth.
SHOWN = ("quantity", "domain", "quality", "granularity")
ALSO = ("alternatives",)
STATUS = {HOLDS: "as claimed", AGAINST: "against it", OPEN: "undecided"}
Record = dict[str, Any]  # of a finding in findings.json


def sentences(studies: Sequence[Path]) -> list[str]:
    """Return a line of Markdown for each of the four findings, and for alternatives where measured.

    Each is from the study with the most seeds that measured it; of several the first.

    Args:
        studies: folders of results.

    Raises:
        UserError: a folder has no findings.json, or none of them measured one of the four.
    """
    found = [(folder.name, record) for folder in studies for record in _read(folder)]
    return [line for name in (*SHOWN, *ALSO) for line in _lines(name, found, studies)]


def _read(folder: Path) -> list[Record]:
    file = folder / "findings.json"
    if not file.is_file():
        raise UserError(f"{file} is not there; make it with snakemake findings, or name another")
    records: list[Record] = read_json(file)
    return records


def _lines(
    name: str, found: Sequence[tuple[str, Record]], studies: Sequence[Path]
) -> Iterator[str]:
    measured = [
        (study, record)
        for study, record in found
        if record["finding"] == name and record["verdict"] != NOT_MEASURED
    ]
    if measured:
        study, record = max(measured, key=lambda named: named[1]["seeds"])
        yield sentence(record, study)
    elif name in SHOWN:
        raise UserError(
            f"none of {', '.join(folder.name for folder in studies)} measured the finding {name}; "
            "name a study with its lens"
        )


def sentence(record: Record, study: str) -> str:
    """Return e.g. `- **Mixed**: Images of another … by more than 1 point. From …`."""
    verdict = f"{record['verdict'][0].upper()}{record['verdict'][1:]}"
    seeds = record["seeds"]
    few = "" if seeds >= LEAST_SEEDS else " (fewer than three: it leans at most)"
    based = f"{seeds} seed{'s' if seeds != 1 else ''}{few}, [{study}](results/{study}/findings.md)."
    return f"- **{verdict}**: {record['statement']} {_number(record)}; {_counts(record)}; {based}"


def _number(record: Record) -> str:
    """The mean with its interval, or the ends of what counts, or of all where nothing counts."""
    unit = record["unit"]
    evidence = [entry for entry in record["evidence"] if entry["status"] in STATUS]
    if record["estimate"] is not None and len(evidence) != 1:
        return f"On average {_interval(record, unit)}"
    evidence = evidence or record["evidence"]
    ordered = sorted(evidence, key=lambda entry: entry["estimate"])
    if len(ordered) == 1:
        return _on_target(ordered[0], unit)
    return f"From {' to '.join(_on_target(one, unit) for one in (ordered[0], ordered[-1]))}"


def _on_target(entry: Record, unit: str) -> str:
    return f"{_interval(entry, unit)} on {names.dataset(entry['target'])}"


def _interval(entry: Record, unit: str) -> str:
    estimate, low, high = (f"{entry[end]:+.1f}" for end in ("estimate", "low", "high"))
    return f"{estimate} {unit} (95 % interval {low} to {high})"


def _counts(record: Record) -> str:
    total = len(record["evidence"])
    said = STATUS | {HAS_SEEN: "on images that the download has seen"}
    parts = [f"{count} {said.get(word, word)}" for word, count in record["counts"].items()]
    counted = f"of {total} comparison{'s' if total != 1 else ''} {', '.join(parts)}"
    return "; ".join(filter(None, [counted, _protocols(record)]))


def _protocols(record: Record) -> str:
    """`7 both linear, 1 linear against fine-tuned`, of what counts, where the sides may differ."""
    used = [one.get("protocols") for one in record["evidence"] if one["status"] in STATUS]
    counts = Counter(filter(None, used))
    return ", ".join(f"{count} {protocols}" for protocols, count in counts.most_common())
