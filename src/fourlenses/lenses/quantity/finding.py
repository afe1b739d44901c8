"""Finding 1 (the paper's Figure 2): beyond 500k pretraining images the benefit of more is modest.

Images are compared at equal steps. Encoders of equal epochs differ in images and in training length at once, and on small sets it is mostly
the length that pays, so that nothing is said of images from them alone. Whether the training is long enough to tell is measured too: the
largest set at half the steps (and, by choice, at twice).
"""

from dataclasses import dataclass, replace
from math import log2

import pandas as pd

from fourlenses.analysis.contrasts import Contrast, Evidence
from fourlenses.findings import selection, words
from fourlenses.findings.comparison import CONFOUNDED, LONGER_FIRST, Comparison, points
from fourlenses.findings.finding import Finding, judged
from fourlenses.findings.thresholds import Thresholds
from fourlenses.findings.verdict import BELOW
from fourlenses.study.names import count, dataset

NAME = "quantity"
UNIT = "points per doubling"


def evaluate(evidence: Evidence, thresholds: Thresholds) -> list[Finding]:
    """In-domain, clean, linear, per method entry and target at the most labels for which there are two sizes of equal steps: top1 of the
    largest size minus that of the smallest from `beyond_images` on, per doubling; where no target has two such sizes, of the second
    largest."""
    limit, size = thresholds.modest_gain, words.images(thresholds.beyond_images)
    found = comparisons(evidence, thresholds, thresholds.beyond_images)
    if found:
        statement = f"Beyond {size} pretraining images a doubling of them gains less than {words.margin(limit)}."
        note = f"Top-1 of the most pretraining images minus that of the fewest from {size} on, per doubling; only sizes of equal steps count."
    else:
        found = comparisons(evidence, thresholds, 0)
        statement = (
            f"The last doubling of the pretraining images gains less than {words.margin(limit)}."
        )
        note = (
            f"No target has two sizes of {size} pretraining images or more. This is the gain from the second largest to the largest size, "
            f"per doubling, and says nothing of {size}; only sizes of equal steps count."
        )
    missing = "Two numbers of pretraining images of the target's own dataset, at a linear classifier: add the lens quantity."
    return [
        judged(
            NAME,
            statement,
            found,
            side=BELOW,
            unit=UNIT,
            note=note,
            missing=missing,
            evidence=evidence,
            thresholds=thresholds,
        )
    ]


def comparisons(evidence: Evidence, thresholds: Thresholds, least: int) -> list[Comparison]:
    """One per target and method entry."""
    found = []
    for family in families(evidence.metrics):
        one = _comparison(family, evidence, thresholds, least)
        if one:
            found.append(one)
    return found


@dataclass(frozen=True)
class Family:
    """Encoders of one method entry and of those made from it, on one target at one label size.

    curve: those that are compared over images, several sizes; equal: whether at equal steps. every: with those of other lengths.
    """

    target: str
    entry: str
    curve: pd.DataFrame
    every: pd.DataFrame
    equal: bool

    @property
    def sizes(self) -> list[int]:
        return sorted(self.curve["pretrain_images"].unique())

    def at(self, size: int) -> pd.DataFrame:
        return self.curve[self.curve["pretrain_images"] == size]


def families(metrics: pd.DataFrame) -> list[Family]:
    """Per target and method entry, at the most labels at which two sizes were trained for equally many steps; if none was, at the most
    labels at which there are two sizes at all."""
    rows = selection.linear(selection.own_encoders(selection.finest(metrics)))
    found = []
    for (target, entry), some in selection.groups(rows, ["target", "entry"]):
        # other lenses may have further sizes, at label sizes of their own: the lens that asks comes first
        asked = some[some["lens"].str.contains(NAME)]
        one = next(
            (
                one
                for part in (asked, some)
                for find in (_equal, _unequal)
                for one in find(target, entry, part)
            ),
            None,
        )
        if one:
            found.append(one)
    return found


def _equal(target: str, entry: str, rows: pd.DataFrame):
    for same in selection.most_labels_first(rows):
        known = same[same["steps"] > 0]
        best = pd.DataFrame()
        for steps in sorted(known["steps"].unique()):
            curve = known[
                (known["steps"] >= steps) & (known["steps"] <= selection.EQUAL_STEPS * steps)
            ]
            # of two lengths with as many sizes the longer one
            if curve["pretrain_images"].nunique() >= max(
                2, best["pretrain_images"].nunique() if len(best) else 0
            ):
                best = curve
        if len(best):
            yield Family(target, entry, _one_entry_a_size(best), same, True)


def _unequal(target: str, entry: str, rows: pd.DataFrame):
    for same in selection.most_labels_first(rows):
        curve = same[same["method"] == entry]
        if curve["pretrain_images"].nunique() > 1:
            yield Family(target, entry, curve, same, False)


def _one_entry_a_size(curve: pd.DataFrame) -> pd.DataFrame:
    """Two entries may have one length at one size: the first of the table is taken."""
    first = curve.groupby("pretrain_images")["method"].transform("first")
    return curve[curve["method"] == first]


def _comparison(
    family: Family, evidence: Evidence, thresholds: Thresholds, least: int
) -> Comparison | None:
    sizes = [size for size in family.sizes if size >= least]
    if len(sizes) < 2:
        return None
    fewer, more = sizes[0] if least else sizes[-2], sizes[-1]
    sides = [family.at(more), family.at(fewer)]
    weight = 1 / log2(more / fewer)
    steps = words.steps(family.curve)
    length = f"at {words.images(steps)} steps each" if steps else "at unequal steps"
    what = (
        f"{words.method(family.entry)}: {count(fewer)} to {count(more)} pretraining images {length}"
    )
    return Comparison(
        target=family.target,
        what=what,
        cells=sides,
        scales=[points([weight, -weight], thresholds.modest_gain)],
        trained=[sides],
        random=selection.random_encoder(evidence.metrics, sides[0]),
        excluded=excluded(family, sides, evidence),
        method=family.entry,
    )


def excluded(
    family: Family, sides: list[pd.DataFrame], evidence: Evidence
) -> tuple[str, str] | None:
    """Why nothing can be said of images from more (first) and fewer of them, with the reason; None where it can."""
    more, fewer = sides
    times = more["pretrain_images"].iloc[0] / fewer["pretrain_images"].iloc[0]
    if not family.equal:
        known = [
            words.images(int(side["steps"].iloc[0]))
            for side in (fewer, more)
            if side["steps"].iloc[0] > 0
        ]
        said = f" ({known[0]} and {known[1]} steps)" if len(known) == 2 else " (equal epochs)"
        return (
            CONFOUNDED,
            f"{times:.3g} times the images and {times:.3g} times the training{said}: nothing is said of images alone",
        )
    control = convergence(family, evidence)
    return (LONGER_FIRST, control.sentence()) if control and control.longer_first else None


def per_doubling(family: Family, last: Contrast) -> Contrast:
    """From the difference between the two largest sizes."""
    per = 1 / log2(family.sizes[-1] / family.sizes[-2])
    scaled = {
        name: per * getattr(last, name) for name in ("estimate", "low", "high", "standard_error")
    }
    return replace(last, **scaled)


@dataclass(frozen=True)
class Control:
    """What twice the steps gained on the largest size, and that minus what twice the images gained at equal steps, both in points."""

    target: str
    images: int
    steps: tuple[int, int]
    length: Contrast
    ahead: Contrast

    @property
    def longer_first(self) -> bool:
        """Whether training longer gained, and more than more images did, both beyond their intervals."""
        return self.length.low > 0 and self.ahead.low > 0

    def sentence(self) -> str:
        fewer, more = (words.images(one) for one in self.steps)
        gained = f"{more} instead of {fewer} steps on the same {words.images(self.images)} images of {dataset(self.target)} gained"
        return f"{gained} {words.interval(self.length)}, {words.interval(self.ahead)} more than twice the images at equal steps"


def convergence(family: Family, evidence: Evidence) -> Control | None:
    """The longest two lengths of the largest size that are there, per doubling of the steps; None where there is one length."""
    sizes = family.sizes
    if not family.equal or len(sizes) < 2:
        return None
    largest = family.every[
        (family.every["pretrain_images"] == sizes[-1]) & (family.every["steps"] > 0)
    ]
    lengths = sorted(largest["steps"].unique())
    lengths = [
        one
        for place, one in enumerate(lengths)
        if not place or one > selection.EQUAL_STEPS * lengths[place - 1]
    ]
    if len(lengths) < 2:
        return None
    shorter, longer = (largest[largest["steps"] == one] for one in lengths[-2:])
    longer, shorter = (one[one["method"] == one["method"].iloc[0]] for one in (longer, shorter))
    more, fewer = family.at(sizes[-1]), family.at(sizes[-2])
    if not selection.share_seeds(longer, shorter, more, fewer):
        return None
    by_steps, by_images = 1 / log2(lengths[-1] / lengths[-2]), 1 / log2(sizes[-1] / sizes[-2])
    terms = [(by_steps, longer, shorter)]
    steps = int(lengths[-2]), int(lengths[-1])
    ahead = evidence.weighted([*terms, (-by_images, more, fewer)])
    return Control(family.target, int(sizes[-1]), steps, evidence.weighted(terms), ahead)
