"""paired.csv: how often two encoders are right on the same test images, from their predictions.

The table of accuracies cannot say it; with it, intervals of differences are narrower, at every
label level.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from fourlenses.analysis import joint_counts
from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json
from fourlenses.data.manifest.manifest import Hierarchy, hierarchy_of, read_manifest
from fourlenses.evaluation.predictions import TargetPredictions, read_predictions
from fourlenses.study import Subset
from fourlenses.study.layout import predictions_of
from fourlenses.study.vocabulary import EVERY_LEVEL_LENSES

log = logging.getLogger(__name__)
KEY = ("run", "target", "labelled", "protocol")


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """One cell at one level, and which test images it got right.

    Attributes:
        group: target, labelled_images.
        cell: `joint_counts.CELL`.
        rows: manifest rows of the test images, int (M,).
        right: bool (M,).
        per_class: whether its labels were drawn per class.
    """

    group: tuple[str, int]
    cell: tuple[str, str, str, int]
    rows: np.ndarray
    right: np.ndarray
    per_class: bool

    @property
    def order(self) -> tuple:
        return self.group, self.cell


def collect_paired(
    study_file: Path, evaluations: Path, *, manifests: dict[str, Path], output: Path
) -> int:
    """Write the joint counts and return their number of rows.

    Every cell is there at the finest level, at coarser ones where a lens asks for every level.

    Args:
        study_file: the plan, study.json.
        evaluations: the folder of records and predictions.
        manifests: of each target, for its hierarchy of labels.
        output: paired.csv, see `joint_counts`.

    Raises:
        UserError: the record or the predictions of a cell are missing.
    """
    hierarchies = {target: hierarchy_of(read_manifest(file)) for target, file in manifests.items()}
    by_cell: dict[tuple, _Judged] = {}
    all_judged = _judged(read_json(study_file)["cells"], evaluations, hierarchies)
    # as many labels per class as another size has in all are left out, as of metrics.csv
    for judged in sorted(all_judged, key=lambda judged: judged.per_class):
        # sizes 50000 and `all` may be the same images, of which the first stays
        by_cell.setdefault(judged.order, judged)
    in_order = sorted(by_cell.values(), key=lambda judged: judged.order)
    by_group = groupby(in_order, key=lambda judged: judged.group)
    groups = {group: _counts(list(members)) for group, members in by_group}
    return joint_counts.write(groups, output)


def _counts(members: list[_Judged]) -> joint_counts.Counts:
    test_sets = dict.fromkeys(judged.rows.tobytes() for judged in members)
    if len(test_sets) > 1:
        target, _ = members[0].group
        log.warning("some encoders were tested on different images of %s: not paired", target)
    both = np.full((len(members), len(members)), -1)
    for test_set in test_sets:
        places = [i for i, judged in enumerate(members) if judged.rows.tobytes() == test_set]
        # counts below 2**24 are exact in float32
        right = np.stack([members[index].right for index in places]).astype(np.float32)
        both[np.ix_(places, places)] = np.rint(right @ right.T).astype(int)
    tests = np.array([len(judged.rows) for judged in members])
    return joint_counts.Counts([judged.cell for judged in members], both, tests)


def _judged(
    cells: list[dict[str, Any]], evaluations: Path, hierarchies: dict[str, Hierarchy]
) -> Iterator[_Judged]:
    def record_of(cell: dict[str, Any]) -> str:
        return cell["record"]

    for name, asked in groupby(sorted(cells, key=record_of), key=record_of):
        file, predictions_file = evaluations / name, evaluations / predictions_of(name)
        for needed in (file, predictions_file):
            if not needed.exists():
                raise UserError(f"{needed} is missing; run snakemake evaluate_all")
        content = read_json(file)
        stored: list[dict[str, Any]] = content["cells"]
        left_out = {tuple(entry[part] for part in KEY) for entry in content.get("left_out", [])}
        records = {tuple(record[part] for part in KEY): record for record in stored}
        predictions = read_predictions(predictions_file)
        for cell in asked:
            key = tuple(cell[part] for part in KEY)
            if key in left_out:
                continue
            if key not in records:
                raise UserError(
                    f"{file} lacks '{' '.join(key)}'; "
                    "run snakemake evaluate_all --forcerun evaluate"
                )
            every_level = any(lens in EVERY_LEVEL_LENSES for lens in cell["lenses"])
            of_target, hierarchy = predictions.get(cell["target"]), hierarchies[cell["target"]]
            judged = list(_levels(records[key], of_target, hierarchy, every_level=every_level))
            if not judged:
                name = " ".join(key)
                log.warning("%s has no predictions of '%s': not paired", predictions_file, name)
            yield from judged


def _levels(
    record: dict[str, Any],
    predictions: TargetPredictions | None,
    hierarchy: Hierarchy,
    *,
    every_level: bool,
) -> Iterator[_Judged]:
    """The cell at its finest level and, if asked, at the coarser ones; nothing where the file lacks
    what is needed."""
    if predictions is None or predictions.labels is None or predictions.rows is None:
        return
    group = record["target"], record["labelled_images"]
    subset = Subset.parse(record["labelled"])
    for score in record["levels"] if every_level else record["levels"][-1:]:
        level = score["level"]
        labels = hierarchy.table[:, hierarchy.names.index(level)]
        right = _right(record, predictions, labels, level=level)
        if right is not None:
            cell = level, record["protocol"], record["run"], subset.draw
            yield _Judged(
                group=group,
                cell=cell,
                rows=predictions.rows,
                right=right,
                per_class=subset.per_class,
            )


def _right(
    record: dict[str, Any], predictions: TargetPredictions, labels: np.ndarray, *, level: str
) -> np.ndarray | None:
    """Which test images are right, bool (M,). labels: int (fine classes,), of each at the level."""
    assert predictions.labels is not None
    protocol, labelled = record["protocol"], record["labelled"]
    truth = labels[predictions.labels]
    # of a classifier trained at this level
    at_level = predictions.predicted.get(f"{protocol}@{level}/{labelled}")
    if at_level is not None:
        return at_level == truth
    fine = predictions.predicted.get(f"{protocol}/{labelled}")
    return None if fine is None else labels[fine] == truth
