"""What a pretraining's history.csv says of its steps."""

import csv
import math
from pathlib import Path

Curve = dict[int, float]  # step -> value, NaN where it is no number
COLUMNS = ("loss", "knn_top1")


def read_history(file: Path) -> dict[str, Curve]:
    """Return the curves of `COLUMNS`, each with the steps that have a value.

    Args:
        file: may be absent, damaged or without some of the columns.
    """
    curves: dict[str, Curve] = {column: {} for column in COLUMNS}
    if not file.is_file():
        return curves
    with open(file, newline="", encoding="utf-8", errors="replace") as opened:
        for place, row in enumerate(csv.DictReader(opened)):
            step = _float(row.get("step") or "")
            for column in COLUMNS:
                if text := row.get(column):
                    curves[column][int(step) if math.isfinite(step) else place] = _float(text)
    return curves


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
