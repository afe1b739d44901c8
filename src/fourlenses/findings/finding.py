"""A claim of the paper and what a study says of it: a verdict from every comparison, with the numbers it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isnan

import pandas as pd

from fourlenses.analysis.cells import Cell
from fourlenses.analysis.contrasts import Contrast, Evidence
from fourlenses.core.errors import UserError
from fourlenses.findings import selection, words
from fourlenses.findings.comparison import Comparison, Outcome, measured
from fourlenses.findings.thresholds import LEAST_SEEDS, Thresholds
from fourlenses.findings.verdict import (
    AGAINST,
    BELOW,
    HOLDS,
    NOT_MEASURED,
    OPEN,
    Verdict,
    universal,
)


@dataclass(frozen=True)
class Finding:
    """verdict: a word of `verdict`, or why no comparison counts. estimate, low, high: the mean over the comparisons that count, first
    within a target; None where none does, or where they are of opposite signs. It is for orientation and decides nothing. side:
    of the threshold that the claim is about.

    counts: how many comparisons hold, are against, open, or do not count. evidence: a dict per comparison.
    """

    finding: str
    statement: str
    verdict: str
    estimate: float | None
    low: float | None
    high: float | None
    unit: str
    threshold: float
    side: str
    seeds: int
    paired: bool
    note: str
    counts: dict[str, int] = field(default_factory=dict)
    evidence: list[dict] = field(default_factory=list)


def judged(
    finding: str,
    statement: str,
    comparisons: Sequence[Comparison],
    *,
    side: int,
    unit: str,
    note: str,
    missing: str,
    evidence: Evidence,
    thresholds: Thresholds,
    equivalence: float | None = None,
) -> Finding:
    """The finding from its comparisons. missing: what the study lacks where there are none."""
    where = "below" if side == BELOW else "above"
    outcomes = []
    for one in comparisons:
        try:
            outcomes.append(measured(one, evidence, thresholds))
        except UserError as error:  # its cells have no seed in common
            missing = str(error)
    if not outcomes:
        threshold = comparisons[0].scales[0].threshold if comparisons else 0.0
        return Finding(
            finding,
            statement,
            NOT_MEASURED,
            None,
            None,
            None,
            unit,
            threshold,
            where,
            0,
            False,
            f"Missing: {missing}",
        )
    verdict = universal(outcomes, side, equivalence)
    counted = [one for one in outcomes if one.counts]
    alike = (
        len({one.contrast.estimate > 0 for one in counted}) == 1
    )  # no mean over families of opposite sign
    mean = _mean_over_targets(counted, evidence) if alike else None
    note = " ".join(
        [
            note,
            _counted(verdict, len(outcomes), where),
            seed_note(evidence, verdict.seeds),
            *_still_falling(outcomes),
        ]
    )
    return Finding(
        finding,
        statement,
        verdict.word,
        *(
            (None, None, None)
            if mean is None
            else (round(value, 4) for value in (mean.estimate, mean.low, mean.high))
        ),
        unit=unit,
        threshold=outcomes[0].comparison.scales[0].threshold,
        side=where,
        seeds=verdict.seeds,
        paired=all(one.contrast.paired for one in outcomes),
        note=note,
        counts=verdict.counts,
        evidence=[
            _evidence(one, status) for one, status in zip(outcomes, verdict.status, strict=True)
        ],
    )


def _mean_over_targets(outcomes: Sequence[Outcome], evidence: Evidence):
    """The mean over targets of the mean over each target's comparisons; None where they have no seed in common."""
    targets = [one.comparison.target for one in outcomes]
    functions, cells, shares = [], [], []
    for one in outcomes:
        cells += [Cell.of(rows) for rows in one.comparison.cells]
        functions.append((len(one.comparison.cells), one.comparison.scales[0].function))
        shares.append(1 / len(set(targets)) / targets.count(one.comparison.target))

    def mean(top1s, tests):
        total, weights, place = 0.0, [], 0
        for share, (width, function) in zip(shares, functions, strict=True):
            value, own = function(top1s[place : place + width], tests[place : place + width])
            total += share * value
            weights += [share * weight for weight in own]
            place += width
        return total, weights

    try:
        return evidence.contrast(cells, mean)
    except UserError:
        return None


def _counted(verdict: Verdict, total: int, where: str) -> str:
    said = {
        HOLDS: f"wholly {where} the threshold",
        AGAINST: "wholly on the other side (Holm)",
        OPEN: "undecided",
    }
    parts = [f"{count} {said.get(status, status)}" for status, count in verdict.counts.items()]
    return f"Of {total} comparison{'s' if total > 1 else ''}: {', '.join(parts)}."


def _still_falling(outcomes: Sequence[Outcome]) -> list[str]:
    count = sum(any(map(selection.not_converged, one.comparison.cells)) for one in outcomes)
    return (
        [
            f"In {count} of {len(outcomes)} some training had not converged: its loss still fell at its end."
        ]
        if count
        else []
    )


def seed_note(evidence: Evidence, seeds: int) -> str:
    """How many seeds, and where the uncertainty between them is from."""
    source = f"an encoder's standard deviation over seeds is {evidence.seed_variance.words()}"
    lean = (
        "" if seeds >= LEAST_SEEDS else f" Fewer than {LEAST_SEEDS} seeds: an answer leans at most."
    )
    return f"{seeds} seed{'s' if seeds != 1 else ''}; {source}.{lean}"


def _evidence(one: Outcome, status: str) -> dict:
    """Numbers of one comparison, its status with the reason, and the cells in it."""
    comparison, contrast = one.comparison, one.contrast
    found = {"target": comparison.target, "what": comparison.what, "status": status}
    found |= _ends(contrast)
    found |= {"unit": comparison.scales[0].unit, "seeds": contrast.seeds, "paired": contrast.paired}
    for second, scale in zip(one.contrasts[1:], comparison.scales[1:], strict=True):
        found["second_scale"] = {"unit": scale.unit, **_ends(second)}
    if one.excluded:
        found["reason"] = one.excluded[1]
    cells = {name for rows in comparison.cells for name in cell_names(rows)}
    return {**found, **comparison.about, "cells": sorted(cells)}


def _ends(contrast: Contrast) -> dict[str, float | None]:
    """None where there is no number: no share can be told of an encoder that gained nothing."""
    values = {name: getattr(contrast, name) for name in ("estimate", "low", "high")}
    return {name: None if isnan(value) else round(value, 4) for name, value in values.items()}


def cell_names(rows: pd.DataFrame) -> list[str]:
    columns = [
        rows[name]
        for name in ("run", "protocol", "target", "level", "labelled_images", "label_draw", "top1")
    ]
    return [
        f"{run}: {protocol} on {target} ({level}), {words.images(labelled)} labels{f', draw {draw}' if draw else ''}, {top1:.1f} %"
        for run, protocol, target, level, labelled, draw, top1 in zip(*columns, strict=True)
    ]
