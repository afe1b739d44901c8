"""How much an encoder trained alike with another seed would differ, pooled over a study's cells.

Three seeds give a variance of two degrees of freedom, which is next to nothing, but a study has
dozens of cells with three seeds. Their variances are alike but not the same, so each is moved
towards the common value by as much as their scatter says they share (the moderated variance of
Smyth 2004, https://doi.org/10.2202/1544-6115.1027):

    s^2 ~ s0^2 F(d, d0)        s: of one cell, with d degrees of freedom; s0, d0: common, from mean
                               and variance of log s^2
    moderated = (d0 s0^2 + d s^2) / (d0 + d)        with d0 + d degrees of freedom

Cells of one kind, a method entry under a protocol, have a separate common value where an F test
says that it differs from that of all others. What all cells of one target, label size and seed
share (the draw of the labelled images) is separated by a two-way analysis of variance: it cancels
in differences, and counts in a single accuracy.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import inf, nan, sqrt

import numpy as np
import pandas as pd
from scipy.special import digamma, fdtrc, polygamma

from fourlenses.analysis import table
from fourlenses.study.vocabulary import UNTRAINED

CELL = ["method", "source", "corruption", "pretrain_images", "target", "protocol"]
LEAST_CELLS = 8  # with fewer, nothing is said of how alike they are, and they are taken as alike
LEAST_OF_KIND = 3  # with fewer, a kind has no separate value
DIFFERENT = 0.05  # significance of the F test
# Degrees of freedom that the stated deviation counts with next to the measured ones: it matters in
# small studies alone.
PRIOR_FREEDOM = 2.0

Kind = tuple[str, str]  # method entry, protocol
Group = tuple[str, int]  # target, label size
Variance = tuple[float, float]  # squared points, and its degrees of freedom


@dataclass(frozen=True, kw_only=True)
class Common:
    """A common value of some cells.

    Attributes:
        variance: s0 squared, of one cell's top-1, squared points.
        freedom: d0, inf where the cells are as alike as chance makes them.
        most: degrees of freedom of all cells together; nothing made from them has more.
        cells: how many, 0 for a stated prior.
        mean: of the cells' own variances, which is what another study may expect.
    """

    variance: float
    freedom: float
    most: float
    cells: int
    mean: float


@dataclass(frozen=True, kw_only=True)
class SeedVariance:
    """The variance between seeds in a study.

    Attributes:
        every: of all trained cells.
        kinds: of those with enough cells.
        between_levels: correlation of an encoder's departure at one label level with that at
            another, 0 where nothing is known of it.
        shared: variance of what all cells of one target, label size and seed have in common,
            squared points.
    """

    every: Common
    kinds: dict[Kind, Common] = field(default_factory=dict)
    between_levels: float = 0.0
    shared: float = 0.0

    @property
    def is_prior(self) -> bool:
        """Whether it was stated and not measured."""
        return self.every.cells == 0

    @property
    def sd(self) -> float:
        """Points, of one trained cell."""
        return sqrt(self.every.variance)

    def words(self) -> str:
        """Return e.g. `1.8 points, pooled over 40 cells of the study`, with the range where kinds
        were pooled apart; or that it was stated."""
        if self.is_prior:
            return (
                f"{self.sd:.1f} points at 50 %, less towards 0 and 100 %, which is stated and not "
                "measured (findings.seed_sd)"
            )
        of_kinds = {
            sqrt(common.variance)
            for (method, _), common in self.kinds.items()
            if method not in UNTRAINED
        }
        ends = sorted(of_kinds | {self.sd})
        points = f"{self.sd:.1f} points"
        if of_kinds:
            points = f"{ends[0]:.1f} to {ends[-1]:.1f} points by method and protocol"
        return f"{points}, pooled over {self.every.cells} cells of the study"

    def of(self, kind: Kind) -> Common:
        """Return the common value of a kind."""
        return self.kinds.get(kind, self.every)

    def moderated(
        self, weights: Sequence[tuple[Kind, Group, list[float]]], measured: float, seeds: int
    ) -> tuple[float, float]:
        """Return the variance of a weighted sum of accuracies for one seed.

        Args:
            weights: of each encoder its kind, its target and label size, and its weights at each of
                its levels.
            measured: the sum's variance between the seeds, of seeds - 1 degrees of freedom.
            seeds: how many there are.

        Returns:
            the variance, in the square of the sum's unit, and its degrees of freedom.
        """
        parts = self._parts(weights)
        total, freedom = sum(parts.values()), seeds - 1
        if not total:
            return measured, max(freedom, 1)
        prior, most = (
            _of_sum([(part, getattr(common, name)) for common, part in parts.items()])
            for name in ("freedom", "most")
        )
        if not freedom or prior == inf:
            return total, most
        variance = (prior * total + freedom * measured) / (prior + freedom)
        return variance, min(prior + freedom, most)

    def _parts(self, weights: Sequence[tuple[Kind, Group, list[float]]]) -> dict[Common, float]:
        """What each common value adds to the variance of a weighted sum."""
        rho = self.between_levels
        parts: dict[Common, float] = {}
        together: dict[Group, float] = {}
        for kind, group, levels in weights:
            together[group] = together.get(group, 0.0) + sum(levels)
            common = self.of(kind)
            square = (1 - rho) * sum(w * w for w in levels) + rho * sum(levels) ** 2
            parts[common] = parts.get(common, 0.0) + common.variance * square
        shared = self.shared * sum(weight**2 for weight in together.values())
        if shared > 0:
            parts[self.every] = parts.get(self.every, 0.0) + shared
        return parts


def _of_sum(parts: Sequence[Variance]) -> float:
    """The degrees of freedom of a sum of variances (Satterthwaite 1946,
    https://doi.org/10.2307/3002019)."""
    total = sum(variance for variance, _ in parts)
    joined = sum(variance**2 / freedom for variance, freedom in parts)
    return total**2 / joined if joined else inf


def pooled(metrics: pd.DataFrame, prior_sd: float) -> SeedVariance:
    """Return the variance between seeds of all cells of a table at their finest levels.

    Args:
        metrics: the table.
        prior_sd: points; taken as if known where no trained cell has two seeds.
    """
    cells, shared = _cells(table.at_finest(metrics))
    trained = [variance for cell, variance in cells.items() if cell[0] not in UNTRAINED]
    if not trained:
        prior = prior_sd**2
        stated = Common(variance=prior, freedom=inf, most=inf, cells=0, mean=prior)
        return SeedVariance(every=stated)
    kinds: dict[Kind, list[Variance]] = {}
    for (method, *_, protocol), variance in cells.items():
        kinds.setdefault((method, protocol), []).append(variance)
    every = _with_prior(_common(trained), prior_sd)
    apart = {
        kind: _common(variances)
        for kind, variances in kinds.items()
        if len(variances) >= LEAST_OF_KIND and _differs(variances, _without(trained, variances))
    }
    return SeedVariance(
        every=every, kinds=apart, between_levels=_between_levels(metrics), shared=shared
    )


def freedoms(metrics: pd.DataFrame) -> dict[Kind, float]:
    """Return the degrees of freedom that a table's cells of each kind have together.

    They follow from how many cells and seeds there are, whatever the accuracies.
    """
    cells, _ = _cells(table.at_finest(metrics))
    kinds: dict[Kind, float] = {}
    for (method, *_, protocol), (_, freedom) in cells.items():
        kinds[method, protocol] = kinds.get((method, protocol), 0.0) + freedom
    return kinds


def _with_prior(common: Common, prior_sd: float) -> Common:
    most = common.most + PRIOR_FREEDOM
    variance, mean = (
        (common.most * measured + PRIOR_FREEDOM * prior_sd**2) / most
        for measured in (common.variance, common.mean)
    )
    return replace(common, variance=variance, mean=mean, most=most)


def _without(cells: Sequence[Variance], some: Sequence[Variance]) -> list[Variance]:
    unwanted = set(some)
    return [cell for cell in cells if cell not in unwanted]


def _differs(cells: Sequence[Variance], others: Sequence[Variance]) -> bool:
    if not others:
        return False
    (variance, freedom), (rest, of_rest) = map(_mean, (cells, others))
    if not variance or not rest:
        return variance != rest
    above = float(fdtrc(freedom, of_rest, variance / rest))
    return 2 * min(above, 1 - above) < DIFFERENT


def _mean(cells: Sequence[Variance]) -> Variance:
    """Pooled variance and its degrees of freedom."""
    freedom = sum(freedom for _, freedom in cells)
    return sum(variance * freedom for variance, freedom in cells) / freedom, freedom


def _cells(rows: pd.DataFrame) -> tuple[dict[tuple, Variance], float]:
    """Of each cell (`CELL`) its variance between seeds, as the mean over label sizes; and the
    variance of what cells of one kind share."""
    by_cell: dict[tuple, list[Variance]] = {}
    together: list[Variance] = []
    groups = ["method", "target", "protocol", "labelled_images"]
    for group, names, means in _by_seed(rows, groups, lines=CELL):
        # seeds that all cells have, or else cells that have every seed
        whole = ~np.isnan(means)
        if whole.all(0).sum() > 1:
            means = np.compress(whole.all(0), means, axis=1)
        else:
            names = [cell for cell, full in zip(names, whole.all(1), strict=True) if full]
            means = means[whole.all(1)]
        cells, seeds = means.shape
        if seeds < 2 or not cells:
            continue
        off = means - means.mean(1, keepdims=True)
        common = off.mean(0) if cells > 1 else np.zeros(seeds)
        # taking out what the cells share takes a part of their separate scatter with it
        left = (cells - 1) / cells if cells > 1 else 1.0
        variances = ((off - common) ** 2).sum(1) / (left * (seeds - 1))
        if cells > 1 and group[0] not in UNTRAINED:
            between = float((common**2).sum() / (seeds - 1)) - float(variances.mean()) / cells
            together.append((between, seeds - 1))
        for cell, variance in zip(names, variances, strict=True):
            by_cell.setdefault(cell, []).append((float(variance), left * (seeds - 1)))
    averaged = {
        cell: (sum(v for v, _ in sizes) / len(sizes), max(d for _, d in sizes))
        for cell, sizes in by_cell.items()
    }
    return averaged, max(0.0, _mean(together)[0]) if together else 0.0


def _by_seed(
    rows: pd.DataFrame, groups: list[str], *, lines: list[str]
) -> Iterator[tuple[tuple, list[tuple], np.ndarray]]:
    """Yield of each group its lines, and their top-1 by seed; nan where a line lacks one.

    In one pass over the table: by itself each group would take pandas some milliseconds. Lines and
    seeds stand as their keys first appear, since the order of a sum decides its last bit.
    """
    keys = list(dict.fromkeys([*groups, *lines, "seed"]))
    means = rows.groupby(keys, sort=False)["top1"].mean()
    places_of_group, places_of_line = ([keys.index(name) for name in of] for of in (groups, lines))
    found: dict[tuple, dict[tuple, dict[int, float]]] = {}
    seeds_of: dict[tuple, dict[int, None]] = {}
    for key, top1 in zip(means.index, means.tolist(), strict=True):
        group = tuple(key[place] for place in places_of_group)
        line = tuple(key[place] for place in places_of_line)
        found.setdefault(group, {}).setdefault(line, {})[key[-1]] = top1
        seeds_of.setdefault(group, {})[key[-1]] = None
    for group, by_line in found.items():
        ordered = sorted(by_line, key=_by_appearance(list(by_line)))
        seeds = seeds_of[group]
        top1s = [[by_line[line].get(seed, nan) for seed in seeds] for line in ordered]
        yield group, ordered, np.array(top1s)


def _by_appearance(keys: Sequence[tuple]) -> Callable[[tuple], list[int]]:
    """Return a sort key: of each of a key's values, when it first appears among the keys."""
    ranks = [
        {value: rank for rank, value in enumerate(dict.fromkeys(column))}
        for column in zip(*keys, strict=True)
    ]
    return lambda key: [rank[value] for rank, value in zip(ranks, key, strict=True)]


def _between_levels(metrics: pd.DataFrame) -> float:
    """The correlation over seeds of trained encoders' accuracies at two levels, in [0, 1).

    Pooled over encoders and pairs of levels. From few degrees of freedom it is moved towards 0, the
    cautious side, as if two more had been seen without any.
    """
    rows = metrics[~metrics["method"].isin(UNTRAINED)]
    shared = scale = freedom = 0.0
    for _, names, means in _by_seed(rows, [*CELL, "labelled_images"], lines=["level"]):
        if len(names) < 2:
            continue
        means = np.compress(~np.isnan(means).any(0), means, axis=1)
        levels, seeds = means.shape
        if seeds > 1:
            covariance = np.cov(means)
            variances = np.trace(covariance)
            shared += (covariance.sum() - variances) / (levels - 1)
            scale += variances
            freedom += seeds - 1
    return min(max(shared / scale, 0.0), 1.0) * freedom / (freedom + 2) if scale else 0.0


def _common(cells: Sequence[Variance]) -> Common:
    """s0 squared and d0: Smyth's section 6.2, where the cells differ by more than a standard error
    beyond chance; else they are alike.

    s0 squared is from the mean of the variances (d0 / (d0 - 2) times as large) while that has a
    variance itself, d0 above 4: the mean of their logarithms is far less certain where each has one
    or two degrees of freedom.
    """
    mean, most = _mean(cells)
    together = Common(variance=mean, freedom=inf, most=most, cells=len(cells), mean=mean)
    if len(cells) < LEAST_CELLS or mean == 0:
        return together
    variances, freedoms = (np.array(column) for column in zip(*cells, strict=True))
    floor = 1e-5 * np.median(variances) or 1e-5 * mean
    logs = np.log(np.maximum(variances, floor)) - digamma(freedoms / 2) + np.log(freedoms / 2)
    by_chance = float(polygamma(1, freedoms / 2).mean())
    excess = float(logs.var(ddof=1)) - by_chance
    kurtosis = float((polygamma(3, freedoms / 2) / polygamma(1, freedoms / 2) ** 2).mean())
    if excess <= by_chance * np.sqrt((2 + kurtosis) / len(logs)):
        return together
    freedom = 2 * _trigamma_inverse(excess)
    if freedom > 4:
        return replace(together, variance=mean * (freedom - 2) / freedom, freedom=freedom)
    from_logs = float(np.exp(logs.mean() + digamma(freedom / 2) - np.log(freedom / 2)))
    return replace(together, variance=from_logs, freedom=freedom)


def _trigamma_inverse(value: float) -> float:
    """The x with trigamma(x) = value, by Newton's method on 1 / trigamma, which is convex (Smyth
    2004, appendix)."""
    x = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(polygamma(1, x))
        step = trigamma * (1 - trigamma / value) / float(polygamma(2, x))
        x += step
        if -step / x < 1e-8:
            break
    return x
