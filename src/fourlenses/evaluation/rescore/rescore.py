"""Score kept predictions at the levels of another hierarchy: nothing is trained again, and no image is read."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from fourlenses.core.errors import UserError, one_of
from fourlenses.core.files import write_csv, write_json
from fourlenses.data.manifest.manifest import (
    Hierarchy,
    hierarchy_of,
    labels_of,
    read_manifest,
    rows_of,
)
from fourlenses.evaluation.predictions import TargetPredictions, read_predictions
from fourlenses.evaluation.rescore.hierarchies import read_hierarchy
from fourlenses.metrics.label_levels import coarsen, describe_level
from fourlenses.metrics.mean_class_accuracy import mean_class_accuracy
from fourlenses.metrics.statistics import wilson_interval

log = logging.getLogger(__name__)
COLUMNS = [
    "predictions",
    "target",
    "protocol",
    "labelled",
    "level",
    "top1",
    "top1_low",
    "top1_high",
    "mean_class_top1",
    "classes_tested",
    "n_test",
    "n_classes",
    "chance",
    "level_depth",
    "is_finest",
]


def rescore(
    files: Sequence[Path],
    target: str | None,
    manifest_file: Path | None,
    hierarchy_file: Path | None,
    levels: Sequence[str] = (),
    other_classes: bool = False,
) -> list[dict]:
    """One row (see ``COLUMNS``) per file, protocol, labelled set and level, coarse to fine; accuracies in percent, 95 % Wilson intervals.

    target: which one of the files' targets; None where they have but one. manifest_file: of the target; it gives the classes and true
    labels of files that lack them, and the hierarchy where there is no hierarchy_file. levels, other_classes: see `read_hierarchy`.

    Raises:
        UserError: see `read_predictions` and `read_hierarchy`; a target that is not there; nothing says what the true labels are.
    """
    if hierarchy_file is None and manifest_file is None:
        raise UserError(
            "no hierarchy to score by: give --hierarchy, a CSV, or --manifest, to score by the levels of the dataset itself"
        )
    rows, hierarchies = [], {}
    for file in files:
        name, kept = _target(file, target)
        kept = _completed(file, name, kept, manifest_file)
        classes = tuple(kept.classes)
        if classes not in hierarchies:  # alike in all files of one study
            hierarchies[classes] = _hierarchy(
                hierarchy_file, manifest_file, classes, levels, other_classes
            )
        rows += _rows(file, name, kept, hierarchies[classes])
    if not rows:
        raise UserError(
            f"{', '.join(map(str, files))}: no predictions of finest classes, hence nothing to score at other levels"
        )
    return rows


def write_rows(rows: list[dict], output: Path) -> None:
    """As JSON (a list) or CSV, by the name of the file."""
    if output.suffix == ".json":
        write_json(output, rows)
    else:
        rounded = (
            {
                key: f"{value:.4f}" if isinstance(value, float) else value
                for key, value in row.items()
            }
            for row in rows
        )
        write_csv(output, COLUMNS, rounded)


def _target(file: Path, wanted: str | None) -> tuple[str, TargetPredictions]:
    targets = read_predictions(file)
    if wanted is None and len(targets) != 1:
        raise UserError(
            f"{file} has predictions of {', '.join(targets) or 'nothing'}: choose one with --target"
        )
    wanted = wanted or next(iter(targets))
    if wanted not in targets:
        raise one_of(f"target of {file}", wanted, targets)
    return wanted, targets[wanted]


def _completed(
    file: Path, name: str, kept: TargetPredictions, manifest_file: Path | None
) -> TargetPredictions:
    """With labels and classes, from the manifest where the file has none, once all fits together."""
    if kept.labels is None or kept.classes is None:
        if manifest_file is None:
            raise UserError(
                f"{file} does not say what the true classes of '{name}' are: give --manifest, the manifest of that dataset"
            )
        manifest = read_manifest(manifest_file)
        tests = rows_of(manifest, "test")
        kept = TargetPredictions(
            kept.predicted, tests, labels_of(manifest)[tests], hierarchy_of(manifest).classes[-1]
        )
    for cell, predicted in kept.predicted.items():
        if len(predicted) != len(kept.labels):
            raise UserError(
                f"{file}: {name}/{cell} has {len(predicted)} predictions for {len(kept.labels)} test images, and nothing says which of "
                "them were left out; evaluate again"
            )
    return kept


def _hierarchy(
    file: Path | None,
    manifest_file: Path,
    classes: tuple[str, ...],
    levels: Sequence[str],
    other_classes: bool,
) -> Hierarchy:
    if file is not None:
        return read_hierarchy(file, classes, levels, other_classes)
    hierarchy = hierarchy_of(read_manifest(manifest_file))
    if tuple(hierarchy.classes[-1]) != classes:
        raise UserError(
            f"{manifest_file} has other classes than the predictions were made for; evaluate again, or give --hierarchy"
        )
    wanted = (
        [*(level for level in levels if level != hierarchy.names[-1]), hierarchy.names[-1]]
        if levels
        else hierarchy.names
    )
    unknown = next((level for level in wanted if level not in hierarchy.names), None)
    if unknown is not None:
        raise one_of(f"level of {manifest_file}", unknown, hierarchy.names)
    chosen = [hierarchy.names.index(level) for level in wanted]
    return Hierarchy(
        wanted, [hierarchy.classes[level] for level in chosen], hierarchy.table[:, chosen]
    )


def _rows(file: Path, name: str, kept: TargetPredictions, hierarchy: Hierarchy) -> Iterator[dict]:
    truth = coarsen(kept.labels, hierarchy.table)
    for cell, predicted in kept.predicted.items():
        protocol, _, labelled = cell.partition("/")
        if "@" in protocol:
            log.info(
                "%s: %s/%s was trained at another level than the finest: passed over",
                file,
                name,
                cell,
            )
            continue
        if predicted.max(initial=0) >= hierarchy.num_classes:
            raise UserError(
                f"{file}: {name}/{cell} predicts class {predicted.max()} of {hierarchy.num_classes} classes; evaluate again"
            )
        for depth, (level, label, right) in enumerate(
            zip(
                hierarchy.names,
                truth.T,
                (coarsen(predicted, hierarchy.table) == truth).T,
                strict=True,
            )
        ):
            low, high = wilson_interval(int(right.sum()), len(right))
            yield {
                "predictions": str(file),
                "target": name,
                "protocol": protocol,
                "labelled": labelled,
                "level": level,
                "top1": 100 * int(right.sum()) / len(right),
                "top1_low": low,
                "top1_high": high,
                "mean_class_top1": mean_class_accuracy(right, label),
                "classes_tested": len(np.unique(label)),
                "n_test": len(right),
                **describe_level(hierarchy.table[:, depth], label),
                "level_depth": depth,
                "is_finest": "true" if level == hierarchy.names[-1] else "false",
            }
