"""Paired intervals for what a study compares, from the predictions of every encoder on the same test images: paired.csv, by metrics.csv.

The table of accuracies cannot say how often two encoders are right on the same images; this can, and its intervals are narrower.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, groupby
from pathlib import Path

import numpy as np
import pandas as pd

from fourlenses.errors import UserError
from fourlenses.evaluation.predictions import TargetPredictions, read_predictions
from fourlenses.evaluation.statistics import paired_difference
from fourlenses.files import atomic, read_json
from fourlenses.lenses.contrasts import PAIRED_COLUMNS
from fourlenses.study import SCRATCH, Subset

log = logging.getLogger(__name__)
KEY = ("run", "target", "labelled", "protocol")


@dataclass(frozen=True)
class _Judged:
    """One cell: what identifies it, and which of its test images (manifest rows, (M,)) it got right, bool (M,)."""

    group: tuple  # target, level, labelled_images, label_draw, seed: alike in both cells of a pair
    protocol: str
    run: str
    lenses: frozenset[str]
    rows: np.ndarray
    right: np.ndarray


def collect_paired(study_file: Path, evaluations: Path, output: Path) -> int:
    """Write ``output`` (`contrasts.PAIRED_COLUMNS`) and return its number of rows: all pairs of cells of one target, label size, draw and
    seed that a lens looks at together, of one protocol or linear against scratch, at the finest level.

    Raises:
        UserError: the record or the predictions of a cell are missing.
    """
    cells = sorted(_judged(read_json(study_file)["cells"], evaluations), key=lambda cell: (cell.group, cell.protocol, cell.run))
    found = []
    for group, members in groupby(cells, key=lambda cell: cell.group):
        for a, b in combinations(members, 2):
            if not _compared(a, b):
                continue
            if not np.array_equal(a.rows, b.rows):
                log.warning("%s and %s were tested on different images of %s: not paired", a.run, b.run, group[0])
                continue
            found.append((*group, a.protocol, a.run, b.protocol, b.run, *paired_difference(a.right, b.right), len(a.right)))
    with atomic(output) as temporary:
        pd.DataFrame(found, columns=PAIRED_COLUMNS).to_csv(temporary, index=False, float_format="%.4f", lineterminator="\n")
    return len(found)


def _compared(a: _Judged, b: _Judged) -> bool:
    protocols = {a.protocol, b.protocol}
    return bool(a.lenses & b.lenses) and (len(protocols) == 1 or protocols == {"linear", SCRATCH})


def _judged(cells: list[dict], evaluations: Path) -> Iterator[_Judged]:
    """Once per cell: sizes 50000 and ``all`` may be the same images, of which the first is kept with the lenses of both."""
    lenses: dict[tuple, frozenset[str]] = {}
    kept: dict[tuple, tuple] = {}
    for name, wanted in groupby(sorted(cells, key=lambda cell: cell["record"]), key=lambda cell: cell["record"]):
        file = evaluations / name
        predictions_file = file.with_name("predictions.npz") if file.name == "cells.json" else file.with_suffix(".npz")
        for missing in (one for one in (file, predictions_file) if not one.exists()):
            raise UserError(f"{missing} is missing; run snakemake evaluate_all")
        records = {tuple(record[part] for part in KEY): record for record in read_json(file)["cells"]}
        predictions = read_predictions(predictions_file)
        for cell in wanted:
            key = tuple(cell[part] for part in KEY)
            if key not in records:
                raise UserError(f"{file} lacks '{' '.join(key)}'; run snakemake evaluate_all --forcerun evaluate")
            judged = _right(records[key], predictions.get(cell["target"]))
            if judged is None:
                log.warning("%s has no finest predictions of '%s': not paired", predictions_file, " ".join(key))
                continue
            group, rows, right = judged
            one = (group, cell["protocol"], cell["run"])
            kept.setdefault(one, (rows, right))
            lenses[one] = lenses.get(one, frozenset()) | frozenset(cell["lenses"])
    return (_Judged(*one, lenses[one], *arrays) for one, arrays in kept.items())


def _right(record: dict, kept: TargetPredictions | None) -> tuple[tuple, np.ndarray, np.ndarray] | None:
    """The cell's group, test rows, and which it got right; None where the file has no such predictions, or not what they count."""
    predicted = kept and kept.predicted.get(f"{record['protocol']}/{record['labelled']}")
    if predicted is None or kept.labels is None or kept.rows is None:
        return None
    draw = Subset.parse(record["labelled"]).draw
    group = (record["target"], record["levels"][-1]["level"], record["labelled_images"], draw, record["seed"])
    return group, kept.rows, predicted == kept.labels
