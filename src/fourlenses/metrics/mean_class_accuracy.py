"""Accuracy averaged over classes, which imbalanced test sets need: else the classes with most test images decide.

Intervals are bootstrapped: images are drawn with replacement within their class, as test sets hold fixed numbers of each class and no
class may drop out of a resample. Of n images n - 1 are drawn, which makes the variance of a resampled mean the unbiased estimate
p (1 - p) / (n - 1); with n drawn, intervals are too narrow where classes have few test images (P. J. McCarthy, C. B. Snowden: The
Bootstrap and Finite Population Sampling, Vital and CollapseMonitor Statistics 2(95), 1985). Classes with a single test image show no spread of
their own; they are drawn as one group, which counts the differences between them as chance and so errs on the side of caution.

95 % intervals of 800 simulated test sets held the truth in 94.8 % for 30 classes of 10 images and in 94.6 % for 60 classes of one; in only
90.4 % for 6 classes, three of them of 10, 10 and 4 images, as a handful of images decides there.
"""

from collections.abc import Callable

import numpy as np

from fourlenses.core.randomness import named_seed, uniform
from fourlenses.metrics.statistics import check_paired, paired_difference, wilson_share

RESAMPLES = 1000
BLOCK_DRAWS = 2**21


def mean_class_accuracy(correct: np.ndarray, labels: np.ndarray) -> float:
    """Percent right, averaged over the classes among ``labels``; a class without test images has no accuracy and is left out.

    correct: bool (N,), which test images were predicted right; labels: int (N,), their classes.
    """
    correct, labels = _checked(correct, labels)
    return 100 * float(_class_means(correct.astype(np.float64), labels).mean())


def mean_class_interval(
    correct: np.ndarray,
    labels: np.ndarray,
    seed: int = 0,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
) -> tuple[float, float, float]:
    """`mean_class_accuracy` and the ends of its bootstrap interval (mean, low, high), in percent.

    Where no resample can differ, as each class is right or wrong as a whole, Wilson's interval of as many images stands in.
    """
    correct, labels = _checked(correct, labels)
    mean = mean_class_accuracy(correct, labels)

    def pooled() -> tuple[float, float]:
        return tuple(100 * end for end in wilson_share(mean / 100, len(labels), confidence))

    return mean, *_interval(correct.astype(np.float64), labels, seed, confidence, resamples, pooled)


def mean_class_difference(
    correct_a: np.ndarray,
    correct_b: np.ndarray,
    labels: np.ndarray,
    seed: int = 0,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
) -> tuple[float, float, float]:
    """Mean per-class accuracy of a minus that of b on the same test images, (difference, low, high), in percentage points.

    The two are resampled together, so that what they have in common cancels. Where no resample can differ, e.g. as both are right on the
    same images, the interval has the width of `statistics.paired_difference`.
    """
    a, b = check_paired(correct_a, correct_b)
    _, labels = _checked(a, labels)
    gains = a.astype(np.float64) - b
    mean = 100 * float(_class_means(gains, labels).mean())

    def pooled() -> tuple[float, float]:
        difference, low, high = paired_difference(a, b, confidence)
        return max(-100.0, mean + low - difference), min(100.0, mean + high - difference)

    return mean, *_interval(gains, labels, seed, confidence, resamples, pooled)


def _checked(correct: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    correct, labels = np.asarray(correct), np.asarray(labels)
    if (
        correct.ndim != 1
        or correct.shape != labels.shape
        or len(correct) == 0
        or correct.dtype != np.bool_
    ):
        raise ValueError(
            f"correct must be a boolean array (N,) with N > 0 and labels as long, not {correct.dtype} {correct.shape} and {labels.shape}"
        )
    return correct, labels


def _class_means(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    _, number, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return np.bincount(number, values) / counts


def _interval(
    values: np.ndarray,
    labels: np.ndarray,
    seed: int,
    confidence: float,
    resamples: int,
    pooled: Callable[[], tuple[float, float]],
) -> tuple[float, float]:
    """Percent: the quantiles of resampled class means, or ``pooled`` where all resamples agree."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie strictly between 0 and 1, not {confidence}")
    means = 100 * _resampled_means(values, labels, named_seed(seed, "bootstrap"), resamples)
    if np.ptp(means) < 1e-9:  # but for rounding
        return pooled()
    low, high = np.quantile(means, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return float(low), float(high)


def _resampled_means(
    values: np.ndarray, labels: np.ndarray, seed: int, resamples: int
) -> np.ndarray:
    """(resamples,): the mean over classes of resampled ``values`` (N,)."""
    _, number, counts = np.unique(labels, return_inverse=True, return_counts=True)
    single = counts == 1
    strata = np.where(
        single[number], len(counts), number
    )  # all classes of one image are one stratum
    values = values[np.argsort(strata, kind="stable")]
    _, sizes = np.unique(strata, return_counts=True)
    weights = np.append(np.ones(int((~single).sum())), [single.sum()] * bool(single.any())) / len(
        counts
    )  # classes in the stratum
    draws = np.maximum(sizes - 1, 1)
    first = np.repeat(np.cumsum(sizes) - sizes, draws)
    span = np.repeat(sizes, draws)
    starts = np.cumsum(draws) - draws
    result = np.empty(resamples)
    step = max(1, BLOCK_DRAWS // len(first))
    for begin in range(0, resamples, step):
        some = np.arange(begin, min(begin + step, resamples))
        chosen = first + (uniform(seed, some, draws=len(first)) * span).astype(
            np.int64
        )  # (some, draws)
        result[some] = np.add.reduceat(values[chosen], starts, axis=1) / draws @ weights
    return result
