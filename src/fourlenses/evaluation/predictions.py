"""Predictions on disk (.npz): enough to score an encoder again without it, its images or manifest.

Entries: ``<target>/<protocol>/<labelled>`` the predicted classes of the test images (M,); and once
per target ``<target>/rows`` (their rows of the manifest, uint32), ``<target>/labels`` (their true
classes) and ``<target>/classes`` (the class names, which the numbers count). Predictions and
labels are uint16 up to 65536 classes, else uint32. A protocol named ``<protocol>@<level>`` was
trained at that level, and its predictions count the labels of that level.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from fourlenses.core.errors import UserError
from fourlenses.core.files import atomic

ABOUT_TARGET = ("rows", "labels", "classes")
ClassType = type[np.uint16] | type[np.uint32]


@dataclass(kw_only=True)
class TargetPredictions:
    """Predictions for the M test images of one target.

    Attributes:
        predicted: 'protocol/labelled' -> classes, int (M,).
        rows: of the manifest, int (M,); this and the next two are None where a file lacks them.
        labels: true classes, int (M,).
        classes: their names.
    """

    predicted: dict[str, np.ndarray] = field(default_factory=dict)
    rows: np.ndarray | None = None
    labels: np.ndarray | None = None
    classes: list[str] | None = None


def class_type(num_classes: int) -> ClassType:
    """Return the smaller of the two types on disk that holds the class numbers."""
    return np.uint16 if num_classes <= 2**16 else np.uint32


def write_predictions(file: Path, targets: Mapping[str, TargetPredictions]) -> None:
    """Write all that the targets hold, atomically.

    Args:
        file: .npz.
        targets: by name, all with rows, labels and classes. Names of targets and protocols have
            no '/'.
    """
    entries: dict[str, np.ndarray] = {}
    for name, target in targets.items():
        assert target.classes is not None, f"no classes of {name}"
        kind = class_type(len(target.classes))
        for cell, predicted in target.predicted.items():
            entries[f"{name}/{cell}"] = np.asarray(predicted).astype(kind)
        entries[f"{name}/rows"] = np.asarray(target.rows).astype(np.uint32)
        entries[f"{name}/labels"] = np.asarray(target.labels).astype(kind)
        # as UTF-8 bytes: an array of text takes 4 bytes a character, and none holds names that
        # are not UTF-8
        text = "\0".join(target.classes).encode("utf-8", "surrogateescape")
        entries[f"{name}/classes"] = np.frombuffer(text, np.uint8)
    with atomic(file) as temporary, open(temporary, "wb") as out:
        # numpy's stub takes the entries for its own keyword allow_pickle
        np.savez_compressed(out, **entries)  # type: ignore[arg-type]


def read_predictions(file: Path) -> dict[str, TargetPredictions]:
    """Return the predictions of each target, in order of name.

    Raises:
        UserError: the file is not there, or not of this kind.
    """
    try:
        with np.load(file, allow_pickle=False) as opened:
            entries = {name: opened[name] for name in opened.files}
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise UserError(f"{file} cannot be read as predictions (.npz): {error}") from error
    targets: dict[str, TargetPredictions] = {}
    for key in sorted(entries):
        name, _, cell = key.partition("/")
        target = targets.setdefault(name, TargetPredictions())
        if cell == "classes":
            target.classes = entries[key].tobytes().decode("utf-8", "surrogateescape").split("\0")
        elif cell in ABOUT_TARGET:
            setattr(target, cell, entries[key])
        else:
            target.predicted[cell] = entries[key]
    return targets
