"""Differences between encoders with the doubt in them: from `metrics.csv` alone, narrower where `paired.csv` lies beside it.

Two doubts go into an interval, and they are estimated apart. *Test images*: another draw of them would give other accuracies. All seeds
are judged on the same images, so that this part does not shrink with the number of seeds. *Seeds*: an encoder trained alike would differ;
the variance between the seeds' differences, divided by their number. With one seed nothing is known of that, and the interval covers the
test images alone: `Contrast.seeds` is 1 then.

From the table alone the encoders' errors on the test images are taken as independent (Newcombe's interval where the bounds are Wilson's).
They are not: the images are shared. Where the correlation is the same for all pairs of encoders, a sum whose weights add up to zero for
each target, as every sum here does, has (1 - correlation) times the variance, so this errs on the side of caution.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import sqrt
from pathlib import Path
from statistics import NormalDist, fmean, variance

import pandas as pd

from fourlenses.errors import UserError
from fourlenses.evaluation.seeds import student_quantile

CONFIDENCE = 0.95
Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
PAIRED_NAME = "paired.csv"
PAIRED_COLUMNS = [
    "target", "level", "labelled_images", "label_draw", "seed", "protocol_a", "run_a", "protocol_b", "run_b", "difference", "low", "high",
    "n_test",
]  # fmt: skip
CELL = ["target", "level", "labelled_images", "protocol", "run"]  # with seed and label_draw, which are matched


@dataclass(frozen=True)
class Contrast:
    """A difference in points, its 95 % interval, the seeds it is over, and whether every pair in it has a paired interval."""

    estimate: float
    low: float
    high: float
    seeds: int
    paired: bool


@dataclass(frozen=True)
class _Side:
    """One accuracy and the distances to its bounds, in points."""

    cell: tuple
    top1: float
    down: float
    up: float


@dataclass(frozen=True)
class _Pair:
    """Two sides of one seed and label draw; `distances` to the bounds of the paired interval, where there is one."""

    a: _Side
    b: _Side
    distances: tuple[float, float] | None


Term = tuple[float, pd.DataFrame, pd.DataFrame]


def read_paired(metrics: str | Path) -> pd.DataFrame | None:
    """The paired intervals that lie beside a study's table, or None where there are none.

    Raises:
        UserError: the file is there and lacks a column.
    """
    path = Path(metrics).parent / PAIRED_NAME
    if not path.exists():
        return None
    paired = pd.read_csv(path, keep_default_na=False)
    missing = [column for column in PAIRED_COLUMNS if column not in paired.columns]
    if missing:
        raise UserError(f"{path} lacks the column {', '.join(missing)}; delete it, or write it again: snakemake paired")
    return paired


def difference(minuend: pd.DataFrame, subtrahend: pd.DataFrame, paired: pd.DataFrame | None = None) -> Contrast:
    """top1 of one encoder's rows less that of another's, matched on seed and label_draw; see the module for what the interval covers.

    minuend, subtrahend: rows of `metrics.csv` that differ in seed and label_draw only. paired: of `read_paired`.

    Raises:
        UserError: no seed and label draw is in both.
    """
    return weighted([(1.0, minuend, subtrahend)], paired)


def weighted(terms: Sequence[Term], paired: pd.DataFrame | None = None) -> Contrast:
    """The sum of weight x (minuend - subtrahend) over the terms, over the seeds that all terms have.

    Draws of the labelled images are averaged within a seed; with one seed and several draws that all terms have, the variance is that
    between draws. The variance between seeds (k - 1 degrees of freedom) and that of the test images (taken as known) are added, with
    Student's t at Satterthwaite's degrees of freedom.

    Of the test images, per target, the narrower of two distances: cells as independent (a cell that several terms share counts once,
    with its total weight), or the sum of the terms' paired distances, which holds whatever the correlation between terms is. Targets are
    independent of each other.

    Raises:
        UserError: no seed and label draw is in all terms.
    """
    matched = [_matched(minuend, subtrahend, paired) for _, minuend, subtrahend in terms]
    weights = [weight for weight, _, _ in terms]
    units, seeds = _units(matched)
    if not units:
        (_, minuend, subtrahend), *_ = terms
        raise UserError(
            f"no seed and label draw is in all of the compared rows, of which the first are {_name(minuend)} and {_name(subtrahend)}; "
            "evaluate both sides with the same seeds and label_repeats"
        )
    values, downs, ups = [], [], []
    for unit in units:
        pairs = [[pair for key, pair in term.items() if unit(key)] for term in matched]
        values.append(sum(w * fmean(p.a.top1 - p.b.top1 for p in term) for w, term in zip(weights, pairs, strict=True)))
        down, up = _test_distances(weights, pairs)
        downs.append(down)
        ups.append(up)
    estimate = fmean(values)
    low = estimate - _half(fmean(downs), values)
    high = estimate + _half(fmean(ups), values)
    return Contrast(estimate, low, high, seeds, all(pair.distances is not None for term in matched for pair in term.values()))


def _name(rows: pd.DataFrame) -> str:
    return f"{rows['run'].iloc[0]} on {rows['target'].iloc[0]}" if len(rows) else "nothing"


def _matched(minuend: pd.DataFrame, subtrahend: pd.DataFrame, paired: pd.DataFrame | None) -> dict[tuple[int, int], _Pair]:
    left, right = _sides(minuend), _sides(subtrahend)
    shared = sorted(left.keys() & right.keys())
    return {key: _Pair(left[key], right[key], _paired_distances(paired, left[key], right[key], key)) for key in shared}


def _sides(rows: pd.DataFrame) -> dict[tuple[int, int], _Side]:
    sides = {}
    draws = rows["label_draw"] if "label_draw" in rows else [0] * len(rows)
    columns = [rows[name] for name in ("seed", "top1", "top1_low", "top1_high", *CELL)]
    for draw, seed, top1, low, high, *cell in zip(draws, *columns, strict=True):
        if (seed, draw) in sides:
            raise ValueError(f"two rows of seed {seed}, label draw {draw}: {sides[seed, draw].cell} and {tuple(cell)}; one cell expected")
        sides[seed, draw] = _Side(tuple(cell), top1, top1 - low, high - top1)
    return sides


def _paired_distances(paired: pd.DataFrame | None, a: _Side, b: _Side, key: tuple[int, int]) -> tuple[float, float] | None:
    """Down and up from a - b, whichever way round the pair stands in the table."""
    if paired is None or a.cell[:3] != b.cell[:3]:
        return None
    (target, level, labelled), (seed, draw) = a.cell[:3], key
    here = paired[
        (paired["target"] == target)
        & (paired["level"] == level)
        & (paired["labelled_images"] == labelled)
        & (paired["seed"] == seed)
        & (paired["label_draw"] == draw)
    ]
    for one in here.itertuples():
        ends = (one.protocol_a, one.run_a), (one.protocol_b, one.run_b)
        if ends == (a.cell[3:], b.cell[3:]):
            return one.difference - one.low, one.high - one.difference
        if ends == (b.cell[3:], a.cell[3:]):
            return one.high - one.difference, one.difference - one.low
    return None


def _units(matched: list[dict[tuple[int, int], _Pair]]) -> tuple[list, int]:
    """What the variance is taken between, each as a test of (seed, draw): seeds, or draws where there is one seed; and how many seeds."""
    seeds = set.intersection(*({seed for seed, _ in term} for term in matched))
    if len(seeds) == 1:
        draws = set.intersection(*({draw for seed, draw in term if seed in seeds} for term in matched))
        if len(draws) > 1:
            return [lambda key, draw=draw: key[0] in seeds and key[1] == draw for draw in sorted(draws)], 1
    return [lambda key, seed=seed: key[0] == seed for seed in sorted(seeds)], len(seeds)


def _test_distances(weights: list[float], pairs: list[list[_Pair]]) -> tuple[float, float]:
    """Down and up from the sum, for other test images. Draws of the labels share the test images: distances are averaged over them."""
    by_target = sorted(zip(weights, pairs, strict=True), key=lambda term: term[1][0].a.cell[0])
    squares = [0.0, 0.0]
    for _, group in groupby(by_target, key=lambda term: term[1][0].a.cell[0]):
        group = list(group)
        distances = _as_independent(group)
        if all(pair.distances is not None for _, term in group for pair in term):
            paired = _as_paired(group)
            distances = tuple(map(min, distances, paired))
        squares = [square + distance**2 for square, distance in zip(squares, distances, strict=True)]
    return sqrt(squares[0]), sqrt(squares[1])


def _as_independent(group: list[tuple[float, list[_Pair]]]) -> tuple[float, float]:
    total: dict[tuple, float] = {}
    widths: dict[tuple, list[tuple[float, float]]] = {}
    for weight, term in group:
        for pair in term:
            for side, signed in ((pair.a, weight), (pair.b, -weight)):
                total[side.cell] = total.get(side.cell, 0.0) + signed / len(term)
                widths.setdefault(side.cell, []).append((side.down, side.up))
    down = up = 0.0
    for cell, weight in total.items():
        below, above = (fmean(column) for column in zip(*widths[cell], strict=True))
        below, above = (below, above) if weight > 0 else (above, below)
        down, up = down + (weight * below) ** 2, up + (weight * above) ** 2
    return sqrt(down), sqrt(up)


def _as_paired(group: list[tuple[float, list[_Pair]]]) -> tuple[float, float]:
    down = up = 0.0
    for weight, term in group:
        below, above = (fmean(pair.distances[side] for pair in term) for side in (0, 1))
        below, above = (below, above) if weight > 0 else (above, below)
        down, up = down + abs(weight) * below, up + abs(weight) * above
    return down, up


def _half(distance: float, values: list[float]) -> float:
    """From the distance that the test images alone account for, and the seeds' values, the distance that both do."""
    between = variance(values) / len(values) if len(values) > 1 else 0.0
    if between == 0:
        return distance
    total = (distance / Z) ** 2 + between
    freedom = (len(values) - 1) * (total / between) ** 2
    # whole degrees of freedom, rounded down to err on the side of caution; from 500 on t is z to a third digit
    return (student_quantile(int(freedom), CONFIDENCE) if freedom < 500 else Z) * sqrt(total)
