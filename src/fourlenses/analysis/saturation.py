"""A curve of accuracy against pretraining images that saturates, and what it says of more images.

    top1(n) = ceiling - scale * n ** -exponent

in percent, with 0 < ceiling <= 100, scale >= 0, 0.02 <= exponent <= 2: the power law of learning
curves (Hestness et al. 2017, https://arxiv.org/abs/1712.00409), fitted by weighted least squares.
At a given exponent the other two follow in closed form, so the exponent is searched on a grid that
is refined until it no longer matters, for the points and for all bootstrap draws at once.

Intervals are of a parametric bootstrap: the accuracies of all sizes are drawn again from their
covariance, which holds the test images that they share and the variance between seeds, with the
tails of Student's t at its degrees of freedom (`analysis.contrasts`); the curve is fitted to each
draw, and 95 % of the draws lie inside. Seeds are not resampled: two or three of them are too few to
draw from. Where the points scatter about the curve by more than their standard errors say, all are
widened by that ratio (Birge's).

Measured accuracies can bend more sharply than a power law: little is gained below some size, and
little above another. Where the power law is rejected at the 1 % level (chi-squared of its
residuals) and there are five sizes or more, a fourth parameter is fitted too,

    top1(n) = ceiling - scale * (n + shift) ** -exponent

(pow4 of Viering and Loog 2023, https://arxiv.org/abs/2103.10948), and `kind` is `shifted_power_law`
instead of `power_law`.

With fewer than four sizes three parameters are not determined. Then `kind` is

    log_linear   two or three sizes: a straight line in log2(n) through the last two, rising or
                 falling. Its gain per doubling does not shrink, so beyond the last size it is at
                 most what is gained where the truth saturates
    one_size     nothing is known of other sizes: predictions elsewhere and gains are nan

D: bootstrap draws. E: exponents tried. K: sizes. N: numbers of images tried.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from fourlenses.analysis.cells import Cell
from fourlenses.analysis.contrasts import Evidence
from fourlenses.core.randomness import named_seed

DRAWS = 400
COVERAGE = (0.025, 0.975)
EXPONENTS = (0.02, 2.0)
LEAST_SIZES = 4
SHIFTS = (0, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1)  # tried, as shares of the geometric mean of the sizes
REJECTED = 0.01  # a power law with residuals less probable than this is given a shift
LEAST_ERROR = 0.01  # points: no measured accuracy is more certain, and a weight must be finite
MOST_IMAGES = 1e9  # a number of images beyond this is called infinite

Interval = tuple[float, float, float]


class Parameters(NamedTuple):
    """Of a curve: (1 + D,) each, first the estimate, then the bootstrap draws.

    Of a `log_linear` fit `ceiling` is the accuracy at one image and `scale` the gain per doubling;
    `exponent` and `shift` are nan.
    """

    ceiling: np.ndarray
    scale: np.ndarray
    exponent: np.ndarray
    shift: np.ndarray


@dataclass(frozen=True)
class Fit:
    """A fitted curve.

    Attributes:
        kind: `power_law`, `shifted_power_law`, `log_linear` or `one_size`.
        sizes: pretraining images of the points, (K,), increasing.
        parameters: of the curve.
    """

    kind: str
    sizes: np.ndarray
    parameters: Parameters

    def predict(self, images: float) -> Interval:
        """Return top-1 after pretraining on this number of images, percent, with its interval."""
        return _interval(self._top1(images))

    def gain_from_doubling(self, images: float) -> Interval:
        """Return how much higher top-1 is expected to be with twice as many images, points, with
        its interval."""
        return _interval(self._top1(2 * images) - self._top1(images))

    def enough_images(self, gain: float) -> Interval:
        """Return the number of images beyond which a doubling gains less than ``gain`` points.

        With its interval. It is the smallest size where that is so from there on, and inf where it
        is not so up to `MOST_IMAGES`.
        """
        scale = self.parameters.scale
        if self.kind == "one_size":
            return _interval(scale)
        if self.kind == "log_linear":
            return _interval(np.where(scale < gain, self.sizes[0], np.inf))
        return _interval(self._last_above(gain))

    def images_to_reach(self, top1: np.ndarray) -> Interval:
        """Return the number of images at which the curve reaches an accuracy, with its interval.

        The smallest size where it is above already, inf where it is not up to `MOST_IMAGES`.

        Args:
            top1: percent, (1 + D,): the estimate, then as it is in each draw of the curve.
        """
        ceiling, scale, exponent, shift = self.parameters
        if self.kind == "one_size":
            return _interval(scale)
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.kind == "log_linear":
                doublings = np.where(scale > 0, (top1 - ceiling) / scale, np.inf)
            else:
                short = ceiling - top1
                logarithm = (np.log2(scale) - np.log2(short)) / exponent
                doublings = np.where((short > 0) & (scale > 0), logarithm, np.inf)
            images = 2 ** doublings.clip(max=100)
            if self.kind != "log_linear":
                images = images - shift
        images = np.where(self._top1(self.sizes[0]) >= top1, self.sizes[0], images)
        return _interval(np.where(images > MOST_IMAGES, np.inf, images))

    def _last_above(self, gain: float) -> np.ndarray:
        """The last number of images whose doubling gains ``gain``, between the smallest size and
        infinity: (1 + D,)."""
        tried = np.geomspace(self.sizes[0], 1.01 * MOST_IMAGES, 500)
        _, scale, exponent, shift = (values[:, None] for values in self.parameters)
        once, twice = (tried + shift) ** -exponent, (2 * tried + shift) ** -exponent
        gains = scale * (once - twice)  # (1 + D, N)
        above = gains >= gain
        last = np.where(above.any(1), len(tried) - 1 - above[:, ::-1].argmax(1), -1)
        every, inside = np.arange(len(last)), last.clip(0, len(tried) - 2)
        here, after = gains[every, inside], gains[every, inside + 1]
        share = ((here - gain) / np.maximum(here - after, 1e-300)).clip(0, 1)
        images = tried[inside] * (tried[1] / tried[0]) ** share
        return np.select([last < 0, last == len(tried) - 1], [self.sizes[0], np.inf], images)

    def _top1(self, images: float) -> np.ndarray:
        """(1 + D,)"""
        ceiling, scale, exponent, shift = self.parameters
        if self.kind == "one_size":
            return np.where(images == self.sizes[0], ceiling, np.nan)
        if self.kind == "log_linear":
            return (ceiling + scale * np.log2(images)).clip(0, 100)
        return (ceiling - scale * (images + shift) ** -exponent).clip(0, 100)


def fit(
    images: Sequence[float],
    top1: Sequence[float] | np.ndarray,
    covariance: np.ndarray,
    *,
    freedom: float = np.inf,
    seed: int = 0,
) -> Fit:
    """Return the curve through the points of one target, label size and method.

    Args:
        images: pretraining images of each point, (K,), increasing.
        top1: percent, (K,), means over seeds.
        covariance: of the top1, squared points, (K, K).
        freedom: degrees of freedom of the covariance.
        seed: of the bootstrap.
    """
    return fit_with_others(images, top1, covariance, freedom=freedom, seed=seed)[0]


def fit_with_others(
    images: Sequence[float],
    top1: Sequence[float] | np.ndarray,
    covariance: np.ndarray,
    *,
    freedom: float = np.inf,
    seed: int = 0,
) -> tuple[Fit, np.ndarray]:
    """Return a curve, and accuracies that are drawn together with its points.

    Args:
        images: as of `fit`, and so the others: (K,).
        top1: percent, (K + M,): those of the curve, then M others.
        covariance: squared points, (K + M, K + M).
        freedom: degrees of freedom of the covariance.
        seed: of the bootstrap.

    Returns:
        The curve; and the M others, (1 + D, M), as of `Parameters`.
    """
    sizes, mean, covariance = (np.asarray(values, float) for values in (images, top1, covariance))
    count = len(sizes)
    generator = np.random.default_rng(named_seed(seed, "saturation"))
    weights = 1 / np.sqrt(covariance.diagonal()[:count]).clip(min=LEAST_ERROR) ** 2
    kind, widened = _kind(sizes, mean[:count], weights)
    errors = _errors(covariance, freedom, generator)
    errors[:, :count] *= widened
    points = np.concatenate([mean[None], (mean + errors).clip(0, 100)])  # (1 + D, K + M)
    points, others = points[:, :count], points[:, count:]
    if kind == "one_size":
        unknown = np.full(len(points), np.nan)
        return Fit(kind, sizes, Parameters(points[:, 0], unknown, unknown, unknown)), others
    if kind == "log_linear":
        return Fit(kind, sizes, _log_linear(sizes, points, weights)), others
    return Fit(kind, sizes, _power_law(kind, sizes, points, weights=weights)), others


def _kind(sizes: np.ndarray, mean: np.ndarray, weights: np.ndarray) -> tuple[str, float]:
    """The kind of curve, and by how much the errors are widened as the points scatter about it."""
    if len(sizes) < LEAST_SIZES:
        return "one_size" if len(sizes) == 1 else "log_linear", 1.0
    kind, left = "power_law", len(sizes) - 3
    misfit = _misfit(kind, sizes, mean, weights=weights)
    if left > 1 and chdtrc(left, misfit) < REJECTED:
        kind, left = "shifted_power_law", left - 1
        misfit = _misfit(kind, sizes, mean, weights=weights)
    return kind, max(1.0, (misfit / left) ** 0.5)


def _errors(covariance: np.ndarray, freedom: float, generator: np.random.Generator) -> np.ndarray:
    """(D, K) draws of a multivariate t. The covariance was put together of parts, so it may be a
    hair from positive."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(values.clip(min=LEAST_ERROR**2))
    tails = np.ones(DRAWS)
    if freedom < 1e6:
        tails = np.sqrt(freedom / generator.chisquare(freedom, DRAWS))
    return tails[:, None] * (generator.standard_normal((DRAWS, len(values))) @ root.T)


def _misfit(kind: str, sizes: np.ndarray, mean: np.ndarray, *, weights: np.ndarray) -> float:
    """The weighted squared error of the best curve of a kind through the points: chi-squared where
    their errors are right."""
    fitted = Fit(kind, sizes, _power_law(kind, sizes, mean[None], weights=weights))
    predicted = np.array([fitted._top1(size)[0] for size in sizes])
    return float((weights * (predicted - mean) ** 2).sum())


def fit_rows(rows: pd.DataFrame, evidence: Evidence, seed: int = 0) -> Fit:
    """Return the curve through rows of the table.

    Args:
        rows: of one target, label size, protocol and method, one source a number of pretraining
            images.
        evidence: the study's table.
        seed: of the bootstrap.

    Raises:
        UserError: the sizes have no seed in common.
    """
    return fit_rows_with_others(rows, [], evidence, seed=seed)[0]


def fit_rows_with_others(
    rows: pd.DataFrame, others: Sequence[pd.DataFrame], evidence: Evidence, *, seed: int = 0
) -> tuple[Fit, np.ndarray]:
    """Return the curve through rows of the table, and other cells drawn together with it.

    Args:
        rows: as of `fit_rows`.
        others: rows of a cell each.
        evidence: the study's table.
        seed: of the bootstrap.

    Returns:
        As of `fit_with_others`.

    Raises:
        UserError: the sizes and the other cells have no seed in common.
    """
    cells = [Cell.of(of_size) for _, of_size in rows.groupby("pretrain_images")]
    sizes = sorted(rows["pretrain_images"].unique())
    means, covariance, freedom = evidence.covariance([*cells, *map(Cell.of, others)])
    return fit_with_others(sizes, means, covariance, freedom=freedom, seed=seed)


def _log_linear(sizes: np.ndarray, points: np.ndarray, weights: np.ndarray) -> Parameters:
    """Through the last two points."""
    x, y, weights = np.log2(sizes[-2:]), points[:, -2:], weights[-2:]
    slope = (y[:, 1] - y[:, 0]) / (x[1] - x[0])
    middle = (weights * x).sum() / weights.sum()
    at_one = (weights * y).sum(1) / weights.sum() - slope * middle
    unknown = np.full(len(y), np.nan)
    return Parameters(at_one, slope, unknown, unknown)


def _power_law(
    kind: str, sizes: np.ndarray, points: np.ndarray, *, weights: np.ndarray
) -> Parameters:
    """Of each row of the points."""
    unit = np.exp(np.log(sizes).mean())
    x, every = sizes / unit, np.arange(len(points))
    shift = np.zeros(len(points))
    if kind == "shifted_power_law":
        grid = np.broadcast_to(np.geomspace(*EXPONENTS, 25), (len(points), 25))
        by_shift = [
            _at_exponents(grid, x + candidate, points, weights=weights)[2].min(1)
            for candidate in SHIFTS
        ]
        shift = np.array(SHIFTS)[np.stack(by_shift).argmin(0)]
    moved = (x + shift[:, None])[:, None, :]  # (D, 1, K)
    grid = np.broadcast_to(np.geomspace(*EXPONENTS, 49), (len(points), 49))  # (D, E)
    for _ in range(3):  # each round is 24 times finer than the one before
        ceilings, scales, errors = _at_exponents(grid, moved, points, weights=weights)
        best = errors.argmin(1)
        ceiling, scale, exponent = (of[every, best] for of in (ceilings, scales, grid))
        step = grid[:, 1] / grid[:, 0]
        grid = (exponent[:, None] * step[:, None] ** np.linspace(-1, 1, 49)).clip(*EXPONENTS)
    return Parameters(ceiling, scale * unit**exponent, exponent, shift * unit)


def _at_exponents(
    exponents: np.ndarray, sizes: np.ndarray, points: np.ndarray, *, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The best ceiling and scale for each given exponent, within their bounds, and their weighted
    squared error: each (D, E)."""
    basis = sizes ** -exponents[..., None]  # (D, E, K)
    y = points[:, None, :]
    total = weights.sum()
    mean_basis, mean_y = (basis * weights).sum(-1) / total, (y * weights).sum(-1) / total
    centred = basis - mean_basis[..., None]
    scale = -(weights * centred * y).sum(-1) / (weights * centred**2).sum(-1)
    scale = scale.clip(min=0)
    ceiling = mean_y + scale * mean_basis
    # where the ceiling would be above 100 it is 100: the error is convex, so its least is there
    at_edge = ((weights * basis * (100 - y)).sum(-1) / (weights * basis**2).sum(-1)).clip(min=0)
    scale = np.where(ceiling > 100, at_edge, scale)
    ceiling = np.minimum(ceiling, 100)
    error = (weights * (y - ceiling[..., None] + scale[..., None] * basis) ** 2).sum(-1)
    return ceiling, scale, error


def _interval(values: np.ndarray) -> Interval:
    """The estimate, which comes first, and the bounds of the draws' middle 95 %; each is a draw's
    value, as some may be infinite."""
    estimate = float(values[0])
    if np.isnan(estimate):
        return (np.nan, np.nan, np.nan)
    low = float(np.quantile(values[1:], COVERAGE[0], method="lower"))
    high = float(np.quantile(values[1:], COVERAGE[1], method="higher"))
    return estimate, min(low, estimate), max(high, estimate)
