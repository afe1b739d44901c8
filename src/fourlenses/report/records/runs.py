"""The health of pretraining runs: what run.json and history.csv of each say."""

import math
from pathlib import Path

from fourlenses.core.units import format_duration
from fourlenses.report import values
from fourlenses.report.charts.training import drawings
from fourlenses.report.gaps import Gap, optional_json
from fourlenses.report.records import marks
from fourlenses.report.records.history import Curve, read_history
from fourlenses.study.layout import HISTORY, RUN

COMMAND = "snakemake pretrain_all"


def read_runs(pretrain: Path, wanted: set[str]) -> dict:
    """Return the records of some encoders, ordered by name.

    Args:
        pretrain: the folder of the records.
        wanted: `<method>/<source>/seed<k>`.

    Returns:
        ``runs``: name, record and health of each; ``drawings``: of their histories; ``hours``:
        wall time of all; ``gaps``.
    """
    gaps: list[Gap] = []
    runs, missing = [], []
    histories: list[tuple[str, dict[str, Curve]]] = []
    for name in sorted(wanted, key=_natural):
        folder = pretrain / name
        if not (folder / RUN).is_file():
            missing.append(name)
            continue
        record = optional_json(folder / RUN, gaps, COMMAND)
        if isinstance(record, dict):
            history = read_history(folder / HISTORY)
            histories.append((name, history))
            runs.append(_health(name, record, list(history["loss"].values())))
    if missing:
        which = f"{len(missing)} of the {len(wanted)} encoders in the table, e.g. {missing[0]}"
        gaps.append(Gap(f"No record of {which}", COMMAND))
    return {
        "runs": runs,
        "drawings": drawings(histories),
        "hours": sum(run["seconds"] or 0.0 for run in runs) / 3600,
        "gaps": gaps,
    }


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
