"""The target of a protocol that trains: rows to train on, rows to test on, the label hierarchy."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fourlenses.core.errors import UserError
from fourlenses.data.beton.reader import Beton
from fourlenses.data.manifest.manifest import (
    Hierarchy,
    ManifestFile,
    hierarchy_of,
    labels_of,
    read_manifest,
    rows_of,
)


@dataclass(frozen=True, kw_only=True)
class Task:
    """A dataset and the labels of it that may be used.

    Attributes:
        dataset: its name.
        subset: a file of the manifest rows whose labels may be used (.npy, int64).
    """

    dataset: str
    beton: Path
    manifest: Path
    subset: Path


@dataclass(frozen=True, kw_only=True)
class Target:
    """The rows of a task.

    Attributes:
        train_rows, test_rows: of the manifest, int64, ascending.
        notes: sentences for the record.
    """

    train_rows: np.ndarray
    test_rows: np.ndarray
    hierarchy: Hierarchy
    notes: list[str]


def read_task(task: Task) -> Target:
    """Return the rows of a task: the labelled ones, and all test images that the beton has.

    Raises:
        UserError: a file is missing; the subset is no list of different training rows, or of one
            class; there are no test images.
    """
    for file in (task.beton, task.manifest, task.subset):
        if not file.exists():
            raise UserError(f"{file} is missing; run snakemake for it, or name another")
    manifest = read_manifest(task.manifest)
    hierarchy = hierarchy_of(manifest)
    stored = np.sort(Beton(task.beton).index)
    rows = _checked(task, manifest, stored)
    test = rows_of(manifest, "test")
    # undecodable images were left out of the beton, as its sidecar says
    test = test[np.isin(test, stored)]
    if len(test) == 0:
        raise UserError(
            f"{task.beton} holds no test image of {task.manifest}; write it again (delete it, "
            "then run snakemake)"
        )
    classes = np.unique(labels_of(manifest)[rows])
    if len(classes) < 2:
        name = hierarchy.classes[-1][classes[0]]
        raise UserError(
            f"{task.subset}: all {len(rows)} labels are of class '{name}', a classifier needs at "
            "least 2 classes"
        )
    notes, absent = [], hierarchy.num_classes - len(classes)
    if absent:
        notes.append(
            f"{absent} of {hierarchy.num_classes} classes have no label among these {len(rows)}"
        )
    return Target(train_rows=rows, test_rows=test, hierarchy=hierarchy, notes=notes)


def _checked(task: Task, manifest: ManifestFile, stored: np.ndarray) -> np.ndarray:
    """The rows of the subset, ascending."""
    try:
        rows = np.load(task.subset, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise UserError(
            f"{task.subset} is no readable .npy file ({error}); draw the subset again"
        ) from error
    if rows.ndim != 1 or not np.issubdtype(rows.dtype, np.integer) or len(rows) == 0:
        raise UserError(
            f"{task.subset} must hold at least one row of the manifest, as integers (n,), not "
            f"{rows.dtype} {rows.shape}"
        )
    rows = np.sort(rows).astype(np.int64)
    train = rows_of(manifest, "train")
    if (outside := rows[~np.isin(rows, train)]).size:
        raise UserError(
            f"{task.subset}: row {outside[0]} ({outside.size} such) is no training image of "
            f"{task.manifest}; draw the subset from this manifest"
        )
    if (np.diff(rows) == 0).any():
        raise UserError(
            f"{task.subset}: row {rows[:-1][np.diff(rows) == 0][0]} stands there more than once"
        )
    if (lacking := rows[~np.isin(rows, stored)]).size:
        raise UserError(
            f"{task.beton} lacks row {lacking[0]} of {task.subset} ({lacking.size} such); draw the "
            "subset again"
        )
    return rows
