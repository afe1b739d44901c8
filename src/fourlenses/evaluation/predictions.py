"""Kept predictions (.npz): enough to score an encoder again without it, its images, or the manifest.

Entries: ``<target>/<protocol>/<labelled>`` the predicted classes of the test images (M,); and once per target ``<target>/rows`` (their
rows of the manifest, uint32), ``<target>/labels`` (their true classes) and ``<target>/classes`` (the class names, which the numbers count).
Predictions and labels are uint16 up to 65536 classes, else uint32. A protocol named ``<protocol>@<level>`` was trained at that level,
and its predictions count the labels of that level.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from fourlenses.core.errors import UserError
from fourlenses.core.files import atomic

ABOUT_TARGET = ("rows", "labels", "classes")


@dataclass
class TargetPredictions:
    """What encoders said of one target's M test images.

    predicted: 'protocol/labelled' -> classes (M,); rows, labels: int (M,); classes: names. The latter three are None where a file lacks
    them.
    """

    predicted: dict[str, np.ndarray] = field(default_factory=dict)
    rows: np.ndarray | None = None
    labels: np.ndarray | None = None
    classes: list[str] | None = None


def class_type(num_classes: int) -> type:
    """The smallest of the two types kept that holds class numbers."""
    return np.uint16 if num_classes <= 2**16 else np.uint32


def write_predictions(file: Path, targets: Mapping[str, TargetPredictions]) -> None:
    """Write all that the targets hold, atomically. Names of targets and protocols have no '/'."""
    entries = {}
    for name, target in targets.items():
        kind = class_type(len(target.classes))
        entries |= {
            f"{name}/{cell}": np.asarray(predicted).astype(kind)
            for cell, predicted in target.predicted.items()
        }
        entries[f"{name}/rows"] = np.asarray(target.rows).astype(np.uint32)
        entries[f"{name}/labels"] = np.asarray(target.labels).astype(kind)
        # as UTF-8 bytes: an array of text takes 4 bytes a character, and none holds names that are not UTF-8
        entries[f"{name}/classes"] = np.frombuffer(
            "\0".join(target.classes).encode("utf-8", "surrogateescape"), np.uint8
        )
    with atomic(file) as temporary, open(temporary, "wb") as out:
        np.savez_compressed(out, **entries)


def read_predictions(file: Path) -> dict[str, TargetPredictions]:
    """Per target, in order of name.

    Raises:
        UserError: the file is not there, or not of this kind.
    """
    try:
        with np.load(file, allow_pickle=False) as kept:
            entries = {name: kept[name] for name in kept.files}
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
