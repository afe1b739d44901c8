"""Checks of what a probe is given: every error names what was given and what is allowed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from fourlenses.core.errors import UserError
from fourlenses.evaluation.probes.contract import Features, LabelledFeatures
from fourlenses.metrics.label_levels import LabelLevels, coarsen


@dataclass(frozen=True)
class CheckedInputs:
    """What the checks of a probe's inputs make of them.

    Attributes:
        train_labels: int64 (N,).
        test_labels: int64 (M,).
        positions: name of a subset -> its positions in the training labels, int64 (n,), ascending,
            as a set has no order.
    """

    train_labels: np.ndarray
    test_labels: np.ndarray
    positions: dict[str, np.ndarray]


def check_inputs(
    train: LabelledFeatures,
    test: LabelledFeatures,
    subsets: Mapping[str, np.ndarray],
    *,
    levels: LabelLevels,
) -> CheckedInputs:
    """Check all inputs before any work.

    Of the features only shape and type, as they may be on disk.

    Raises:
        UserError: something is of another shape or type, or the inputs do not fit together.
        ValueError: a label in use has no place in the table of levels.
    """
    y_train = _checked_labels("train", train, levels.num_classes)
    y_test = _checked_labels("test", test, levels.num_classes)
    if train.features.shape[1] != test.features.shape[1]:
        raise UserError(
            f"train_features have width {train.features.shape[1]}, test_features "
            f"{test.features.shape[1]}"
        )
    positions = {str(name): _checked_subset(name, at, y_train) for name, at in subsets.items()}
    _check_levels(levels, y_train, y_test)
    return CheckedInputs(y_train, y_test, positions)


def _checked_labels(name: str, images: LabelledFeatures, num_classes: int) -> np.ndarray:
    """The labels, int64 (N,) on the host, of features (N, D); name: train or test."""
    features = images.features
    if features.ndim != 2 or 0 in features.shape:
        raise UserError(
            f"{name}_features must be (N, D) with N > 0 and D > 0, not {tuple(features.shape)}"
        )
    if not _is_floating(features):
        raise UserError(f"{name}_features must be floating-point numbers, not {features.dtype}")
    labels = images.labels
    labels = labels.cpu().numpy() if isinstance(labels, torch.Tensor) else np.asarray(labels)
    if labels.shape != tuple(features.shape[:1]):
        raise UserError(
            f"{name}_labels must be ({len(features)},) as {name}_features are, not "
            f"{tuple(labels.shape)}"
        )
    if not np.issubdtype(labels.dtype, np.integer):
        raise UserError(f"{name}_labels must be integers, not {labels.dtype}")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= num_classes:
        raise UserError(f"{name}_labels must lie in [0, {num_classes}), found {low} to {high}")
    return labels.astype(np.int64)


def _is_floating(features: Features) -> bool:
    if isinstance(features, torch.Tensor):
        return features.is_floating_point()
    return np.issubdtype(features.dtype, np.floating)


def _checked_subset(name: str, positions: np.ndarray, labels: np.ndarray) -> np.ndarray:
    positions = np.asarray(positions)
    if positions.ndim != 1 or len(positions) == 0 or not np.issubdtype(positions.dtype, np.integer):
        raise UserError(
            f"subset '{name}': positions must be integers (n,), n > 0, not {positions.dtype} of "
            f"shape {positions.shape}"
        )
    if len(positions) > len(labels):
        raise UserError(
            f"subset '{name}': its {len(positions)} labels are above the {len(labels)} training "
            "labels there are"
        )
    positions = np.sort(positions).astype(np.int64)
    if positions[0] < 0 or positions[-1] >= len(labels):
        raise UserError(
            f"subset '{name}': positions {positions[0]} to {positions[-1]}, but there are "
            f"{len(labels)} training labels"
        )
    repeated = int((np.diff(positions) == 0).sum())
    if repeated:
        raise UserError(f"subset '{name}': {repeated} of its positions are repeated")
    classes = np.unique(labels[positions])
    if len(classes) < 2:
        raise UserError(
            f"subset '{name}': all its {len(positions)} labels are of class {classes[0]}, a probe "
            "needs at least 2 classes"
        )
    return positions


def _check_levels(levels: LabelLevels, *labels: np.ndarray) -> None:
    coarsen(np.unique(np.concatenate(labels)), levels.table)
    columns = levels.table.shape[1]
    if columns != len(levels.names) or len(set(levels.names)) != len(levels.names):
        raise UserError(
            f"level_names must be {columns} different names, one a column of level_table, not "
            f"{list(levels.names)}"
        )


def check_l2(l2: Sequence[float], validation_fraction: float) -> list[float]:
    """Return the L2 strengths as floats in ascending order.

    Raises:
        UserError: they are not different, positive and finite; or the fraction is not in [0, 1).
    """
    ascending = sorted(float(value) for value in l2)
    different = len(set(ascending)) == len(ascending)
    if not ascending or ascending[0] <= 0 or not np.isfinite(ascending).all() or not different:
        raise UserError(f"'l2' must be different, positive and finite numbers, not {ascending}")
    if not 0 <= validation_fraction < 1:
        raise UserError(f"validation_fraction must lie in [0, 1), not {validation_fraction}")
    return ascending


def absent_classes(labels: np.ndarray, num_classes: int) -> list[str]:
    """Return a note for the record if some classes have no label among ``labels`` (n,)."""
    absent = num_classes - len(np.unique(labels))
    if not absent:
        return []
    return [
        f"{absent} of {num_classes} classes have no label among these {len(labels)}; they are "
        "never predicted"
    ]
