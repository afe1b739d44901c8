"""How many own images would draw level with a downloaded encoder: its line crossed by the curve.

The curve is that of the quantity lens, of a linear classifier at one label size. The points of the
curve and the encoder's accuracy are drawn together, as they share test images and labels.
"""

from dataclasses import dataclass
from math import inf
from typing import Literal

import pandas as pd

from fourlenses.analysis import saturation
from fourlenses.analysis.contrasts import Evidence
from fourlenses.core.errors import UserError
from fourlenses.findings import words
from fourlenses.findings.contest import OPEN
from fourlenses.lenses.quantity import finding as quantity
from fourlenses.lenses.quantity.finding import Family

TIMES = 100  # the largest size: what a curve says further out is no estimate any more
LEAST_SIZES = 3  # through two sizes there is a line without any sign of how it bends


@dataclass(frozen=True, kw_only=True)
class Reach:
    """The images at which one method entry draws level.

    Attributes:
        family: the encoders of the curve.
        images: the estimate; inf where it is beyond `TIMES` the largest size or never.
        low: lower end of its 95 % interval.
        high: upper end.
        kind: of the curve.
        seeds: that all points have.
    """

    family: Family
    images: float
    low: float
    high: float
    kind: Literal["line", "curve"]
    seeds: int

    def answer(self) -> str:
        """Return `about 12,000 images`, `more than 4,000 images`, or that it does not get there."""
        largest = self.family.sizes[-1]
        if self.low == inf:
            return f"not within {TIMES} times the images here"
        if self.high < inf:
            return f"about {rounded(self.images)} images"
        return f"more than {words.images(largest)} images" if self.low > largest else OPEN

    def sentence(self) -> str:
        """Return `about 12,300 images (95 % interval 9,000 to 40,000)`, or what else is known."""
        within = (
            f"{TIMES} times the {words.images(self.family.sizes[-1])} images of the largest size"
        )
        if self.low == inf:
            return f"it does not get there within {within}, nor does its 95 % interval"
        low = rounded(self.low)
        if self.images == inf:
            return f"it does not get there within {within} (95 % interval from {low} on)"
        ends = f"{low} to {rounded(self.high)}" if self.high < inf else f"from {low} on"
        return f"about {rounded(self.images)} images (95 % interval {ends})"


def rounded(images: float) -> str:
    """`12,345.6` -> `12,300`: three digits are more than a curve knows."""
    digits = max(0, len(str(int(images))) - 3)
    return words.images(int(round(images, -digits)))


def families(evidence: Evidence, target: str, labels: int) -> list[Family]:
    """Return the encoders of each method entry at a label size, where they are of enough sizes."""
    metrics = evidence.metrics
    here = metrics[(metrics["target"] == target) & (metrics["labelled_images"] == labels)]
    return [family for family in quantity.families(here) if len(family.sizes) >= LEAST_SIZES]


def reach(family: Family, encoder: pd.DataFrame, evidence: Evidence) -> Reach | None:
    """Return the images at which a family draws level with an encoder; None where the points have
    no seed in common.

    Args:
        family: of three sizes or more.
        encoder: rows of one cell, of the family's protocol and label size.
        evidence: the study's table.
    """
    try:
        fit, others = saturation.fit_rows_with_others(family.curve, [encoder], evidence)
    except UserError:
        return None
    most = TIMES * family.sizes[-1]
    images, low, high = (end if end <= most else inf for end in fit.images_to_reach(others[:, 0]))
    sizes = [set(family.at(size)["seed"]) for size in family.sizes]
    return Reach(
        family=family,
        images=images,
        low=low,
        high=high,
        kind="line" if fit.kind == "log_linear" else "curve",
        seeds=len(set.intersection(*sizes, set(encoder["seed"]))),
    )
