"""Accuracies on a test set: the interval of one, the interval of the difference of two on the same images, and the test of that."""

from math import exp, log, sqrt
from statistics import NormalDist

import numpy as np


def _wilson(correct: float, total: int, z: float) -> tuple[float, float]:
    """Wilson's score interval for a proportion, as fractions in [0, 1].

    The ends solve |p_hat - p| = z sqrt(p (1 - p) / n):  (p_hat + z^2/2n -+ z sqrt(p_hat (1 - p_hat)/n + z^2/4n^2)) / (1 + z^2/n).
    """
    share = correct / total
    centre = share + z * z / (2 * total)
    half = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    # At the ends the formula gives 0 and 1 but for rounding.
    low = 0.0 if correct == 0 else (centre - half) / scale
    high = 1.0 if correct == total else (centre + half) / scale
    return low, high


def _quantile(confidence: float) -> float:
    """The z of a two-sided interval, e.g. 1.96 for 0.95."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie strictly between 0 and 1, not {confidence}")
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def wilson_interval(correct: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson score interval (low, high) in percent for ``correct`` right answers out of ``total``.

    E. B. Wilson: Probable inference, the law of succession, and statistical inference. JASA 22, 1927.
    """
    if total < 1 or not 0 <= correct <= total:
        raise ValueError(
            f"need 0 <= correct <= total and total >= 1, not correct={correct}, total={total}"
        )
    low, high = _wilson(int(correct), int(total), _quantile(confidence))
    return 100 * low, 100 * high


def wilson_share(share: float, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's interval (low, high), as fractions, of a share in [0, 1] that need not be a whole number of ``total``."""
    return _wilson(share * total, total, _quantile(confidence))


def check_paired(correct_a: np.ndarray, correct_b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which of the same N test images each encoder got right: two boolean arrays (N,), once checked."""
    a, b = np.asarray(correct_a), np.asarray(correct_b)
    if a.ndim != 1 or a.shape != b.shape or len(a) == 0:
        raise ValueError(
            f"two boolean arrays of one length N > 0 expected, not shapes {a.shape} and {b.shape}"
        )
    if a.dtype != np.bool_ or b.dtype != np.bool_:
        raise ValueError(f"boolean arrays expected, not {a.dtype} and {b.dtype}")
    return a, b


def paired_difference(
    correct_a: np.ndarray, correct_b: np.ndarray, confidence: float = 0.95
) -> tuple[float, float, float]:
    """Accuracy of a minus accuracy of b, and its interval (difference, low, high), in percentage points.

    correct_a, correct_b: bool (N,), which of the same N test images each encoder got right. The images being the same, the two
    accuracies are correlated (phi), and the interval is narrower than that of independent samples would be:

        low  = d - sqrt((p_a - l_a)^2 - 2 phi (p_a - l_a)(u_b - p_b) + (u_b - p_b)^2)
        high = d + sqrt((u_a - p_a)^2 - 2 phi (u_a - p_a)(p_b - l_b) + (p_b - l_b)^2)

    with [l, u] the Wilson intervals: method 10 of R. G. Newcombe, Improved confidence intervals for the difference between binomial
    proportions based on paired data, Statistics in Medicine 17, 1998. Unlike Wald's it stays sensible where the encoders rarely disagree.
    """
    a, b = check_paired(correct_a, correct_b)
    z, total = _quantile(confidence), len(a)
    both, only_a, only_b, neither = (int(np.sum(cell)) for cell in (a & b, a & ~b, ~a & b, ~a & ~b))
    share_a, share_b = (both + only_a) / total, (both + only_b) / total
    low_a, high_a = _wilson(both + only_a, total, z)
    low_b, high_b = _wilson(both + only_b, total, z)

    covariance = both * neither - only_a * only_b
    if covariance > 0:
        covariance = max(covariance - total / 2, 0)  # Newcombe's continuity correction
    margins = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
    phi = covariance / sqrt(margins) if margins else 0.0

    def length(x: float, y: float) -> float:
        return sqrt(max(x * x - 2 * phi * x * y + y * y, 0.0))

    difference = (only_a - only_b) / total
    low = difference - length(share_a - low_a, high_b - share_b)
    high = difference + length(high_a - share_a, share_b - low_b)
    return 100 * difference, 100 * low, 100 * high


def mcnemar(correct_a: np.ndarray, correct_b: np.ndarray, mid: bool = True) -> float:
    """The two-sided p-value of the hypothesis that a and b are right equally often on the same test images.

    correct_a, correct_b: bool (N,) as for `paired_difference`. Only images that one of them alone got right say anything; under the
    hypothesis each is a's with probability 1/2. Exact: twice the binomial probability of a split at least as uneven, at most 1 (Q.
    McNemar, Psychometrika 12, 1947). The exact test is wrong less often than it claims; with ``mid`` the split found counts half, which
    comes closer (M. W. Fagerland, S. Lydersen, P. Laake: The McNemar test for binary matched-pairs data, BMC Medical Research
    Methodology 13:91, 2013). Where the two never differ p is 1.
    """
    a, b = check_paired(correct_a, correct_b)
    only_a, only_b = int(np.sum(a & ~b)), int(np.sum(~a & b))
    split, total = min(only_a, only_b), only_a + only_b
    if total == 0:
        return 1.0
    # log of binomial(total, i) / 2^total, by ratios of neighbours: factorials of test sets overflow
    steps = np.log(total - np.arange(split)) - np.log(np.arange(split) + 1)
    logs = np.concatenate([[0.0], np.cumsum(steps)]) - total * log(2)
    tail, here = float(np.exp(logs).sum()), exp(logs[-1])
    if not mid:
        return min(1.0, 2 * tail)
    return 1 - here / 2 if only_a == only_b else min(1.0, 2 * tail - here)
