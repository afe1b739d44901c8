"""Finding 1 (the paper's Figure 2): beyond 500k pretraining images the benefit of more is modest.

Images are compared at equal steps. Encoders of equal epochs differ in images and in training length
at once, and on small sets it is mostly the length that pays, so that nothing is said of images from
them alone. Whether the training is long enough to tell is measured too: the largest set at half the
steps (and, by choice, at twice).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import log2

import pandas as pd

from fourlenses.analysis import table
from fourlenses.analysis.contrasts import Contrast, Evidence
from fourlenses.findings import selection, words
from fourlenses.findings.comparison import (
    CONFOUNDED,
    LONGER_FIRST,
    Comparison,
    Exclusion,
    points,
)
from fourlenses.findings.finding import Finding, judged
from fourlenses.findings.thresholds import Thresholds
from fourlenses.findings.verdict import BELOW
from fourlenses.study.names import count, dataset

NAME = "quantity"
UNIT = "points per doubling"
MISSING = (
    "Two numbers of pretraining images of the target's own dataset, at a linear classifier: "
    "add the lens quantity."
)


def evaluate(evidence: Evidence, thresholds: Thresholds) -> list[Finding]:
    """Return the finding: top-1 of the largest size minus that of the smallest, per doubling.

    In-domain, clean, linear, per method entry and target, at the most labels for which there are
    two sizes of equal steps, from `beyond_images` on; where no target has two such sizes, the
    largest size minus the second largest.
    """
    limit, size = words.margin(thresholds.modest_gain), words.images(thresholds.beyond_images)
    compared = comparisons(evidence, thresholds, thresholds.beyond_images)
    if compared:
        statement = f"Beyond {size} pretraining images a doubling of them gains less than {limit}."
        note = (
            "Top-1 of the most pretraining images minus that of the fewest from "
            f"{size} on, per doubling; only sizes of equal steps count."
        )
    else:
        compared = comparisons(evidence, thresholds, 0)
        statement = f"The last doubling of the pretraining images gains less than {limit}."
        note = (
            f"No target has two sizes of {size} pretraining images or more. This is the gain from "
            f"the second largest to the largest size, per doubling, and says nothing of {size}; "
            "only sizes of equal steps count."
        )
    found = judged(
        NAME,
        statement,
        compared,
        side=BELOW,
        unit=UNIT,
        note=note,
        missing=MISSING,
        evidence=evidence,
        thresholds=thresholds,
    )
    return [found]


def comparisons(evidence: Evidence, thresholds: Thresholds, least: int) -> list[Comparison]:
    """Return a comparison per target and method entry with two sizes from ``least`` images on."""
    compared = [
        _comparison(family, evidence, thresholds, least=least)
        for family in families(evidence.metrics)
    ]
    return [comparison for comparison in compared if comparison]


@dataclass(frozen=True, kw_only=True)
class Family:
    """Encoders of one method entry and of those made from it, on one target at one label size.

    Attributes:
        target: the dataset evaluated on.
        entry: the method entry.
        curve: rows of those that are compared over images, several sizes.
        every: rows of all, those of other lengths included.
        equal: whether the curve is at equal steps.
    """

    target: str
    entry: str
    curve: pd.DataFrame
    every: pd.DataFrame
    equal: bool

    @property
    def sizes(self) -> list[int]:
        """Pretraining images of the curve, increasing."""
        return sorted(self.curve["pretrain_images"].unique())

    def at(self, size: int) -> pd.DataFrame:
        """The curve's rows of one size."""
        return self.curve[self.curve["pretrain_images"] == size]


@table.once_per_table
def families(metrics: pd.DataFrame) -> list[Family]:
    """Return a family per target and method entry.

    At the most labels at which two sizes were trained for equally many steps; if none was, at the
    most labels at which there are two sizes at all.
    """
    rows = selection.linear(selection.own_encoders(selection.finest(metrics)))
    found = []
    for (target, entry), of_entry in selection.groups(rows, ["target", "entry"]):
        # other lenses may have more sizes, at other label sizes: the lens that asks comes first
        of_lens = of_entry[of_entry["lens"].str.contains(NAME)]
        candidates = (
            family
            for part in (of_lens, of_entry)
            for find in (_equal, _unequal)
            for family in find(target, entry, part)
        )
        family = next(candidates, None)
        if family:
            found.append(family)
    return found


def _equal(target: str, entry: str, rows: pd.DataFrame) -> Iterator[Family]:
    for same in selection.most_labels_first(rows):
        known = same[same["steps"] > 0]
        best = known.iloc[:0]
        for steps in sorted(known["steps"].unique()):
            curve = known[known["steps"].between(steps, selection.EQUAL_STEPS * steps)]
            # of two lengths with as many sizes the longer one
            if curve["pretrain_images"].nunique() >= max(2, best["pretrain_images"].nunique()):
                best = curve
        if len(best):
            best = _one_entry_a_size(best)
            yield Family(target=target, entry=entry, curve=best, every=same, equal=True)


def _unequal(target: str, entry: str, rows: pd.DataFrame) -> Iterator[Family]:
    for same in selection.most_labels_first(rows):
        curve = same[same["method"] == entry]
        if curve["pretrain_images"].nunique() > 1:
            yield Family(target=target, entry=entry, curve=curve, every=same, equal=False)


def _one_entry_a_size(curve: pd.DataFrame) -> pd.DataFrame:
    """Two entries may have one length at one size: the first of the table is taken."""
    first = curve.groupby("pretrain_images")["method"].transform("first")
    return curve[curve["method"] == first]


def _comparison(
    family: Family, evidence: Evidence, thresholds: Thresholds, *, least: int
) -> Comparison | None:
    sizes = [size for size in family.sizes if size >= least]
    if len(sizes) < 2:
        return None
    fewer, more = sizes[0] if least else sizes[-2], sizes[-1]
    sides = [family.at(more), family.at(fewer)]
    weight = 1 / log2(more / fewer)
    steps = words.steps(family.curve)
    length = f"at {words.images(steps)} steps each" if steps else "at unequal steps"
    shown = f"{count(fewer)} to {count(more)} pretraining images {length}"
    return Comparison(
        target=family.target,
        what=f"{words.method(family.entry)}: {shown}",
        cells=sides,
        scales=[points([weight, -weight], thresholds.modest_gain)],
        trained=[sides],
        random=selection.random_encoder(evidence.metrics, sides[0]),
        excluded=excluded(family, sides, evidence),
        method=family.entry,
    )


def excluded(family: Family, sides: Sequence[pd.DataFrame], evidence: Evidence) -> Exclusion | None:
    """Return why nothing can be said of images from two sizes; None where it can.

    Args:
        family: the encoders.
        sides: the rows of the larger and of the smaller size.
        evidence: the study's table.
    """
    if family.equal:
        control = convergence(family, evidence)
        if control is None or not control.longer_first:
            return None
        return Exclusion(LONGER_FIRST, control.sentence())
    more, fewer = sides
    times = more["pretrain_images"].iloc[0] / fewer["pretrain_images"].iloc[0]
    steps = [int(side["steps"].iloc[0]) for side in (fewer, more)]
    longer, lengths = times, "equal epochs"
    if min(steps) > 0:
        longer = steps[1] / steps[0]
        lengths = f"{words.images(steps[0])} and {words.images(steps[1])} steps"
    confounded = f"{times:.3g} times the images and {longer:.3g} times the training ({lengths})"
    return Exclusion(CONFOUNDED, f"{confounded}: nothing is said of images alone")


def per_doubling(family: Family, last: Contrast) -> Contrast:
    """Return the difference between the two largest sizes, per doubling of the images."""
    per = 1 / log2(family.sizes[-1] / family.sizes[-2])
    return replace(
        last,
        estimate=per * last.estimate,
        low=per * last.low,
        high=per * last.high,
        standard_error=per * last.standard_error,
    )


@dataclass(frozen=True, kw_only=True)
class Control:
    """What twice the steps gained on the largest size.

    Attributes:
        target: the dataset evaluated on.
        images: the largest size.
        steps: the shorter and the longer training.
        length: what twice the steps gained, points.
        ahead: that minus what twice the images gained at equal steps, points.
    """

    target: str
    images: int
    steps: tuple[int, int]
    length: Contrast
    ahead: Contrast

    @property
    def longer_first(self) -> bool:
        """Whether training longer gained, and more than more images did, both beyond their
        intervals."""
        return self.length.low > 0 and self.ahead.low > 0

    def sentence(self) -> str:
        """Return what longer training gained, and how that compares with more images."""
        fewer, more = map(words.images, self.steps)
        on = f"on the same {words.images(self.images)} images of {dataset(self.target)}"
        gained = f"{more} instead of {fewer} steps {on} gained {words.interval(self.length)}"
        return f"{gained}, {words.interval(self.ahead)} more than twice the images at equal steps"


def convergence(family: Family, evidence: Evidence) -> Control | None:
    """Return the control of the longest two lengths of the largest size, per doubling of the steps;
    None where there is one length."""
    sizes = family.sizes
    if not family.equal or len(sizes) < 2:
        return None
    of_largest = family.every["pretrain_images"] == sizes[-1]
    largest = family.every[of_largest & (family.every["steps"] > 0)]
    lengths = _distinct(sorted(largest["steps"].unique()))
    if len(lengths) < 2:
        return None
    shorter, longer = (_first_entry(largest[largest["steps"] == one]) for one in lengths[-2:])
    more, fewer = family.at(sizes[-1]), family.at(sizes[-2])
    if not selection.share_seeds(longer, shorter, more, fewer):
        return None
    by_steps, by_images = 1 / log2(lengths[-1] / lengths[-2]), 1 / log2(sizes[-1] / sizes[-2])
    by_length = (by_steps, longer, shorter)
    return Control(
        target=family.target,
        images=int(sizes[-1]),
        steps=(int(lengths[-2]), int(lengths[-1])),
        length=evidence.weighted([by_length]),
        ahead=evidence.weighted([by_length, (-by_images, more, fewer)]),
    )


def _distinct(steps: Sequence[float]) -> list[float]:
    """Of increasing numbers of steps those that are longer than the one before."""
    return [
        one
        for place, one in enumerate(steps)
        if not place or one > selection.EQUAL_STEPS * steps[place - 1]
    ]


def _first_entry(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["method"] == rows["method"].iloc[0]]
