"""From the predictions of every encoder on the same test images, how often two are right together: paired.csv, by metrics.csv.

The table of accuracies cannot say it; with it, intervals of differences are narrower, at every label level.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from fourlenses.analysis import joint_counts
from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json
from fourlenses.data.manifest.manifest import Hierarchy, hierarchy_of, read_manifest
from fourlenses.evaluation.predictions import TargetPredictions, read_predictions
from fourlenses.study import Subset
from fourlenses.study.layout import predictions_of

log = logging.getLogger(__name__)
KEY = ("run", "target", "labelled", "protocol")


@dataclass(frozen=True)
class _Judged:
    """One cell at one level: what identifies it, and which of its test images (manifest rows, (M,)) it got right, bool (M,)."""

    group: tuple[str, int]  # target, labelled_images
    cell: tuple[str, str, str, int]  # `joint_counts.CELL`
    rows: np.ndarray
    right: np.ndarray


def collect_paired(
    study_file: Path, evaluations: Path, manifests: dict[str, Path], output: Path
) -> int:
    """Write ``output`` (`joint_counts`) and return its number of rows: every cell at the finest level, coarser ones where the lens
    granularity looks at them.

    manifests: of each target, for its hierarchy of labels.

    Raises:
        UserError: the record or the predictions of a cell are missing.
    """
    hierarchies = {target: hierarchy_of(read_manifest(file)) for target, file in manifests.items()}
    found: dict[tuple, _Judged] = {}
    for one in _judged(read_json(study_file)["cells"], evaluations, hierarchies):
        # sizes 50000 and `all` may be the same images, of which the first is kept
        found.setdefault((one.group, one.cell), one)
    groups = {}
    in_order = sorted(found.values(), key=lambda one: (one.group, one.cell))
    for group, members in groupby(in_order, key=lambda one: one.group):
        groups[group] = _counts(list(members))
    return joint_counts.write(groups, output)


def _counts(members: list[_Judged]) -> tuple[list[tuple], np.ndarray, np.ndarray]:
    """Cells, what both of two have right, int (C, C), and test images, int (C,)."""
    sets = {one.rows.tobytes(): place for place, one in reversed(list(enumerate(members)))}
    if len(sets) > 1:
        log.warning(
            "some encoders were tested on different images of %s: not paired", members[0].group[0]
        )
    both = np.full((len(members), len(members)), -1)
    for rows in sets:
        places = [place for place, one in enumerate(members) if one.rows.tobytes() == rows]
        right = np.stack([members[place].right for place in places]).astype(
            np.float32
        )  # counts below 2**24 are exact
        both[np.ix_(places, places)] = np.rint(right @ right.T).astype(int)
    return [one.cell for one in members], both, np.array([len(one.rows) for one in members])


def _judged(
    cells: list[dict], evaluations: Path, hierarchies: dict[str, Hierarchy]
) -> Iterator[_Judged]:
    for name, wanted in groupby(
        sorted(cells, key=lambda cell: cell["record"]), key=lambda cell: cell["record"]
    ):
        file = evaluations / name
        predictions_file = evaluations / predictions_of(name)
        for missing in (one for one in (file, predictions_file) if not one.exists()):
            raise UserError(f"{missing} is missing; run snakemake evaluate_all")
        records = {
            tuple(record[part] for part in KEY): record for record in read_json(file)["cells"]
        }
        predictions = read_predictions(predictions_file)
        for cell in wanted:
            key = tuple(cell[part] for part in KEY)
            if key not in records:
                raise UserError(
                    f"{file} lacks '{' '.join(key)}'; run snakemake evaluate_all --forcerun evaluate"
                )
            judged = list(
                _levels(
                    records[key],
                    predictions.get(cell["target"]),
                    hierarchies[cell["target"]],
                    "granularity" in cell["lenses"],
                )
            )
            if not judged:
                log.warning(
                    "%s has no predictions of '%s': not paired", predictions_file, " ".join(key)
                )
            yield from judged


def _levels(
    record: dict, kept: TargetPredictions | None, hierarchy: Hierarchy, coarse: bool
) -> Iterator[_Judged]:
    """The cell at its finest level and, if asked, at the coarser ones; nothing where the file lacks what is needed."""
    if kept is None or kept.labels is None or kept.rows is None:
        return
    group = record["target"], record["labelled_images"]
    draw = Subset.parse(record["labelled"]).draw
    asked = record["levels"] if coarse else record["levels"][-1:]
    for level in (one["level"] for one in asked):
        table = hierarchy.table[:, hierarchy.names.index(level)]
        right = _right(record, kept, table, level)
        if right is not None:
            yield _Judged(group, (level, record["protocol"], record["run"], draw), kept.rows, right)


def _right(
    record: dict, kept: TargetPredictions, table: np.ndarray, level: str
) -> np.ndarray | None:
    """bool (M,). table: int (fine classes,), the label of each at the level."""
    protocol, labelled = record["protocol"], record["labelled"]
    own = kept.predicted.get(
        f"{protocol}@{level}/{labelled}"
    )  # of a classifier trained at this level
    if own is not None:
        return own == table[kept.labels]
    fine = kept.predicted.get(f"{protocol}/{labelled}")
    return None if fine is None else table[fine] == table[kept.labels]
