"""The labelled images that choices are made by: a part of a label subset, never test images."""

import numpy as np

from fourlenses.core.randomness import named_seed, permutation


def split(
    labels: np.ndarray, fraction: float, seed: int
) -> tuple[np.ndarray, np.ndarray, str | None]:
    """Positions of validation and of the rest, int64, among labels (n,) int, by the rule of the linear probe; and why there is no choice.

    The sentence is None where there is something to choose by: a label left for validation and two classes beside.
    """
    held = min(round(fraction * len(labels)), len(labels) - 1)
    order = permutation(len(labels), named_seed(seed, "validation"))
    validation, rest = order[:held], order[held:]
    reason = None
    if held == 0:
        reason = f"no label left for validation ({fraction:g} of {len(labels)})"
    elif len(np.unique(labels[rest])) < 2:
        reason = f"the {len(rest)} labels left beside validation are of one class"
    return validation, rest, reason
