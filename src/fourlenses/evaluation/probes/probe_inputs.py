"""What a linear probe accepts: every refusal says what was given and what is there."""

import numpy as np
import torch

from fourlenses.core.errors import UserError
from fourlenses.evaluation.features.rows import FeatureRows
from fourlenses.metrics.label_levels import coarsen


def labelled_features(
    name: str,
    features: torch.Tensor | np.ndarray,
    labels: torch.Tensor | np.ndarray,
    num_classes: int,
    device: torch.device,
) -> tuple[FeatureRows, np.ndarray]:
    """Features (N, D) to be read by blocks and labels (N,) int64 on the host, once checked. name: train or test."""
    if not isinstance(features, torch.Tensor):
        features = np.asanyarray(features)
    labels = np.asarray(labels.cpu() if isinstance(labels, torch.Tensor) else labels)
    if num_classes < 2:
        raise UserError(f"the target has {num_classes} class: a linear classifier needs at least 2")
    if features.ndim != 2 or 0 in features.shape:
        raise UserError(
            f"{name}_features must be (N, D) with N > 0 and D > 0, not {tuple(features.shape)}"
        )
    if not (
        features.is_floating_point()
        if isinstance(features, torch.Tensor)
        else np.issubdtype(features.dtype, np.floating)
    ):
        raise UserError(f"{name}_features must be floating-point numbers, not {features.dtype}")
    if labels.shape != tuple(features.shape[:1]):
        raise UserError(
            f"{name}_labels must be ({len(features)},) as {name}_features are, not {tuple(labels.shape)}"
        )
    if not np.issubdtype(labels.dtype, np.integer):
        raise UserError(f"{name}_labels must be integers, not {labels.dtype}")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= num_classes:
        raise UserError(f"{name}_labels must lie in [0, {num_classes}), found {low} to {high}")
    return FeatureRows(features, None, device), labels.astype(np.int64)


def check_subset(name: str, positions: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The positions int64 (n,), in ascending order, of a subset of the N training labels (N,) int; ascending, as a set has no order."""
    positions = np.asarray(positions)
    if positions.ndim != 1 or len(positions) == 0 or not np.issubdtype(positions.dtype, np.integer):
        raise UserError(
            f"subset '{name}': positions must be integers (n,), n > 0, not {positions.dtype} of shape {positions.shape}"
        )
    if len(positions) > len(labels):
        raise UserError(
            f"subset '{name}': its {len(positions)} labels are above the {len(labels)} training labels there are"
        )
    positions = np.sort(positions).astype(np.int64)
    if positions[0] < 0 or positions[-1] >= len(labels):
        raise UserError(
            f"subset '{name}': positions {positions[0]} to {positions[-1]}, but there are {len(labels)} training labels"
        )
    repeated = int((np.diff(positions) == 0).sum())
    if repeated:
        raise UserError(f"subset '{name}': {repeated} of its positions are repeated")
    classes = np.unique(labels[positions])
    if len(classes) < 2:
        raise UserError(
            f"subset '{name}': all its {len(positions)} labels are of class {classes[0]}, a probe needs at least 2 classes"
        )
    return positions


def check_levels(table: np.ndarray, names: list[str], *labels: np.ndarray) -> None:
    """Refuse a table (fine_classes, levels) that does not fit its level names or lacks a label in use."""
    coarsen(np.unique(np.concatenate(labels)), table)
    if np.shape(table)[1] != len(names) or len(set(names)) != len(names):
        raise UserError(
            f"level_names must be {np.shape(table)[1]} different names, one a column of level_table, not {list(names)}"
        )


def check_strengths(strengths: list[float], validation_fraction: float) -> list[float]:
    """The strengths as floats in ascending order."""
    strengths = sorted(float(s) for s in strengths)
    if (
        not strengths
        or strengths[0] <= 0
        or not np.isfinite(strengths).all()
        or len(set(strengths)) != len(strengths)
    ):
        raise UserError(f"strengths must be different, positive and finite, not {strengths}")
    if not 0 <= validation_fraction < 1:
        raise UserError(f"validation_fraction must lie in [0, 1), not {validation_fraction}")
    return strengths
