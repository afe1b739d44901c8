"""How much an encoder trained alike with another seed would differ: the variance between seeds, pooled over the cells of a study.

Three seeds give a variance with two degrees of freedom, which is next to nothing; a study has dozens of cells with three seeds each. The
cells' variances are alike but not the same, so each is moved towards their common value by as much as their scatter says they share
(the moderated variance of G. K. Smyth, Linear models and empirical Bayes methods for assessing differential expression, Statistical
Applications in Genetics and Molecular Biology 3(1), 2004, https://doi.org/10.2202/1544-6115.1027):

    s^2 ~ s0^2 F(d, d0)        s: of one cell, with d degrees of freedom; s0, d0: common, from mean and variance of log s^2
    moderated = (d0 s0^2 + d s^2) / (d0 + d)        with d0 + d degrees of freedom

What all cells of one target, label size and seed share (the draw of the labelled images) cancels in differences and is taken out first.
"""

from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
import pandas as pd
from scipy.special import digamma, polygamma

from fourlenses.lenses import table

CELL = ["method", "source", "corruption", "pretrain_images", "target", "protocol"]
LEAST_CELLS = 3  # with fewer, nothing is known of how alike they are


@dataclass(frozen=True)
class SeedVariance:
    """variance: s0 squared, of one cell's top-1, squared points. freedom: d0, inf where all cells are as alike as chance makes them.

    most: no moderated variance has more degrees of freedom than the study's cells together. cells: how many it is from, 0 for the prior.
    between_levels: correlation of an encoder's departure at one label level with that at another, 0 where nothing is known of it.
    """

    variance: float
    freedom: float
    most: float
    cells: int
    between_levels: float = 0.0

    @property
    def is_prior(self) -> bool:
        """Whether it was stated and not measured."""
        return self.cells == 0

    @property
    def sd(self) -> float:
        """Points."""
        return sqrt(self.variance)

    def moderated(self, weights: list[list[float]], own: float, seeds: int) -> tuple[float, float]:
        """The variance of a weighted sum of accuracies for one seed, in the square of its unit, and its degrees of freedom.

        weights: of each encoder, at each of its levels. own: the sum's variance between the seeds, of seeds - 1 degrees of freedom.
        """
        rho, freedom = self.between_levels, seeds - 1
        squares = sum((1 - rho) * sum(w * w for w in levels) + rho * sum(levels) ** 2 for levels in weights)
        common = self.variance * squares
        if not freedom or self.freedom == inf:
            return common, self.most
        return (self.freedom * common + freedom * own) / (self.freedom + freedom), min(self.freedom + freedom, self.most)


def pooled(metrics: pd.DataFrame, prior_sd: float) -> SeedVariance:
    """Of all trained cells of a table at their finest levels; ``prior_sd`` (points), as if known, where no cell has two seeds."""
    rows = table.at_finest(metrics, metrics)
    rows = rows[rows["method"] != "random"]
    found = _cells(rows)
    if not found:
        return SeedVariance(prior_sd**2, inf, inf, 0)
    variances, freedoms = (np.array(column) for column in zip(*found, strict=True))
    most = float(freedoms.sum())
    mean = float((freedoms * variances).sum() / most)
    alike = _between_levels(metrics)
    if len(found) < LEAST_CELLS or mean == 0:
        return SeedVariance(mean, inf, most, len(found), alike)
    return SeedVariance(*_common(variances, freedoms, mean), most, len(found), alike)


def _cells(rows: pd.DataFrame) -> list[tuple[float, float]]:
    """Variance between seeds and its degrees of freedom, a cell each, as the mean over its label sizes."""
    found: dict[tuple, list[tuple[float, float]]] = {}
    for _, group in rows.groupby(["target", "labelled_images"], sort=False):
        means = group.groupby([*CELL, "seed"], sort=False)["top1"].mean().unstack("seed")
        means = means.dropna()  # cells that have every seed
        cells, seeds = means.shape
        if seeds < 2 or not cells:
            continue
        off = means.to_numpy() - means.to_numpy().mean(1, keepdims=True)
        if cells >= LEAST_CELLS:
            off = off - off.mean(0)
        # taking out what the cells share takes (cells - 1) / cells of their own scatter with it
        kept = (cells - 1) / cells if cells >= LEAST_CELLS else 1.0
        variances = (off**2).sum(1) / (kept * (seeds - 1))
        for cell, variance in zip(means.index, variances, strict=True):
            found.setdefault(cell, []).append((float(variance), kept * (seeds - 1)))
    return [(sum(v for v, _ in sizes) / len(sizes), max(d for _, d in sizes)) for sizes in found.values()]


def _between_levels(metrics: pd.DataFrame) -> float:
    """The correlation over seeds of trained encoders' accuracies at two levels, pooled over encoders and pairs of levels, in [0, 1).

    From few degrees of freedom it is moved towards 0, the cautious side, as if two more had been seen without any.
    """
    rows = metrics[metrics["method"] != "random"]
    shared = scale = freedom = 0.0
    for _, cell in rows.groupby([*CELL, "labelled_images"], sort=False):
        if cell["level"].nunique() < 2:
            continue
        means = cell.groupby(["level", "seed"], sort=False)["top1"].mean().unstack("seed").dropna(axis=1).to_numpy()
        levels, seeds = means.shape
        if seeds > 1:
            covariance = np.cov(means)
            own = np.trace(covariance)
            shared += (covariance.sum() - own) / (levels - 1)
            scale += own
            freedom += seeds - 1
    return min(max(shared / scale, 0.0), 1.0) * freedom / (freedom + 2) if scale else 0.0


def _common(variances: np.ndarray, freedoms: np.ndarray, mean: float) -> tuple[float, float]:
    """s0 squared and d0: Smyth's section 6.2, where the cells differ by more than a standard error beyond chance; else they are alike.

    s0 squared is from the mean of the variances (d0 / (d0 - 2) times as large) while that has a variance itself, d0 above 4: the mean of
    their logarithms is far less certain where each has one or two degrees of freedom.
    """
    floor = 1e-5 * np.median(variances) or 1e-5 * mean
    logs = np.log(np.maximum(variances, floor)) - digamma(freedoms / 2) + np.log(freedoms / 2)
    by_chance = float(polygamma(1, freedoms / 2).mean())
    excess = float(logs.var(ddof=1)) - by_chance
    kurtosis = float((polygamma(3, freedoms / 2) / polygamma(1, freedoms / 2) ** 2).mean())
    if excess <= by_chance * np.sqrt((2 + kurtosis) / len(logs)):
        return mean, inf
    freedom = 2 * _trigamma_inverse(excess)
    if freedom > 4:
        return mean * (freedom - 2) / freedom, freedom
    return float(np.exp(logs.mean() + digamma(freedom / 2) - np.log(freedom / 2))), freedom


def _trigamma_inverse(value: float) -> float:
    """The x with trigamma(x) = value, by Newton's method on 1 / trigamma, which is convex (Smyth 2004, appendix)."""
    x = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(polygamma(1, x))
        step = trigamma * (1 - trigamma / value) / float(polygamma(2, x))
        x += step
        if -step / x < 1e-8:
            break
    return x
