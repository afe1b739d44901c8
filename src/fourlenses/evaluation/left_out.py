"""Cells of a study that no number can be measured for, with the reason.

The other cells of the study stand. `collect` names what is left out.
"""

from pathlib import Path
from typing import TypedDict

import numpy as np

from fourlenses.core.errors import printable
from fourlenses.core.files import write_json
from fourlenses.data.manifest.manifest import hierarchy_of, labels_of, read_manifest
from fourlenses.evaluation.encoder import Encoder
from fourlenses.evaluation.predictions import write_predictions
from fourlenses.study import Run, Subset
from fourlenses.study.vocabulary import FROM_SCRATCH


class LeftOut(TypedDict):
    """A cell without a number: how the study knows it, and why."""

    run: str
    target: str
    labelled: str
    protocol: str
    reason: str


def one_class(labels: np.ndarray, classes: list[str]) -> str | None:
    """Return why nothing can be learned from some labels; None where something can.

    Args:
        labels: int (n,).
        classes: names of the classes, which the labels count.
    """
    distinct = np.unique(labels)
    if len(distinct) != 1:
        return None
    return (
        f"all {len(labels)} labels are of class '{printable(classes[distinct[0]])}', and a "
        "classifier needs two; draw them with label_subsets: balanced, or with labelled_per_class"
    )


def one_class_subset(manifest: Path, subset: Path) -> str | None:
    """Return `one_class` of a file of manifest rows; None too where the file is no such list."""
    try:
        rows = np.load(subset, allow_pickle=False)
        table = read_manifest(manifest)
        return one_class(labels_of(table)[rows], hierarchy_of(table).classes[-1])
    except (OSError, ValueError, IndexError, EOFError):
        return None  # what reads them next says what is wrong


def training_left_out(
    encoder: Encoder, *, protocol: str, target: str, labelled: str, reason: str
) -> LeftOut:
    """Return the entry of a protocol that trains, as a plan knows it.

    Args:
        encoder: what would have been trained from.
        protocol: its name.
        target: the dataset.
        labelled: name of the label subset.
        reason: why there is no number.
    """
    run = encoder.name
    if protocol in FROM_SCRATCH:
        run = Run("supervised", f"{target}-{Subset.parse(labelled).size}", encoder.seed).name
    return {
        "run": run,
        "target": target,
        "labelled": labelled,
        "protocol": protocol,
        "reason": reason,
    }


def write_left_out(entry: LeftOut, *, record: Path, predictions: Path) -> None:
    """Write the record and the predictions of a job all of whose cells are left out."""
    write_predictions(predictions, {})
    write_json(record, {"cells": [], "left_out": [entry]})
