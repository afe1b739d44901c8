"""One comparison of encoders: what is estimated from which cells, and whether it counts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pandas as pd

from fourlenses.analysis import scales
from fourlenses.analysis.cells import Cell
from fourlenses.analysis.contrasts import Contrast, Evidence
from fourlenses.findings import words
from fourlenses.findings.thresholds import Thresholds

# Why a comparison does not count.
UNTRAINED = "not trained enough to tell"
CONFOUNDED = "confounded"
LONGER_FIRST = "train longer first"
HAS_SEEN = "left out: the encoder has seen the target"


class Exclusion(NamedTuple):
    """Why a comparison does not count: one of the four words above, and the reason."""

    word: str
    reason: str


@dataclass(frozen=True)
class Scale:
    """A number made of the accuracies of a comparison's cells.

    Attributes:
        unit: of the number.
        function: of the accuracies, in the order of the cells.
        threshold: that the claim is about.
    """

    unit: str
    function: scales.Function
    threshold: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Some encoders on one target, and what is estimated from them.

    Attributes:
        target: the dataset evaluated on.
        what: who is compared with whom, for people.
        cells: rows of the table, one cell each; they differ in seed and label draw only.
        scales: the first is reported, all have to agree.
        trained: of each list of cells the best has to be above the random encoder.
        random: the random encoder's rows; where empty, chance stands for it if the table has it.
        excluded: why the comparison does not count, where the choice of rows already shows it.
        method: the method entry that it is about; may be empty.
        about: what a program may want to know of it, plain values.
    """

    target: str
    what: str
    cells: list[pd.DataFrame]
    scales: list[Scale]
    trained: list[list[pd.DataFrame]]
    random: pd.DataFrame
    excluded: Exclusion | None = None
    method: str = ""
    about: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What came of a comparison.

    Attributes:
        comparison: the comparison.
        contrasts: one a scale.
        excluded: why it does not count; None where it does.
    """

    comparison: Comparison
    contrasts: list[Contrast]
    excluded: Exclusion | None

    @property
    def counts(self) -> bool:
        return self.excluded is None

    @property
    def contrast(self) -> Contrast:
        """On the scale that is reported."""
        return self.contrasts[0]

    def below(self) -> bool:
        """Return whether the whole interval is below the threshold, on every scale."""
        return all(contrast.high < scale.threshold for contrast, scale in self._scales())

    def above(self) -> bool:
        """Return whether the whole interval is above the threshold, on every scale."""
        return all(contrast.low > scale.threshold for contrast, scale in self._scales())

    def p_value(self) -> float:
        """Of the thresholds, on the scale that says least against them."""
        return max(contrast.p_value(scale.threshold) for contrast, scale in self._scales())

    def direction(self) -> int:
        """Return 1 where the estimates of all scales are above their thresholds, -1 where all are
        below, and 0 where they disagree."""
        signs = {
            (contrast.estimate > scale.threshold) - (contrast.estimate < scale.threshold)
            for contrast, scale in self._scales()
        }
        return signs.pop() if len(signs) == 1 else 0

    def within(self, margin: float) -> bool:
        """Return whether the whole interval of the first scale is within plus and minus the margin.

        This is the test of equivalence of Schuirmann (1987, https://doi.org/10.1007/BF01068419)
        with the 95 % interval in place of the 90 % one, which errs on the side of caution.
        """
        return -margin < self.contrast.low and self.contrast.high < margin

    def _scales(self) -> Iterator[tuple[Contrast, Scale]]:
        return zip(self.contrasts, self.comparison.scales, strict=True)


def points(weights: Sequence[float], threshold: float = 0.0) -> Scale:
    """Return the scale of a weighted sum of top-1 accuracies."""
    return Scale(words.POINTS, scales.points(weights), threshold)


def measured(comparison: Comparison, evidence: Evidence, thresholds: Thresholds) -> Outcome:
    """Return the outcome of a comparison.

    Raises:
        UserError: the cells have no seed in common.
    """
    cells = [Cell.of(rows) for rows in comparison.cells]
    contrasts = [evidence.contrast(cells, scale.function) for scale in comparison.scales]
    excluded = comparison.excluded or untrained(comparison, evidence, thresholds.trained_margin)
    return Outcome(comparison, contrasts, excluded)


def untrained(comparison: Comparison, evidence: Evidence, margin: float) -> Exclusion | None:
    """Return why encoders of a comparison are not trained enough to tell anything; None where they
    are.

    Args:
        comparison: the comparison.
        evidence: the study's table.
        margin: points above the random encoder that are asked.
    """
    for sides in comparison.trained:
        best = max(sides, key=lambda rows: rows["top1"].mean())
        above = above_floor(best, comparison.random, evidence)
        if above is not None and not trained_enough(above, margin):
            floor = "the random encoder" if len(comparison.random) else "chance"
            asked = f"more than {words.margin(margin)} and more than the interval is asked"
            reached = f"{words.encoder(best)} minus {floor}: {words.interval(above)}"
            return Exclusion(UNTRAINED, f"{reached}; {asked}")
    return None


def trained_enough(above: Contrast, margin: float) -> bool:
    """Return whether an encoder is above the floor by more than its interval and its margin.

    Args:
        above: of `above_floor`.
        margin: points.
    """
    return above.low > 0 and above.estimate > margin


def above_floor(rows: pd.DataFrame, random: pd.DataFrame, evidence: Evidence) -> Contrast | None:
    """Return an encoder minus the random one, or minus chance where that was not evaluated; None
    where the table has neither."""
    if _seeds_and_draws(rows) & _seeds_and_draws(random):
        return evidence.difference(rows, random)
    chance = float(rows["chance"].iloc[0]) if "chance" in rows else float("nan")
    if pd.isna(chance):
        return None
    return evidence.contrast([Cell.of(rows)], lambda top1s, tests: (top1s[0] - chance, [1.0]))


def _seeds_and_draws(rows: pd.DataFrame) -> set[tuple[int, int]]:
    return set(zip(rows["seed"], rows["label_draw"], strict=True))
