"""Score stored predictions at the levels of another hierarchy.

Nothing is trained again, and no image is read.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fourlenses.core.errors import UserError, one_of
from fourlenses.core.files import write_csv, write_json
from fourlenses.data.manifest.manifest import hierarchy_of, labels_of, read_manifest, rows_of
from fourlenses.evaluation.predictions import TargetPredictions, read_predictions
from fourlenses.evaluation.rescore.hierarchies import read_hierarchy
from fourlenses.metrics.label_levels import LabelLevels, correct_by_level, score_levels
from fourlenses.metrics.mean_class_accuracy import mean_class_accuracy

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


@dataclass(frozen=True, kw_only=True)
class HierarchySource:
    """The hierarchy to score by.

    Attributes:
        manifest_file: of the target. It gives the classes and true labels of files that lack
            them, and the hierarchy where there is no hierarchy_file.
        hierarchy_file: a CSV, see `read_hierarchy`.
        levels: which, from coarse to fine; by default all.
        other_classes: the CSV may have rows of other classes.
    """

    manifest_file: Path | None = None
    hierarchy_file: Path | None = None
    levels: Sequence[str] = ()
    other_classes: bool = False

    def of_classes(self, classes: tuple[str, ...]) -> LabelLevels:
        """Return the label levels of these classes.

        Raises:
            UserError: see `read_hierarchy`; the manifest has other classes, or no such level.
        """
        if self.hierarchy_file is not None:
            hierarchy = read_hierarchy(
                self.hierarchy_file, classes, self.levels, other_classes=self.other_classes
            )
            return LabelLevels(hierarchy.names, hierarchy.table)
        assert self.manifest_file is not None
        hierarchy = hierarchy_of(read_manifest(self.manifest_file))
        if tuple(hierarchy.classes[-1]) != classes:
            raise UserError(
                f"{self.manifest_file} has other classes than the predictions were made for; "
                "evaluate again, or give --hierarchy"
            )
        finest = hierarchy.names[-1]
        wanted = [*(level for level in self.levels if level != finest), finest]
        names = wanted if self.levels else hierarchy.names
        unknown = next((level for level in names if level not in hierarchy.names), None)
        if unknown is not None:
            raise one_of(f"level of {self.manifest_file}", unknown, hierarchy.names)
        columns = [hierarchy.names.index(level) for level in names]
        return LabelLevels(names, hierarchy.table[:, columns])


def rescore(
    files: Sequence[Path], target: str | None, source: HierarchySource
) -> list[dict[str, Any]]:
    """Return one row (see `COLUMNS`) per file, protocol, label subset and level.

    From coarse to fine; accuracies are in percent, with 95 % Wilson intervals.

    Args:
        files: predictions, see `read_predictions`.
        target: one of the files' targets; None where they have but one.
        source: the hierarchy.

    Raises:
        UserError: see `read_predictions` and `HierarchySource`; a target that is not there;
            nothing gives the true labels.
    """
    if source.hierarchy_file is None and source.manifest_file is None:
        raise UserError(
            "no hierarchy to score by: give --hierarchy, a CSV, or --manifest, to score by the "
            "levels of the dataset itself"
        )
    rows: list[dict[str, Any]] = []
    levels_of: dict[tuple[str, ...], LabelLevels] = {}
    for file in files:
        stored = _completed(file, target, source.manifest_file)
        if stored.classes not in levels_of:  # the same in all files of one study
            levels_of[stored.classes] = source.of_classes(stored.classes)
        rows += _rows(stored, levels_of[stored.classes])
    if not rows:
        raise UserError(
            f"{', '.join(map(str, files))}: no predictions of finest classes, hence nothing to "
            "score at other levels"
        )
    return rows


def write_rows(rows: Sequence[dict[str, Any]], output: Path) -> None:
    """Write JSON (a list) or CSV, by the name of the file."""
    if output.suffix == ".json":
        write_json(output, rows)
        return
    rounded = (
        {key: f"{value:.4f}" if isinstance(value, float) else value for key, value in row.items()}
        for row in rows
    )
    write_csv(output, COLUMNS, rounded)


@dataclass(frozen=True, kw_only=True)
class _Stored:
    """The predictions of one file for one target, with its labels and class names."""

    file: Path
    target: str
    predicted: dict[str, np.ndarray]
    labels: np.ndarray
    classes: tuple[str, ...]


def _completed(file: Path, wanted: str | None, manifest_file: Path | None) -> _Stored:
    """The file's predictions, with labels and classes of the manifest where it has none."""
    name, predictions = _target(file, wanted)
    labels, classes = predictions.labels, predictions.classes
    if labels is None or classes is None:
        if manifest_file is None:
            raise UserError(
                f"{file} lacks the true classes of '{name}': give --manifest, the manifest of that "
                "dataset"
            )
        manifest = read_manifest(manifest_file)
        labels = labels_of(manifest)[rows_of(manifest, "test")]
        classes = hierarchy_of(manifest).classes[-1]
    for cell, predicted in predictions.predicted.items():
        if len(predicted) != len(labels):
            raise UserError(
                f"{file}: {name}/{cell} has {len(predicted)} predictions for {len(labels)} test "
                "images, and nothing says which of them were left out; evaluate again"
            )
    return _Stored(
        file=file,
        target=name,
        predicted=predictions.predicted,
        labels=labels,
        classes=tuple(classes),
    )


def _target(file: Path, wanted: str | None) -> tuple[str, TargetPredictions]:
    targets = read_predictions(file)
    if wanted is None and len(targets) != 1:
        raise UserError(
            f"{file} has predictions of {', '.join(targets) or 'nothing'}: choose one with --target"
        )
    name = wanted or next(iter(targets))
    if name not in targets:
        raise one_of(f"target of {file}", name, targets)
    return name, targets[name]


def _rows(stored: _Stored, levels: LabelLevels) -> Iterator[dict[str, Any]]:
    for cell, predicted in stored.predicted.items():
        protocol, _, labelled = cell.partition("/")
        where = f"{stored.file}: {stored.target}/{cell}"
        if "@" in protocol:
            log.info("%s was trained at another level than the finest: skipped", where)
            continue
        if predicted.max(initial=0) >= levels.num_classes:
            raise UserError(
                f"{where} predicts class {predicted.max()} of {levels.num_classes} classes; "
                "evaluate again"
            )
        right = correct_by_level(predicted, stored.labels, levels.table)
        for score in score_levels(predicted, stored.labels, levels):
            truth = levels.labels_at(score.level_depth, stored.labels)
            yield {
                "predictions": str(stored.file),
                "target": stored.target,
                "protocol": protocol,
                "labelled": labelled,
                "level": score.level,
                "top1": score.top1,
                "top1_low": score.low,
                "top1_high": score.high,
                "mean_class_top1": mean_class_accuracy(right[:, score.level_depth], truth),
                "classes_tested": len(np.unique(truth)),
                "n_test": len(truth),
                "n_classes": score.n_classes,
                "chance": score.chance,
                "level_depth": score.level_depth,
                "is_finest": "true" if score.is_finest else "false",
            }
