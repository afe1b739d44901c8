"""A hypothesis and what a study says of it: an estimate with its interval, held against a threshold."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from fourlenses.errors import UserError
from fourlenses.lenses.contrasts import Contrast, Term, weighted

SUPPORTED, CONTRADICTED, INCONCLUSIVE = "supported", "contradicted", "inconclusive"


@dataclass(frozen=True)
class Thresholds:
    """The key `findings` of the config, where the defaults are explained. Points, except beyond_images."""

    beyond_images: int = 500_000
    modest_gain: float = 2.0
    domain_margin: float = 0.0
    quality_margin: float = 0.0
    granularity_margin: float = 0.0
    worthwhile_gain: float = 1.0


@dataclass(frozen=True)
class Comparison:
    """One difference that a finding rests on: `terms` as `contrasts.weighted` takes them, their weights those of this difference alone."""

    target: str
    what: str
    terms: list[Term]


@dataclass(frozen=True)
class Finding:
    """verdict: one of the three above; estimate, low, high: None where the study has nothing to say. evidence: a dict per comparison."""

    finding: str
    statement: str
    verdict: str
    estimate: float | None
    low: float | None
    high: float | None
    unit: str
    threshold: float
    seeds: int
    paired: bool
    note: str
    evidence: list[dict] = field(default_factory=list)


def below(contrast: Contrast, threshold: float) -> str:
    """The verdict on the claim that the estimate is less than the threshold: only a whole interval on one side decides."""
    if contrast.high < threshold:
        return SUPPORTED
    return CONTRADICTED if contrast.low > threshold else INCONCLUSIVE


def above(contrast: Contrast, threshold: float) -> str:
    """The verdict on the claim that the estimate is more than the threshold."""
    if contrast.low > threshold:
        return SUPPORTED
    return CONTRADICTED if contrast.high < threshold else INCONCLUSIVE


def mean_over_targets(comparisons: Sequence[Comparison], paired: pd.DataFrame | None) -> Contrast:
    """The mean over targets of the mean over each target's comparisons, so that no target counts more for having more of them.

    The mean, and not the largest: the largest of several noisy differences is above the truth on average.
    """
    targets = [one.target for one in comparisons]
    each = 1 / len(set(targets))
    terms = [(weight * each / targets.count(one.target), a, b) for one in comparisons for weight, a, b in one.terms]
    return weighted(terms, paired)


def evidence_of(comparisons: Sequence[Comparison], paired: pd.DataFrame | None) -> list[dict]:
    """A dict per comparison: target, what, its estimate with interval, and the cells in it."""
    found = []
    for one in comparisons:
        contrast = weighted(one.terms, paired)
        cells = {name for _, a, b in one.terms for rows in (a, b) for name in _cell_names(rows)}
        found.append({"target": one.target, "what": one.what, **numbers(contrast), "cells": sorted(cells)})
    return found


def _cell_names(rows: pd.DataFrame) -> list[str]:
    columns = [rows[name] for name in ("run", "protocol", "target", "level", "labelled_images", "label_draw", "top1")]
    return [
        f"{run}: {protocol} on {target} ({level}), {labelled} labels{f', draw {draw}' if draw else ''}, {top1:.2f} %"
        for run, protocol, target, level, labelled, draw, top1 in zip(*columns, strict=True)
    ]


def numbers(contrast: Contrast) -> dict:
    return {
        **{name: round(getattr(contrast, name), 4) for name in ("estimate", "low", "high")},
        "seeds": contrast.seeds,
        "paired": contrast.paired,
    }


def judged(
    finding: str, statement: str, unit: str, threshold: float, claim, comparisons: list[Comparison], paired: pd.DataFrame | None, note: str
) -> Finding:
    """The finding from its comparisons; `claim` is `below` or `above`."""
    try:
        contrast = mean_over_targets(comparisons, paired)
    except UserError as error:  # the comparisons have no seed in common
        return lacking(finding, statement, unit, threshold, str(error))
    seeds = "" if contrast.seeds > 1 else " One seed: the interval covers the choice of test images, not that of a seed."
    return Finding(
        finding,
        statement,
        claim(contrast, threshold),
        unit=unit,
        threshold=threshold,
        note=note + seeds,
        evidence=evidence_of(comparisons, paired),
        **numbers(contrast),
    )


def lacking(finding: str, statement: str, unit: str, threshold: float, note: str) -> Finding:
    """What a study says that has none of the cells: nothing; `note` says what to add."""
    return Finding(finding, statement, INCONCLUSIVE, None, None, None, unit, threshold, 0, False, note)
