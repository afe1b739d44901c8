"""classes.csv, confusions.csv and confusion_matrices.csv: accuracy of each class, and which classes
are taken for which.

All are made from the predictions that every evaluation keeps. They hold, for each encoder,
protocol and target, the largest number of labels, summed over seeds and draws.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from fourlenses.core.errors import UserError, printable
from fourlenses.core.files import read_json, write_csv
from fourlenses.data.manifest.manifest import Hierarchy, hierarchy_of, read_manifest
from fourlenses.evaluation import confusion_matrices
from fourlenses.evaluation.predictions import read_predictions
from fourlenses.study import names
from fourlenses.study.layout import predictions_of
from fourlenses.study.vocabulary import FROM_SCRATCH

KEY = ("target", "protocol", "method", "source", "corruption")
CLASS_COLUMNS = (*KEY, "labelled_images", "runs", "class", "n_test", "top1")
CONFUSION_COLUMNS = (*KEY, "labelled_images", "class", "taken_for", "n_test", "errors", "share")
MATRIX_COLUMNS = (*KEY, "labelled_images", *confusion_matrices.COLUMNS)
NO_SOURCE = "none"
PAIRS = 10  # most confused ones of an encoder, protocol and target
Key = tuple[str, ...]


@dataclass(kw_only=True)
class _Counts:
    """Predictions of one key, summed over runs.

    Attributes:
        classes: their names.
        labelled_images: the largest number of labels.
        pairs: true class x K + predicted class -> how many test images.
        runs: seeds and draws.
    """

    classes: list[str]
    labelled_images: int
    pairs: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    runs: int = 0


def collect_classes(
    study_file: Path,
    evaluations: Path,
    *,
    manifests: Mapping[str, Path],
    classes: Path,
    confusions: Path,
    matrices: Path,
) -> int:
    """Write the tables and return how many encoders, protocols and targets they have.

    Args:
        study_file: the plan, study.json.
        evaluations: the folder of records and predictions.
        manifests: of each target, for its label levels.
        classes: classes.csv, of `CLASS_COLUMNS`.
        confusions: confusions.csv, of `CONFUSION_COLUMNS`.
        matrices: confusion_matrices.csv, of `MATRIX_COLUMNS`.

    Raises:
        UserError: a record or its predictions are missing.
    """
    counts = dict(sorted(_counted(study_file, evaluations).items()))
    write_csv(classes, CLASS_COLUMNS, _class_rows(counts))
    write_csv(confusions, CONFUSION_COLUMNS, _confusion_rows(counts))
    levels = {name: hierarchy_of(read_manifest(file)) for name, file in manifests.items()}
    write_csv(matrices, MATRIX_COLUMNS, _matrix_rows(counts, levels))
    return len(counts)


def _counted(study_file: Path, evaluations: Path) -> dict[Key, _Counts]:
    files = sorted({cell["record"] for cell in read_json(study_file)["cells"]})
    records = {file: read_json(_existing(evaluations / file))["cells"] for file in files}
    largest: dict[Key, int] = defaultdict(int)
    for cell in (cell for cells in records.values() for cell in cells):
        key = _key(cell)
        largest[key] = max(largest[key], cell["labelled_images"])
    counts: dict[Key, _Counts] = {}
    for record, cells in records.items():
        predictions = read_predictions(_existing(evaluations / predictions_of(record)))
        for cell in cells:
            key = _key(cell)
            of_target = predictions.get(cell["target"])
            if of_target is None or of_target.labels is None or of_target.classes is None:
                continue
            predicted = of_target.predicted.get(f"{cell['protocol']}/{cell['labelled']}")
            if predicted is None or cell["labelled_images"] < largest[key]:
                continue
            if key not in counts:
                counts[key] = _Counts(classes=of_target.classes, labelled_images=largest[key])
            entry = counts[key]
            coded = of_target.labels.astype(np.int64) * len(entry.classes) + predicted
            for pair, count in zip(*np.unique(coded, return_counts=True), strict=True):
                entry.pairs[int(pair)] += int(count)
            entry.runs += 1
    return counts


def _key(cell: dict) -> Key:
    """What runs are summed by: seeds are alike, and a training from scratch has no source."""
    from_scratch = cell["protocol"] in FROM_SCRATCH
    source = NO_SOURCE if from_scratch else names.of_any_seed(cell["source"])
    return tuple(source if part == "source" else str(cell[part]) for part in KEY)


def _existing(file: Path) -> Path:
    if not file.exists():
        raise UserError(f"{file} is missing; run snakemake evaluate_all")
    return file


def _class_rows(counts: dict[Key, _Counts]) -> Iterator[tuple]:
    for key, entry in counts.items():
        number = len(entry.classes)
        tests, right = np.zeros(number, int), np.zeros(number, int)
        for pair, count in entry.pairs.items():
            true, predicted = divmod(pair, number)
            tests[true] += count
            right[true] += count if true == predicted else 0
        for place in np.flatnonzero(tests):
            top1 = f"{100 * right[place] / tests[place]:.2f}"
            of_class = printable(entry.classes[place]), tests[place] // entry.runs, top1
            yield (*key, entry.labelled_images, entry.runs, *of_class)


def _confusion_rows(counts: dict[Key, _Counts]) -> Iterator[tuple]:
    """The pairs with most errors first; equal ones by the names of their classes."""
    for key, entry in counts.items():
        number = len(entry.classes)
        tests: dict[int, int] = defaultdict(int)
        for pair, count in entry.pairs.items():
            tests[pair // number] += count
        wrong = [pair for pair in entry.pairs if pair // number != pair % number]
        most_first = sorted((-entry.pairs[pair], pair) for pair in wrong)
        for _, pair in most_first[:PAIRS]:
            true, predicted = divmod(pair, number)
            errors = entry.pairs[pair]
            of_pair = printable(entry.classes[true]), printable(entry.classes[predicted])
            numbers = tests[true] // entry.runs, f"{errors / entry.runs:.1f}"
            share = f"{100 * errors / tests[true]:.1f}"
            yield (*key, entry.labelled_images, *of_pair, *numbers, share)


def _matrix_rows(counts: dict[Key, _Counts], levels: Mapping[str, Hierarchy]) -> Iterator[tuple]:
    for key, entry in counts.items():
        target = key[KEY.index("target")]
        if target in levels:
            found = confusion_matrices.rows(
                entry.pairs, entry.classes, entry.runs, hierarchy=levels[target]
            )
            yield from ((*key, entry.labelled_images, *row) for row in found)
