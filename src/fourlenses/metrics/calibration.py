"""Calibration: the distance between a classifier's confidence and its accuracy."""

import numpy as np

BINS = 15


def expected_calibration_error(
    confidences: np.ndarray, correct: np.ndarray, bins: int = BINS
) -> float:
    """Return the gap between confidence and accuracy, averaged over bins by their share of images.

    Bins have equal width, the m-th of M being ((m - 1) / M, m / M], and 0 lies in the first:
    C. Guo, G. Pleiss, Y. Sun, K. Weinberger, On Calibration of Modern Neural Networks, ICML
    2017, equation 3, https://arxiv.org/abs/1706.04599. The estimate is biased upwards, more so
    for few images. By hand: torchmetrics is not among the dependencies, and a test compares.

    Args:
        confidences: float (N,) in [0, 1] of any precision, the probability of the predicted
            class; the sums are float64.
        correct: bool (N,).
        bins: number of bins, at least 1.

    Returns:
        Percentage points, in [0, 100].

    Raises:
        ValueError: wrong shapes, types or ranges.
    """
    confidences, correct = np.asarray(confidences), np.asarray(correct)
    if confidences.ndim != 1 or confidences.shape != correct.shape or len(confidences) == 0:
        raise ValueError(
            "two arrays of one length N > 0 expected, not shapes "
            f"{confidences.shape} and {correct.shape}"
        )
    if correct.dtype != np.bool_ or not np.issubdtype(confidences.dtype, np.floating):
        raise ValueError(
            "confidences must be floating and correct boolean, not "
            f"{confidences.dtype} and {correct.dtype}"
        )
    if bins < 1:
        raise ValueError(f"bins must be at least 1, not {bins}")
    confidences = confidences.astype(np.float64)
    if not ((confidences >= 0) & (confidences <= 1)).all():
        raise ValueError(
            f"confidences must lie in [0, 1], found {confidences.min()} to {confidences.max()}"
        )
    number = np.maximum(np.ceil(confidences * bins).astype(np.int64) - 1, 0)
    # The count of a bin cancels: its share of the images times the difference of two means is
    # a difference of two sums.
    gaps = np.bincount(number, correct, bins) - np.bincount(number, confidences, bins)
    return 100 * float(np.abs(gaps).sum()) / len(confidences)
