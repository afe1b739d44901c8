"""A claim of the paper and what a study says of it: a verdict, with the numbers it rests on."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from math import isnan
from typing import Any

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


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number with its 95 % interval; all None where there is none, as the share of a gain is of
    an encoder that gained nothing."""

    estimate: float | None
    low: float | None
    high: float | None
    unit: str

    @classmethod
    def of(cls, contrast: Contrast, unit: str) -> "Estimate":
        """Rounded to four decimals."""
        values = (contrast.estimate, contrast.low, contrast.high)
        estimate, low, high = (None if isnan(value) else round(value, 4) for value in values)
        return cls(estimate=estimate, low=low, high=high, unit=unit)

    @property
    def half_width(self) -> float | None:
        """Of the interval, its wider side; None where there is none."""
        if self.estimate is None or self.low is None or self.high is None:
            return None
        return round(max(self.high - self.estimate, self.estimate - self.low), 4)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One comparison in the evidence of a finding.

    Attributes:
        target: the dataset evaluated on.
        what: who is compared with whom, for people.
        status: `HOLDS`, `AGAINST`, `OPEN`, or why it does not count.
        number: on the first scale.
        second_scale: on the second, where there is one.
        seeds: how many it is over.
        paired: whether it is known how often its encoders are right on the same images.
        reason: why it does not count; None where it does.
        about: as of `Comparison`.
        cells: the rows of the table, a line each.
        planned_half_width: of the interval of ``number``, as `snakemake plan` expected it; None
            where it did not.
    """

    target: str
    what: str
    status: str
    number: Estimate
    second_scale: Estimate | None
    seeds: int
    paired: bool
    reason: str | None
    about: dict[str, Any]
    cells: list[str]
    planned_half_width: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Return plain values, the number's and those of ``about`` next to the others."""
        named = asdict(self)
        may_be_absent = ("second_scale", "reason", "planned_half_width")
        absent = {name for name in may_be_absent if named[name] is None}
        return {
            **named.pop("number"),
            "half_width": self.number.half_width,
            **named.pop("about"),
            **{name: value for name, value in named.items() if name not in absent},
        }


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A claim with its verdict.

    Attributes:
        finding: its name, for programs.
        statement: the claim.
        verdict: a word of `verdict`, or why no comparison counts.
        estimate: in ``unit``, as low and high, the ends of its 95 % interval: the mean over the
            comparisons that count, first within a target. None where none does, or where they are
            of opposite signs. It is for orientation and decides nothing.
        unit: of the first scale.
        threshold: that the claim is about, in ``unit``.
        side: of the threshold that the claim is about, "below" or "above".
        equivalence: within this many points of 0 two sides are alike; None where that
            is no answer.
        seeds: the fewest of a comparison that counts.
        paired: whether all comparisons are.
        note: how the comparisons came out, in words.
        counts: how many comparisons hold, are against, open, or do not count.
        evidence: every comparison.
    """

    finding: str
    statement: str
    verdict: str
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str
    threshold: float
    side: str
    equivalence: float | None = None
    seeds: int
    paired: bool
    note: str
    counts: dict[str, int] = field(default_factory=dict)
    evidence: list[Entry] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "evidence": [entry.as_json() for entry in self.evidence]}


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
    """Return the finding from its comparisons.

    Args:
        finding: its name.
        statement: the claim.
        comparisons: every one that the study allows.
        side: `verdict.BELOW` or `verdict.ABOVE`.
        unit: of the first scale.
        note: what is estimated.
        missing: what the study lacks where there are no comparisons.
        evidence: the study's table.
        thresholds: of the study's config.
        equivalence: as of `verdict.universal`.
    """
    outcomes, problem = _measured(comparisons, evidence, thresholds)
    return of_outcomes(
        finding,
        statement,
        outcomes,
        side=side,
        unit=unit,
        note=note,
        missing=problem or missing,
        evidence=evidence,
        threshold=comparisons[0].scales[0].threshold if comparisons else 0.0,
        equivalence=equivalence,
    )


def of_outcomes(
    finding: str,
    statement: str,
    outcomes: Sequence[Outcome],
    *,
    side: int,
    unit: str,
    note: str,
    missing: str,
    evidence: Evidence,
    threshold: float = 0.0,
    equivalence: float | None = None,
) -> Finding:
    """Return the finding from what came of its comparisons.

    Args:
        finding: as of `judged`, and so the others.
        statement: the claim.
        outcomes: of every comparison.
        side: of the threshold.
        unit: of the first scale.
        note: what is estimated.
        missing: what the study lacks where there are no outcomes.
        evidence: the study's table.
        threshold: that the claim is about.
        equivalence: as of `verdict.universal`.
    """
    where = "below" if side == BELOW else "above"
    if not outcomes:
        return Finding(
            finding=finding,
            statement=statement,
            verdict=NOT_MEASURED,
            unit=unit,
            threshold=threshold,
            side=where,
            seeds=0,
            paired=False,
            note=f"Missing: {missing}",
        )
    verdict = universal(outcomes, side, equivalence)
    counted = _counted(
        verdict, len(outcomes), f"{where} {threshold:+g}" if threshold else f"{where} 0"
    )
    against_zero = _against_zero(outcomes) if threshold else []
    notes = [note, counted, *against_zero, f"{_seeds(verdict.seeds)}."]
    return Finding(
        finding=finding,
        statement=statement,
        verdict=verdict.word,
        **asdict(_mean_that_counts(outcomes, evidence, unit)),
        threshold=threshold,
        side=where,
        equivalence=equivalence,
        seeds=verdict.seeds,
        paired=all(outcome.contrast.paired for outcome in outcomes),
        note=" ".join([*notes, *_still_falling(outcomes)]),
        counts=verdict.counts,
        evidence=list(map(_entry, outcomes, verdict.status)),
    )


def _measured(
    comparisons: Sequence[Comparison], evidence: Evidence, thresholds: Thresholds
) -> tuple[list[Outcome], str | None]:
    """The outcomes of comparisons whose cells have a seed in common, and what is wrong with the
    last of the others."""
    outcomes, problem = [], None
    for comparison in comparisons:
        try:
            outcomes.append(measured(comparison, evidence, thresholds))
        except UserError as error:
            problem = str(error)
    return outcomes, problem


def _mean_that_counts(outcomes: Sequence[Outcome], evidence: Evidence, unit: str) -> Estimate:
    """Of outcomes of one sign: a mean over families of opposite sign says nothing."""
    none = Estimate(estimate=None, low=None, high=None, unit=unit)
    counted = [outcome for outcome in outcomes if outcome.counts]
    if len({outcome.contrast.estimate > 0 for outcome in counted}) != 1:
        return none
    mean = _mean_over_targets(counted, evidence)
    return Estimate.of(mean, unit) if mean else none


def _mean_over_targets(outcomes: Sequence[Outcome], evidence: Evidence) -> Contrast | None:
    """The mean over targets of the mean over each target's comparisons; None where they have no
    seed in common."""
    targets = [outcome.comparison.target for outcome in outcomes]
    functions, cells, shares = [], [], []
    for outcome in outcomes:
        comparison = outcome.comparison
        cells += [Cell.of(rows) for rows in comparison.cells]
        functions.append((len(comparison.cells), comparison.scales[0].function))
        shares.append(1 / len(set(targets)) / targets.count(comparison.target))

    def mean(top1s: Sequence[float], tests: Sequence[int]) -> tuple[float, list[float]]:
        total, weights, start = 0.0, [], 0
        for share, (width, function) in zip(shares, functions, strict=True):
            part = slice(start, start + width)
            value, slopes = function(top1s[part], tests[part])
            total += share * value
            weights += [share * slope for slope in slopes]
            start += width
        return total, weights

    try:
        return evidence.contrast(cells, mean)
    except UserError:
        return None


def _counted(verdict: Verdict, total: int, where: str) -> str:
    in_words = {
        HOLDS: f"wholly {where}, as claimed",
        AGAINST: "wholly on the other side (Holm)",
        OPEN: "undecided",
    }
    parts = [f"{count} {in_words.get(status, status)}" for status, count in verdict.counts.items()]
    return f"Of {total} comparison{'s' if total > 1 else ''}: {', '.join(parts)}."


def _against_zero(outcomes: Sequence[Outcome]) -> list[str]:
    """The same counts for a threshold of 0, which is that of the decision cards."""
    counted = [outcome.contrast for outcome in outcomes if outcome.counts]
    kinds = {
        "above": sum(contrast.low > 0 for contrast in counted),
        "below": sum(contrast.high < 0 for contrast in counted),
    }
    kinds["undecided"] = len(counted) - sum(kinds.values())
    said = [f"{count} {kind}" for kind, count in kinds.items() if count]
    against = "Against 0, as on the cards before their correction"
    return [f"{against}: {', '.join(said)}."] if said else []


def _still_falling(outcomes: Sequence[Outcome]) -> list[str]:
    count = sum(any(map(selection.not_converged, one.comparison.cells)) for one in outcomes)
    if not count:
        return []
    which = f"In {count} of {len(outcomes)} some training"
    return [f"{which} had not converged: its loss still fell at its end."]


def seed_note(evidence: Evidence, seeds: int) -> str:
    """Return how many seeds there are, and where the uncertainty between them is from."""
    source = f"an encoder's standard deviation over seeds is {evidence.seed_variance.words()}"
    few = f" Fewer than {LEAST_SEEDS} seeds: an answer leans at most."
    lean = few if seeds < LEAST_SEEDS else ""
    return f"{_seeds(seeds)}; {source}.{lean}"


def _seeds(count: int) -> str:
    return f"{count} seed{'s' if count != 1 else ''}"


def _entry(outcome: Outcome, status: str) -> Entry:
    comparison, contrast = outcome.comparison, outcome.contrast
    numbers = [
        Estimate.of(contrast, scale.unit)
        for contrast, scale in zip(outcome.contrasts, comparison.scales, strict=True)
    ]
    cells = {name for rows in comparison.cells for name in cell_names(rows)}
    return Entry(
        target=comparison.target,
        what=comparison.what,
        status=status,
        number=numbers[0],
        second_scale=numbers[1] if len(numbers) > 1 else None,
        seeds=contrast.seeds,
        paired=contrast.paired,
        reason=outcome.excluded.reason if outcome.excluded else None,
        about=comparison.about,
        cells=sorted(cells),
    )


def cell_names(rows: pd.DataFrame) -> list[str]:
    """Return a line for each row: run, protocol, target, labels and accuracy."""
    names = ("run", "protocol", "target", "level", "labelled_images", "label_draw", "top1")
    lines = []
    columns = (rows[name] for name in names)
    for run, protocol, target, level, labels, draw, top1 in zip(*columns, strict=True):
        on = f"{run}: {protocol} on {target} ({level}), {words.images(labels)} labels"
        lines.append(f"{on}{f', draw {draw}' if draw else ''}, {top1:.1f} %")
    return lines
