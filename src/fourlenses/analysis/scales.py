"""Points, log-odds and shares of a gain, with their derivatives by the accuracies they are made of.

Points decide what a user gets. They also shrink at the floor and the ceiling: an encoder that is
hardly better than a random one cannot lose much, and two accuracies near 100 % cannot be far apart.
A claim about two methods that stand at different heights should hold on a second scale too.
"""

from collections.abc import Callable, Sequence
from math import log

# Accuracies of the cells (percent) and test images of each, to the estimate and its derivative by
# each accuracy.
Function = Callable[[Sequence[float], Sequence[int]], tuple[float, list[float]]]


def points(weights: Sequence[float]) -> Function:
    """Return the weighted sum of the accuracies, in points."""

    def value(top1s: Sequence[float], tests: Sequence[int]) -> tuple[float, list[float]]:
        return sum(w * top1 for w, top1 in zip(weights, top1s, strict=True)), list(weights)

    return value


def log_odds(weights: Sequence[float]) -> Function:
    """Return the weighted sum of log(p / (1 - p)).

    Half an image is added to right and to wrong, so that none is infinite (Anscombe 1956,
    https://doi.org/10.1093/biomet/43.3-4.461).
    """

    def value(top1s: Sequence[float], tests: Sequence[int]) -> tuple[float, list[float]]:
        shares = [(top1 / 100 * n + 0.5) / (n + 1) for top1, n in zip(top1s, tests, strict=True)]
        estimate = sum(w * log(p / (1 - p)) for w, p in zip(weights, shares, strict=True))
        slopes = [n / (n + 1) / (100 * p * (1 - p)) for p, n in zip(shares, tests, strict=True)]
        return estimate, [w * slope for w, slope in zip(weights, slopes, strict=True)]

    return value


def share_lost(top1s: Sequence[float], tests: Sequence[int]) -> tuple[float, list[float]]:
    """Return what one encoder loses of its gain over the random one, minus what another loses.

    In percent, 100 (clean - corrupted) / (clean - random) each.

    Args:
        top1s: of cells clean, corrupted, random, and clean, corrupted of the other.
        tests: as of `Function`; not used.
    """
    clean, corrupted, floor, clean_b, corrupted_b = top1s
    first, by_clean, by_corrupted, by_floor = _share(clean, corrupted, floor)
    second, by_clean_b, by_corrupted_b, by_floor_b = _share(clean_b, corrupted_b, floor)
    return first - second, [
        by_clean,
        by_corrupted,
        by_floor - by_floor_b,
        -by_clean_b,
        -by_corrupted_b,
    ]


def share_of_gain(top1s: Sequence[float], tests: Sequence[int]) -> tuple[float, list[float]]:
    """Return what an encoder loses of its gain over the random one, in percent.

    Args:
        top1s: of cells clean, corrupted, random.
        tests: as of `Function`; not used.
    """
    value, *weights = _share(*top1s)
    return value, weights


def _share(clean: float, corrupted: float, floor: float) -> tuple[float, float, float, float]:
    gain, lost = clean - floor, clean - corrupted
    if gain <= 0:  # the gate leaves such encoders out; they have no share
        return float("nan"), 0.0, 0.0, 0.0
    return 100 * lost / gain, 100 * (corrupted - floor) / gain**2, -100 / gain, 100 * lost / gain**2
