"""The health of pretraining runs: what run.json and history.csv of each say."""

import csv
import math
from pathlib import Path

from fourlenses.core.units import format_duration
from fourlenses.report import values
from fourlenses.report.gaps import Gap, optional_json
from fourlenses.report.records import marks
from fourlenses.study.layout import HISTORY, RUN

COMMAND = "snakemake pretrain_all"


def read_runs(pretrain: Path, wanted: set[str]) -> dict:
    """Return the records of some encoders, ordered by name.

    Args:
        pretrain: the folder of the records.
        wanted: `<method>/<source>/seed<k>`.

    Returns:
        ``runs``: name, record and health of each; ``hours``: wall time of all; ``gaps``.
    """
    gaps: list[Gap] = []
    runs, missing = [], []
    for name in sorted(wanted, key=_natural):
        folder = pretrain / name
        if not (folder / RUN).is_file():
            missing.append(name)
            continue
        record = optional_json(folder / RUN, gaps, COMMAND)
        if isinstance(record, dict):
            runs.append(_health(name, record, _losses(folder / HISTORY)))
    if missing:
        which = f"{len(missing)} of the {len(wanted)} encoders in the table, e.g. {missing[0]}"
        gaps.append(Gap(f"No record of {which}", COMMAND))
    return {"runs": runs, "hours": sum(run["seconds"] or 0.0 for run in runs) / 3600, "gaps": gaps}


def _health(name: str, record: dict, losses: list[float]) -> dict:
    seconds, peak, rate = (
        values.number(record.get(key))
        for key in ("wall_time_seconds", "peak_memory_bytes", "images_per_second")
    )
    notes = record.get("notes")
    collapsed = record.get("collapsed")
    return {
        "name": name,
        "record": record,
        "trained": bool(losses),
        "final_loss": f"{losses[-1]:.4g}" if losses and math.isfinite(losses[-1]) else "–",
        "diverged": bool(losses) and not math.isfinite(losses[-1]),
        "spark": marks.spark_line(losses),
        "rate": "–" if not rate else f"{rate:,.0f}",
        "seconds": seconds,
        "time": "–" if seconds is None else format_duration(seconds),
        "memory": "–" if peak is None else f"{peak / 2**30:.2f}",
        "collapsed": str(collapsed) if collapsed else None,
        "notes": [str(note) for note in notes] if isinstance(notes, list) else [],
        "device": str(record.get("device") or "–"),
    }


def _losses(history: Path) -> list[float]:
    """The column `loss`, one value per row that has one; what is no number is not finite."""
    if not history.is_file():
        return []
    with open(history, newline="", encoding="utf-8", errors="replace") as file:
        return [_float(row["loss"]) for row in csv.DictReader(file) if row.get("loss")]


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _natural(name: str) -> list[tuple[int, object]]:
    """simclr/a-900 before simclr/a-4000."""
    digits = ""
    parts: list[tuple[int, object]] = []
    for character in [*name, ""]:
        if character.isascii() and character.isdigit():
            digits += character
            continue
        if digits:
            parts.append((0, int(digits)))
            digits = ""
        parts.append((1, character))
    return parts
