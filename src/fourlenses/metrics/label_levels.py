"""Label levels: accuracies at every level of a hierarchy, and labels of one level to train on.

Cole et al., When Does Contrastive Visual Representation Learning Work?, CVPR 2022, section 4.4,
https://arxiv.org/abs/2105.05837: train at the finest level; a prediction is right at a level if
the ancestor of the predicted class at that level is the ancestor of the true class. A class that
is shallower than a level keeps its own label there (`hierarchies` makes tables so), hence is
right only where it is itself predicted.

The paper trains once, on the finest labels. Training at each level, which it does not do, shows
whether a coarse task is easy because its classes are far apart, or only because confusions
within them are forgiven.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from fourlenses.metrics.statistics import wilson_interval

SHOWN = 10  # labels in a message


@dataclass(frozen=True)
class LabelLevels:
    """The label levels of a target, from coarse to fine; the last one is the class itself.

    Attributes:
        names: of the levels, all different.
        table: int (num_classes, levels), the label of every class at each level. A negative one
            means that the class has no place in the hierarchy.
    """

    names: Sequence[str]
    table: np.ndarray

    @classmethod
    def of_classes(cls, num_classes: int) -> Self:
        """Return the levels of a target without a hierarchy: one, ``class``."""
        return cls(["class"], np.arange(num_classes)[:, None])

    @property
    def num_classes(self) -> int:
        """The number of finest classes, with images or without."""
        return len(self.table)

    def labels_at(self, level: int, labels: np.ndarray) -> np.ndarray:
        """Return the labels at one level, int64 (N,), of images of finest classes (N,)."""
        if not 0 <= level < self.table.shape[1]:
            raise ValueError(
                f"level {level} is none of the {self.table.shape[1]} columns of the level table"
            )
        return coarsen(labels, self.table)[:, level].astype(np.int64)

    def up_to(self, level: int) -> "LabelLevels":
        """Return the levels of classifiers trained at ``level``, which is their finest one.

        Coarser levels are included if all finest classes of one label at ``level`` agree there.
        Another, as of a hierarchy that is no tree or of a class that keeps its own label, is
        not defined by a prediction at ``level``. Labels of ``level`` that no class has are
        included: they get rows of -1.
        """
        _, first, label = np.unique(self.table[:, level], return_index=True, return_inverse=True)
        agreeing = [
            column
            for column in range(level + 1)
            if (self.table[first, column][label] == self.table[:, column]).all()
        ]
        num_classes = int(self.table[:, level].max()) + 1
        table = np.full((num_classes, len(agreeing)), -1, np.int64)
        table[self.table[first, level]] = self.table[first][:, agreeing]
        return LabelLevels([self.names[column] for column in agreeing], table)


@dataclass(frozen=True, kw_only=True)
class LevelScore:
    """The accuracy of one classifier at one level.

    Attributes:
        level: its name.
        level_depth: 0 for the coarsest.
        is_finest: True for the level of the classes themselves.
        top1: percent.
        low: lower end of its 95 % Wilson interval, percent.
        high: upper end.
        n_classes: labels that the level has, with test images or without.
        chance: percent of the test images with the most common label of the level.
    """

    level: str
    level_depth: int
    is_finest: bool
    top1: float
    low: float
    high: float
    n_classes: int
    chance: float


def score_levels(
    predictions: np.ndarray, labels: np.ndarray, levels: LabelLevels
) -> list[LevelScore]:
    """Return the scores at every level, from coarse to fine.

    Args:
        predictions: finest classes, int (N,).
        labels: the true ones, int (N,).
        levels: of the target.
    """
    right = correct_by_level(predictions, labels, levels.table)
    truth = coarsen(labels, levels.table)
    scores = []
    for depth, name in enumerate(levels.names):
        correct, column = int(right[:, depth].sum()), levels.table[:, depth]
        low, high = wilson_interval(correct, len(labels))
        score = LevelScore(
            level=name,
            level_depth=depth,
            is_finest=depth == len(levels.names) - 1,
            top1=100 * correct / len(labels),
            low=low,
            high=high,
            n_classes=len(np.unique(column[column >= 0])),
            chance=100 * int(np.bincount(truth[:, depth]).max()) / len(labels),
        )
        scores.append(score)
    return scores


def coarsen(labels: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Return the labels (N, levels) at every level.

    Args:
        labels: finest classes, int (N,).
        table: int (num_classes, levels), see `LabelLevels`.

    Raises:
        ValueError: wrong shapes or types, or a label without a row or a place in the table; the
            message names the labels.
    """
    labels, table = np.asarray(labels), np.asarray(table)
    if table.ndim != 2 or not np.issubdtype(table.dtype, np.integer):
        raise ValueError(
            "table must be an integer array (num_classes, levels), not "
            f"{table.dtype} of shape {table.shape}"
        )
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"labels must be an integer array (N,), not {labels.dtype} of shape {labels.shape}"
        )
    used = np.unique(labels).astype(np.int64)
    outside = (used < 0) | (used >= len(table))
    without = [int(label) for label in used[~outside] if (table[label] < 0).any()]
    missing = sorted(used[outside].tolist() + without)
    if missing:
        shown = ", ".join(map(str, missing[:SHOWN])) + (", ..." if len(missing) > SHOWN else "")
        raise ValueError(
            f"{len(missing)} label(s) missing from the granularity table of {len(table)} fine "
            f"classes: {shown}"
        )
    return table[labels.astype(np.int64)]


def correct_by_level(predictions: np.ndarray, labels: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Return which of N predictions are right at every level, bool (N, levels).

    Args:
        predictions: finest classes, int (N,).
        labels: the true ones, int (N,).
        table: int (num_classes, levels), see `LabelLevels`.

    Raises:
        ValueError: see `coarsen`; the lengths differ.
    """
    predictions, labels = np.asarray(predictions), np.asarray(labels)
    if predictions.shape != labels.shape:
        raise ValueError(
            "predictions and labels must have one length, not "
            f"{predictions.shape} and {labels.shape}"
        )
    return coarsen(predictions, table) == coarsen(labels, table)
