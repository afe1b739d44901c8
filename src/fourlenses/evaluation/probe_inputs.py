"""What a linear probe accepts: every refusal says what was given and what is there."""

import numpy as np
import torch

from fourlenses.errors import UserError
from fourlenses.evaluation.granularity import coarsen
from fourlenses.evaluation.logistic import require_finite


def labelled_features(name: str, features: torch.Tensor, labels: torch.Tensor, num_classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Features (N, D) as float32 and labels (N,) as int64 on the same device, once checked. Arrays or tensors; name: train or test."""
    features = torch.as_tensor(features)
    labels = torch.as_tensor(np.asarray(labels) if not isinstance(labels, torch.Tensor) else labels)
    if features.ndim != 2 or len(features) == 0:
        raise UserError(f"{name}_features must be (N, D) with N > 0, not {tuple(features.shape)}")
    if labels.shape != features.shape[:1]:
        raise UserError(f"{name}_labels must be ({len(features)},) as {name}_features are, not {tuple(labels.shape)}")
    if labels.is_floating_point():
        raise UserError(f"{name}_labels must be integers, not {labels.dtype}")
    features, labels = features.float(), labels.to(features.device, torch.int64)
    require_finite(f"{name}_features", features)
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= num_classes:
        raise UserError(f"{name}_labels must lie in [0, {num_classes}), found {low} to {high}")
    return features, labels


def check_subset(size: int, positions: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The positions int64 (size,), in ascending order, of a subset of the N training labels (N,) int; ascending, as a set has no order."""
    positions = np.asarray(positions)
    if size > len(labels):
        raise UserError(f"label size {size} is above the {len(labels)} training labels there are")
    if positions.ndim != 1 or not np.issubdtype(positions.dtype, np.integer):
        raise UserError(f"label size {size}: positions must be integers (n,), not {positions.dtype} of shape {positions.shape}")
    if len(positions) != size or size < 1:
        raise UserError(f"label size {size}: {len(positions)} positions are there")
    positions = np.sort(positions).astype(np.int64)
    if positions[0] < 0 or positions[-1] >= len(labels):
        raise UserError(f"label size {size}: positions {positions[0]} to {positions[-1]}, but there are {len(labels)} training labels")
    repeated = int((np.diff(positions) == 0).sum())
    if repeated:
        raise UserError(f"label size {size}: {repeated} of its positions are repeated")
    classes = np.unique(labels[positions])
    if len(classes) < 2:
        raise UserError(f"label size {size}: all its labels are of class {classes[0]}, a probe needs at least 2 classes")
    return positions


def check_levels(table: np.ndarray, names: list[str], *labels: np.ndarray) -> None:
    """Refuse a table (fine_classes, levels) that does not fit its level names or lacks a label in use."""
    coarsen(np.unique(np.concatenate(labels)), table)
    if np.shape(table)[1] != len(names) or len(set(names)) != len(names):
        raise UserError(f"level_names must be {np.shape(table)[1]} different names, one a column of level_table, not {list(names)}")


def check_strengths(strengths: list[float], validation_fraction: float) -> list[float]:
    """The strengths as floats in ascending order."""
    strengths = sorted(float(s) for s in strengths)
    if not strengths or strengths[0] <= 0 or not np.isfinite(strengths).all() or len(set(strengths)) != len(strengths):
        raise UserError(f"strengths must be different, positive and finite, not {strengths}")
    if not 0 <= validation_fraction < 1:
        raise UserError(f"validation_fraction must lie in [0, 1), not {validation_fraction}")
    return strengths
