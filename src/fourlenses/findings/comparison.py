"""One comparison of encoders: what is estimated from which cells, and whether it counts."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from fourlenses.analysis import scales
from fourlenses.analysis.cells import Cell
from fourlenses.analysis.contrasts import Contrast, Evidence
from fourlenses.findings import words
from fourlenses.findings.thresholds import Thresholds

# why a comparison does not count
UNTRAINED = "not trained enough to tell"
CONFOUNDED = "confounded"
LONGER_FIRST = "train longer first"


@dataclass(frozen=True)
class Scale:
    """function: of the accuracies of a comparison's cells, in their order. unit: of its value. threshold: the claim is about it."""

    unit: str
    function: scales.Function
    threshold: float = 0.0


@dataclass(frozen=True)
class Comparison:
    """cells: rows of the table, one cell each (seeds and draws of labels apart). scales: the first is reported, all have to agree.

    trained: of each list of cells the best has to be above the random encoder, whose rows are ``random`` (empty: chance, where the table
    says it). excluded: why the comparison does not count, with the reason, where the choice of rows already tells.
    """

    target: str
    what: str
    cells: list[pd.DataFrame]
    scales: list[Scale]
    trained: list[list[pd.DataFrame]]
    random: pd.DataFrame
    excluded: tuple[str, str] | None = None
    method: str = ""
    about: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """contrasts: one a scale. excluded: as of `Comparison`, or None where it counts."""

    comparison: Comparison
    contrasts: list[Contrast]
    excluded: tuple[str, str] | None

    @property
    def counts(self) -> bool:
        return self.excluded is None

    @property
    def contrast(self) -> Contrast:
        return self.contrasts[0]

    def below(self) -> bool:
        """Whether the whole interval is below the threshold, on every scale."""
        return all(one.high < scale.threshold for one, scale in self._scales())

    def above(self) -> bool:
        return all(one.low > scale.threshold for one, scale in self._scales())

    def p_value(self) -> float:
        """Of the thresholds, on the scale that says least against them."""
        return max(one.p_value(scale.threshold) for one, scale in self._scales())

    def direction(self) -> int:
        """1 where the estimates of all scales are above their thresholds, -1 where below, 0 where they disagree."""
        signs = {
            (one.estimate > scale.threshold) - (one.estimate < scale.threshold)
            for one, scale in self._scales()
        }
        return signs.pop() if len(signs) == 1 else 0

    def within(self, margin: float) -> bool:
        """Whether the whole interval of the first scale is within plus and minus the margin: equivalence (Schuirmann 1987, with the
        95 % interval in place of the 90 % one, which errs on the side of caution)."""
        return -margin < self.contrast.low and self.contrast.high < margin

    def _scales(self):
        return zip(self.contrasts, self.comparison.scales, strict=True)


def points(weights: Sequence[float], threshold: float = 0.0) -> Scale:
    return Scale("points", scales.points(weights), threshold)


def measured(comparison: Comparison, evidence: Evidence, thresholds: Thresholds) -> Outcome:
    """
    Raises:
        UserError: the cells have no seed in common.
    """
    cells = [Cell.of(rows) for rows in comparison.cells]
    contrasts = [evidence.contrast(cells, scale.function) for scale in comparison.scales]
    return Outcome(
        comparison,
        contrasts,
        comparison.excluded or _untrained(comparison, evidence, thresholds.trained_margin),
    )


def _untrained(comparison: Comparison, evidence: Evidence, margin: float) -> tuple[str, str] | None:
    for sides in comparison.trained:
        best = max(sides, key=lambda rows: rows["top1"].mean())
        above = above_floor(best, comparison.random, evidence)
        if above is not None and not trained_enough(above, margin):
            floor = "the random encoder" if len(comparison.random) else "chance"
            asked = f"more than {words.margin(margin)} and more than the interval is asked"
            return (
                UNTRAINED,
                f"{words.encoder(best)} minus {floor}: {words.interval(above)}; {asked}",
            )
    return None


def trained_enough(above: Contrast, margin: float) -> bool:
    """The gate: whether an encoder is above the floor by more than its interval and more than the margin.

    above: of `above_floor`. margin: points.
    """
    return above.low > 0 and above.estimate > margin


def above_floor(rows: pd.DataFrame, random: pd.DataFrame, evidence: Evidence) -> Contrast | None:
    """An encoder minus the random one, or where that was not evaluated minus chance; None where the table says neither."""
    shared = set(zip(rows["seed"], rows["label_draw"], strict=True)) & set(
        zip(random["seed"], random["label_draw"], strict=True)
    )
    if shared:
        return evidence.difference(rows, random)
    chance = (
        pd.to_numeric(rows["chance"], errors="coerce").iloc[0] if "chance" in rows else float("nan")
    )
    if pd.isna(chance):
        return None
    return evidence.contrast([Cell.of(rows)], lambda top1s, tests: (top1s[0] - chance, [1.0]))
