"""The validation split: a part of a label subset that choices are made by, never test images."""

from typing import NamedTuple

import numpy as np

from fourlenses.core.randomness import named_seed, permutation


class ValidationSplit(NamedTuple):
    """Positions among the labels of a subset.

    Attributes:
        validation: int64, in random order.
        train: int64, in random order; the rest.
        no_choice: why there is nothing to choose by, as a sentence; None where there is: a label
            to validate on, and two classes to train on.
    """

    validation: np.ndarray
    train: np.ndarray
    no_choice: str | None


def split(labels: np.ndarray, fraction: float, seed: int) -> ValidationSplit:
    """Split labels for a choice of hyperparameters, by the rule of the linear probe.

    Args:
        labels: int (n,).
        fraction: of the labels that validate, in [0, 1).
        seed: of the order.
    """
    count = min(round(fraction * len(labels)), len(labels) - 1)
    order = permutation(len(labels), named_seed(seed, "validation"))
    validation, train = order[:count], order[count:]
    no_choice = None
    if count == 0:
        no_choice = f"no label left for validation ({fraction:g} of {len(labels)})"
    elif len(np.unique(labels[train])) < 2:
        no_choice = f"the {len(train)} labels left to train on are of one class"
    return ValidationSplit(validation, train, no_choice)
