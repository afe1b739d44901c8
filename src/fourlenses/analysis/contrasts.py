"""Differences between encoders, with their uncertainty: of the test images, and of the seeds.

An accuracy is a mean over test images and seeds, and both are samples. With the score D of image i
under seed s (of a difference: right under a minus right under b), the mean over n images and k
seeds has the variance of a two-way layout,

    var = U + S^2 / k
    U     covariance of D between two seeds on the same images, / n: what other images would change.
          It does not shrink with seeds
    S^2   variance of the seeds' means, which holds what other seeds would change and how images and
          seeds interact

U follows from the kept predictions (`joint_counts`), exactly for every sum of cells, levels and
targets. S^2 is moderated by the variance between seeds of the whole study (`seed_variance`), so
that two or three seeds do not mean Student's t with one or two degrees of freedom. With one seed, U
is the variance of D over the images, and S^2 that of the study's other cells or a stated prior.

Where the predictions were not kept, cells are taken as right and wrong independently of each other,
and the seeds' image parts as the same. Encoders are right on the same images more often than that,
so a difference is more certain than its interval then says.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import inf, sqrt

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtr, stdtrit

from fourlenses.analysis import joint_counts, scales
from fourlenses.analysis.cells import Cell, Key, shared_keys
from fourlenses.analysis.joint_counts import JointCounts
from fourlenses.analysis.seed_variance import Group, Kind, SeedVariance, pooled
from fourlenses.core.errors import UserError

CONFIDENCE = 0.95
# Points at 50 %, of one encoder over seeds: the default of findings.seed_sd.
# docs/reference/findings.md says where it is from.
PRIOR_SD = 0.8

# weight, minuend, subtrahend: rows of one cell each
Term = tuple[float, pd.DataFrame, pd.DataFrame]
# The uncertainty of one encoder's levels: its kind, its target and label size, a weight per level.
Weighted = tuple[Kind, Group, list[float]]


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """An estimate with its 95 % interval, in points unless it says another unit.

    Attributes:
        estimate: the difference, mean or slope.
        low: lower end of the interval.
        high: upper end of the interval.
        seeds: how many it is over.
        paired: whether the covariance of all its cells is known from their predictions.
        standard_error: of the estimate.
        freedom: degrees of freedom of the standard error, may be inf.
        seed_share: what part of the variance more seeds would shrink, in [0, 1]; None where that is
            not known. The rest is that of the test images.
    """

    estimate: float
    low: float
    high: float
    seeds: int
    paired: bool
    standard_error: float
    freedom: float
    seed_share: float | None

    def p_value(self, threshold: float = 0.0) -> float:
        """Return the two-sided p-value of the hypothesis that the truth is the threshold."""
        if self.standard_error == 0:
            return 1.0 if self.estimate == threshold else 0.0
        ratio = -abs(self.estimate - threshold) / self.standard_error
        return min(1.0, 2 * float(stdtr(self.freedom, ratio)))


@dataclass(frozen=True)
class Evidence:
    """A study's table with all that is known of its uncertainty."""

    metrics: pd.DataFrame
    joint: JointCounts
    seed_variance: SeedVariance

    @classmethod
    def of(cls, metrics: pd.DataFrame, prior_sd: float = PRIOR_SD) -> "Evidence":
        """Return the evidence of a table.

        Args:
            metrics: of `table.read_metrics`; the joint counts are read from next to its file.
            prior_sd: points, of one encoder over seeds, for a study in which no cell has two seeds.
        """
        return cls(metrics, joint_counts.read(metrics), pooled(metrics, prior_sd))

    def mean(self, rows: pd.DataFrame) -> Contrast:
        """Return top-1 of one cell, percent.

        Its interval is Wilson's at the number of images that gives the same variance, so it stays
        within 0 to 100. That number is no whole one, as scipy's `proportion_ci` asks for.
        """
        normal = self.contrast([Cell.of(rows)], scales.points([1.0]))
        share, variance = normal.estimate / 100, (normal.standard_error / 100) ** 2
        size = share * (1 - share) / variance if 0 < share < 1 else float(rows["n_test"].mean())
        square = quantile(normal.freedom) ** 2
        scale = 1 + square / size
        middle = (share + square / (2 * size)) / scale
        half = sqrt(square * (share * (1 - share) / size + square / (4 * size**2))) / scale
        low, high = max(0.0, 100 * (middle - half)), min(100.0, 100 * (middle + half))
        return replace(normal, low=low, high=high)

    def difference(self, minuend: pd.DataFrame, subtrahend: pd.DataFrame) -> Contrast:
        """Return top-1 of one encoder minus that of another, matched on seed and label draw.

        Args:
            minuend: rows of `metrics.csv` that differ in seed and label_draw only.
            subtrahend: likewise.

        Raises:
            UserError: no seed and label draw is in both.
        """
        return self.weighted([(1.0, minuend, subtrahend)])

    def weighted(
        self,
        terms: Sequence[Term],
        scale: Callable[[Sequence[float]], scales.Function] = scales.points,
    ) -> Contrast:
        """Return the sum of weight x (minuend - subtrahend) over the terms.

        Over the seeds that all terms have; draws are averaged within a seed.

        Args:
            terms: what is summed.
            scale: `scales.points` or `scales.log_odds`.

        Raises:
            UserError: no seed and label draw is in all terms.
        """
        cells, weights = [], []
        for weight, minuend, subtrahend in terms:
            cells += [Cell.of(minuend), Cell.of(subtrahend)]
            weights += [weight, -weight]
        return self.contrast(cells, scale(weights))

    def contrast(self, cells: Sequence[Cell], function: scales.Function) -> Contrast:
        """Return what a function makes of the cells' accuracies, over the seeds and draws that all
        of them have; its uncertainty is to first order.

        Raises:
            UserError: no seed and label draw is in all cells.
        """
        keys = shared_keys(cells)
        if not keys:
            raise _nothing_shared(cells)
        top1s, tests = zip(*((cell.mean(keys), cell.tests(keys)) for cell in cells), strict=True)
        estimate, weights = function(top1s, tests)
        seeds = len({seed for seed, _ in keys})
        image, paired = self._image_variance(cells, weights, keys)
        of_seeds = _for_prior(cells, weights, keys) if self.seed_variance.is_prior else weights
        seed, freedom = self.seed_variance.moderated(
            _by_encoder(cells, of_seeds), _between_seeds(cells, weights, keys), seeds
        )
        error, freedom = standard_error(image, seed / seeds, freedom)
        half = quantile(freedom) * error
        return Contrast(
            estimate=estimate,
            low=estimate - half,
            high=estimate + half,
            seeds=seeds,
            paired=paired,
            standard_error=error,
            freedom=freedom,
            seed_share=seed / seeds / error**2 if error else 0.0,
        )

    def covariance(self, cells: Sequence[Cell]) -> tuple[np.ndarray, np.ndarray, float]:
        """Return accuracies of K cells, their covariance and its degrees of freedom, over the seeds
        that all have.

        Returns:
            percent, (K,); squared points, (K, K); the fewest of a cell.

        Raises:
            UserError: they have none in common.
        """
        keys = shared_keys(cells)
        if not keys:
            raise _nothing_shared(cells)
        cells = [replace(cell, scores={key: cell.scores[key] for key in keys}) for cell in cells]
        single = [self.contrast([cell], scales.points([1.0])) for cell in cells]
        covariance = np.diag([contrast.standard_error**2 for contrast in single])
        for a, b in combinations(range(len(cells)), 2):
            difference = self.contrast([cells[a], cells[b]], scales.points([1.0, -1.0]))
            apart = difference.standard_error**2
            covariance[a, b] = covariance[b, a] = (covariance[a, a] + covariance[b, b] - apart) / 2
        estimates = np.array([contrast.estimate for contrast in single])
        return estimates, covariance, min(contrast.freedom for contrast in single)

    def _image_variance(
        self, cells: Sequence[Cell], weights: Sequence[float], keys: Sequence[Key]
    ) -> tuple[float, bool]:
        """U of the module, and whether it is from the predictions. Targets, and label sizes, are
        independent of each other."""
        parts: dict[tuple, list[tuple[float, Cell]]] = {}
        for cell, weight in zip(cells, weights, strict=True):
            parts.setdefault((cell.target, cell.labelled_images), []).append((weight, cell))
        variance, paired = 0.0, True
        for group, members in parts.items():
            tests = min(cell.tests(keys) for _, cell in members)
            known = self._covariance(group, members, keys)
            paired &= known is not None
            total = _as_independent(members, keys) if known is None else known
            # two images added, on which the cells differ once each way (Bonett and Price 2012,
            # https://doi.org/10.3102/1076998611411915): a variance of 0 from few images is no
            # certainty
            added = sum(weight**2 for weight, _ in _merged(members)) * 1e4
            variance += (tests * max(total, 0.0) + added) / (tests + 2) ** 2
        return variance, paired

    def _covariance(
        self, group: tuple, members: list[tuple[float, Cell]], keys: Sequence[Key]
    ) -> float | None:
        """Per image, squared units: between different seeds where there are several, else of the
        one; None where not all is known."""
        columns: dict[tuple, float] = {}
        seeds_of: dict[tuple, int] = {}
        draws = {seed: sum(key[0] == seed for key in keys) for seed, _ in keys}
        for weight, cell in members:
            for key in keys:
                column = cell.column(key)
                columns[column] = columns.get(column, 0.0) + weight / len(draws) / draws[key[0]]
                seeds_of[column] = key[0]
        covariance = self.joint[group].of(columns) if group in self.joint else None
        if covariance is None:
            return None
        products = np.outer(*[np.array(list(columns.values()))] * 2) * covariance * 1e4
        if len(draws) == 1:
            return float(products.sum())
        seeds = np.array(list(seeds_of.values()))
        return float(products[seeds[:, None] != seeds].sum()) * len(draws) / (len(draws) - 1)


def _nothing_shared(cells: Sequence[Cell]) -> UserError:
    return UserError(
        "no seed and label draw is in all of the compared rows, of which the first are "
        f"{cells[0].name} and {cells[-1].name}; "
        "evaluate both sides with the same seeds and label_repeats"
    )


def _merged(members: list[tuple[float, Cell]]) -> list[tuple[float, Cell]]:
    """A cell that several terms share once, with its total weight."""
    total: dict[tuple, float] = {}
    cells: dict[tuple, Cell] = {}
    for weight, cell in members:
        key = (*cell.encoder, cell.level)
        total[key], cells[key] = total.get(key, 0.0) + weight, cell
    return [(weight, cells[key]) for key, weight in total.items()]


def _as_independent(members: list[tuple[float, Cell]], keys: Sequence[Key]) -> float:
    return sum(
        weight**2 * top1 * (100 - top1)
        for weight, top1 in ((weight, cell.mean(keys)) for weight, cell in _merged(members))
    )


def _for_prior(cells: Sequence[Cell], weights: Sequence[float], keys: Sequence[Key]) -> list[float]:
    """The prior deviation is one at an accuracy of 50 %, and shrinks towards 0 and 100 % as that of
    a count does."""
    return [
        weight * sqrt(cell.mean(keys) * (100 - cell.mean(keys))) / 50
        for cell, weight in zip(cells, weights, strict=True)
    ]


def _by_encoder(cells: Sequence[Cell], weights: Sequence[float]) -> list[Weighted]:
    """Of each encoder its kind, its target and label size, and the weights at its levels."""
    levels: dict[tuple, Weighted] = {}
    for weight, cell in _merged(list(zip(weights, cells, strict=True))):
        group = cell.target, cell.labelled_images
        levels.setdefault(cell.encoder, (cell.kind, group, []))[2].append(weight)
    return list(levels.values())


def _between_seeds(cells: Sequence[Cell], weights: Sequence[float], keys: Sequence[Key]) -> float:
    """The variance of the weighted sum between seeds; 0 for one seed."""
    values: dict[int, float] = {}
    for weight, cell in zip(weights, cells, strict=True):
        for seed, top1 in cell.per_seed(keys).items():
            values[seed] = values.get(seed, 0.0) + weight * top1
    return float(np.var(list(values.values()), ddof=1)) if len(values) > 1 else 0.0


def standard_error(image: float, seed: float, freedom: float) -> tuple[float, float]:
    """Return the standard error of an estimate and its degrees of freedom.

    The images are thousands, the seeds' part has few degrees of freedom (Satterthwaite 1946,
    https://doi.org/10.2307/3002019).

    Args:
        image: the variance that other images would bring, squared units.
        seed: the variance that other seeds would bring to the mean over the seeds.
        freedom: of the latter.
    """
    error = sqrt(image + seed)
    known = not seed > 0 or freedom == inf
    return error, inf if known else freedom * (error**2 / seed) ** 2


def quantile(freedom: float) -> float:
    """Return Student's t at the two-sided `CONFIDENCE`; the normal quantile for inf."""
    share = 0.5 + CONFIDENCE / 2
    return float(stdtrit(freedom, share) if freedom < 1e6 else ndtri(share))
