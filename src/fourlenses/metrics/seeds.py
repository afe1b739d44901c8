"""The spread of a number over training seeds: another doubt than that of the test set, and never merged with it here.

A test-set interval (`statistics.wilson_interval`, `class_mean`) says how the accuracy of one trained encoder might differ on other test
images. The spread over seeds says how it might differ for another encoder trained alike, on the same test images.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import atan, cos, isfinite, pi, sin, sqrt
from statistics import fmean, stdev


@dataclass(frozen=True)
class SeedSpread:
    """mean over ``seeds`` seeds; sd: the sample deviation; low, high: Student's interval of the mean. One seed has only a mean."""

    mean: float
    sd: float | None
    low: float | None
    high: float | None
    seeds: int


def seed_spread(values: Sequence[float], confidence: float = 0.95) -> SeedSpread:
    """Of one number per seed, in its own unit. With two seeds the interval is 12.7 standard errors to either side: that is not a fault.

    The interval takes the values as normal, and may leave the range of the quantity (0 to 100 %).
    """
    values = [float(value) for value in values]
    if not values or not all(map(isfinite, values)):
        raise ValueError(f"one finite value a seed expected, not {values}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie strictly between 0 and 1, not {confidence}")
    mean = fmean(values)
    if len(values) == 1:
        return SeedSpread(mean, None, None, None, 1)
    sd = stdev(values)
    half = student_quantile(len(values) - 1, confidence) * sd / sqrt(len(values))
    return SeedSpread(mean, sd, mean - half, mean + half, len(values))


def student_quantile(freedom: int, confidence: float) -> float:
    """The t with P(|T| <= t) = confidence, for whole degrees of freedom."""
    low, high = 0.0, 1.0
    while _student_within(high, freedom) < confidence:
        low, high = high, 2 * high
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (
            (middle, high) if _student_within(middle, freedom) < confidence else (low, middle)
        )
    return (low + high) / 2


def _student_within(t: float, freedom: int) -> float:
    """P(|T| <= t), a finite sum for whole degrees of freedom (Abramowitz and Stegun, 26.7.3 and 26.7.4)."""
    angle = atan(t / sqrt(freedom))
    term = cos(angle) if freedom % 2 else 1.0
    total = term if freedom > 1 else 0.0
    for power in range(freedom % 2 + 2, freedom - 1, 2):
        term *= (power - 1) / power * cos(angle) ** 2
        total += term
    return 2 / pi * (angle + sin(angle) * total) if freedom % 2 else sin(angle) * total
