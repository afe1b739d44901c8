"""Label granularity: train at the finest level, then read predictions and labels at every coarser one.

Cole et al., When Does Contrastive Visual Representation Learning Work? (CVPR 2022), section 4.4: a prediction counts as right at a
level if the ancestor of the predicted class at that level is the ancestor of the true class.
"""

import numpy as np


def coarsen(fine: np.ndarray, table: np.ndarray) -> np.ndarray:
    """The ids (N, levels) of fine classes (N,) at every level; table (fine_classes, levels) holds one row of ids for each fine class.

    A row with a negative id says that the class has no place in the hierarchy. ValueError, naming the labels, if one that is needed
    has no row or no place.
    """
    fine, table = np.asarray(fine), np.asarray(table)
    if table.ndim != 2 or not np.issubdtype(table.dtype, np.integer):
        raise ValueError(f"table must be an integer array (fine_classes, levels), not {table.dtype} of shape {table.shape}")
    if fine.ndim != 1 or not np.issubdtype(fine.dtype, np.integer):
        raise ValueError(f"fine labels must be an integer array (N,), not {fine.dtype} of shape {fine.shape}")
    used = np.unique(fine).astype(np.int64)
    outside = (used < 0) | (used >= len(table))
    missing = used[outside].tolist() + [int(label) for label in used[~outside] if (table[label] < 0).any()]
    if missing:
        shown = ", ".join(map(str, sorted(missing)[:10])) + (", ..." if len(missing) > 10 else "")
        raise ValueError(f"{len(missing)} label(s) missing from the granularity table of {len(table)} fine classes: {shown}")
    return table[fine.astype(np.int64)]


def correct_by_level(predictions: np.ndarray, labels: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Which of N predictions are right at every level: bool (N, levels). predictions, labels: fine classes, int (N,)."""
    predictions, labels = np.asarray(predictions), np.asarray(labels)
    if predictions.shape != labels.shape:
        raise ValueError(f"predictions and labels must have one length, not {predictions.shape} and {labels.shape}")
    return coarsen(predictions, table) == coarsen(labels, table)
