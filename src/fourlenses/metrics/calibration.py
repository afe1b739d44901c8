"""How far a classifier's confidence is from how often it is right."""

import numpy as np

BINS = 15


def expected_calibration_error(
    confidences: np.ndarray, correct: np.ndarray, bins: int = BINS, equal_mass: bool = False
) -> float:
    """The gap between confidence and accuracy, averaged over bins by their share of the images; percentage points.

    confidences: float (N,) in [0, 1], the probability of the predicted class, of any precision (the sums are float64). correct: bool (N,).

    Bins have equal width, the m-th of M being ((m - 1) / M, m / M], and 0 lies in the first (C. Guo, G. Pleiss, Y. Sun, K. Weinberger:
    On Calibration of Modern Neural Networks, ICML 2017, equation 3); or equal numbers of images, where equal confidences share a bin (J.
    Nixon et al.: Measuring Calibration in Deep Learning, CVPR workshops 2019). The estimate is biased upwards, more so for few images.
    """
    confidences, correct = np.asarray(confidences), np.asarray(correct)
    if confidences.ndim != 1 or confidences.shape != correct.shape or len(confidences) == 0:
        raise ValueError(
            f"two arrays of one length N > 0 expected, not shapes {confidences.shape} and {correct.shape}"
        )
    if correct.dtype != np.bool_ or not np.issubdtype(confidences.dtype, np.floating):
        raise ValueError(
            f"confidences must be floating and correct boolean, not {confidences.dtype} and {correct.dtype}"
        )
    if bins < 1:
        raise ValueError(f"bins must be at least 1, not {bins}")
    confidences = confidences.astype(np.float64)
    if not ((confidences >= 0) & (confidences <= 1)).all():
        raise ValueError(
            f"confidences must lie in [0, 1], found {confidences.min()} to {confidences.max()}"
        )
    if equal_mass:
        number = np.searchsorted(np.sort(confidences), confidences) * bins // len(confidences)
    else:
        number = np.maximum(np.ceil(confidences * bins).astype(np.int64) - 1, 0)
    # The count of a bin cancels: share of the images times the difference of two means is a difference of two sums.
    gaps = np.bincount(number, correct, bins) - np.bincount(number, confidences, bins)
    return 100 * float(np.abs(gaps).sum()) / len(confidences)
