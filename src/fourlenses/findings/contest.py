"""Is pretraining worth it at a number of labels? Its best against the best of labels alone.

Pretraining: the encoder of the most unlabelled images of one's own, under a linear classifier and
fine-tuned. Labels alone: training from scratch, and a linear classifier on an encoder supervised
with the same labels. A frozen encoder against a network trained end to end would be no contest:
without fine-tuning the question counts as not measured.

The best of several looks better than it is, so that one side leads only as `best_of` says.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fourlenses.analysis.contrasts import Contrast, Evidence
from fourlenses.findings import best_of, selection, words
from fourlenses.findings.best_of import Pairs
from fourlenses.findings.comparison import above_floor, trained_enough
from fourlenses.findings.thresholds import Thresholds
from fourlenses.study.vocabulary import PROTOCOLS

WAYS = {
    protocol.name: protocol.in_words
    for protocol in PROTOCOLS.values()
    if protocol.in_words and not protocol.from_scratch
}
# The answers.
PRETRAINING, SUPERVISED = "pretraining leads", "labels alone lead"
ALIKE, OPEN = "no difference", "cannot tell"
NOT_CORRECTED = "not after the correction for the best of several ways"


@dataclass(frozen=True, kw_only=True)
class Contest:
    """One method entry at one label size.

    Attributes:
        method: the method entry.
        labels: labelled images.
        images: unlabelled images that its encoder saw.
        steps: of its pretraining, where the table has them.
        way: of pretraining, in words: the best, or the one that wins for certain.
        against: of labels alone, likewise.
        contrast: the first minus the second, means over seeds.
        answer: one of the four above.
        p_value: of the answer that one side leads; 1 where neither side's best is ahead.
        not_converged: those of the two whose loss still fell at its end.
        untrained: why neither was trained enough to tell; None where one was.
        corrected: whether the correction for several ways leaves an interval without 0 undecided.
    """

    method: str
    labels: int
    images: int
    steps: int | None
    way: str
    against: str
    contrast: Contrast
    answer: str
    p_value: float
    not_converged: list[str]
    untrained: str | None
    corrected: bool = True

    def sentence(self) -> str:
        """Return e.g. `With 3,000 labels, training from scratch beats SimCLR fine-tuned (3,000
        unlabelled images, 1,125 steps) by 8.2 points (…).`"""
        length = f", {words.images(self.steps)} steps" if self.steps else ""
        seen = f"{words.images(self.images)} unlabelled images{length}"
        encoder = f"{words.method(self.method)} {self.way} ({seen})"
        sentence = f"With {words.images(self.labels)} labels, "
        if self.answer in (PRETRAINING, SUPERVISED):
            sides = (encoder, self.against)
            first, second = sides if self.contrast.estimate > 0 else reversed(sides)
            sentence += f"{first} beats {second} {words.amount(self.contrast)}."
        else:
            sentence += f"{encoder} minus {self.against}: {words.interval(self.contrast)}."
            if self.corrected and (self.contrast.low > 0 or self.contrast.high < 0):
                sentence += " Not after the correction for the best of several ways."
        if self.not_converged:
            sentence += f" Not converged: {words.listed(self.not_converged)}."
        return sentence


def contests(
    rows: pd.DataFrame, evidence: Evidence, thresholds: Thresholds
) -> tuple[list[Contest], list[int]]:
    """Return the contests of a target, and the label sizes that lack fine-tuning alone for one.

    Args:
        rows: of one target at its finest level, as `selection.finest` returns them.
        evidence: the study's table.
        thresholds: of the study's config.
    """
    held: list[Contest] = []
    unmeasured: set[int] = set()
    encoders = selection.from_random_weights(selection.own_encoders(rows))
    for labels in sorted(encoders["labelled_images"].unique()):
        alone = dict(selection.supervised(rows[rows["labelled_images"] == labels]))
        if not alone:
            continue
        at_labels = encoders[encoders["labelled_images"] == labels]
        for (entry,), of_entry in selection.groups(at_labels, ["entry"]):
            one = _contest(entry, of_entry, alone, evidence=evidence, thresholds=thresholds)
            if one:
                held.append(one)
            else:
                unmeasured.add(int(labels))
    return held, sorted(unmeasured - {one.labels for one in held})


def _contest(
    entry: str,
    encoders: pd.DataFrame,
    alone: dict[str, pd.DataFrame],
    *,
    evidence: Evidence,
    thresholds: Thresholds,
) -> Contest | None:
    """None where the entry's encoder was not fine-tuned at this label size, or has no seed in
    common with one of the ways of labels alone."""
    encoders = largest(encoders)
    ways = {
        protocol: rows
        for (protocol,), rows in selection.groups(encoders, ["protocol"])
        if protocol in WAYS
    }
    pairs = {
        (way, name): evidence.difference(mine, theirs)
        for way, mine in ways.items()
        for name, theirs in alone.items()
        if selection.share_seeds(mine, theirs)
    }
    if "fine_tune" not in ways or len(pairs) < len(ways) * len(alone):
        return None
    answer, p_value, (way, rival) = _answer(
        pairs, ways, alone, margin=thresholds.equivalence_margin
    )
    mine, theirs = ways[way], alone[rival]
    trainings = {f"{words.method(entry)} {WAYS[way]}": mine, rival: theirs}
    return Contest(
        method=entry,
        labels=int(encoders["labelled_images"].iloc[0]),
        images=int(encoders["pretrain_images"].iloc[0]),
        steps=words.steps(encoders),
        way=WAYS[way],
        against=rival,
        contrast=pairs[way, rival],
        answer=answer,
        p_value=p_value,
        not_converged=[name for name, rows in trainings.items() if selection.not_converged(rows)],
        untrained=_untrained(mine, theirs, evidence=evidence, margin=thresholds.trained_margin),
    )


def _answer(
    pairs: Pairs,
    ways: Mapping[str, pd.DataFrame],
    alone: Mapping[str, pd.DataFrame],
    *,
    margin: float,
) -> tuple[str, float, tuple[str, str]]:
    """The answer, its p-value, and the pair that it rests on: the way that wins for certain and the
    best of the other side, or the best of both."""
    means = ({name: rows["top1"].mean() for name, rows in side.items()} for side in (ways, alone))
    ahead = best_of.lead(pairs, *means)
    if ahead.side:
        answer = PRETRAINING if ahead.side == best_of.FIRST else SUPERVISED
        return answer, ahead.p_value, ahead.pair
    contrast = pairs[ahead.pair]
    alike = -margin < contrast.low and contrast.high < margin
    return ALIKE if alike else OPEN, ahead.p_value, ahead.pair


def largest(encoders: pd.DataFrame) -> pd.DataFrame:
    """Of the most images the entry that was fine-tuned, of several the longest trained: a control
    at half the length is no candidate."""
    # numpy's masks: this is asked hundreds of times of a large table
    columns = ("pretrain_images", "steps", "method", "source", "protocol")
    images, steps, method, source, protocol = (encoders[name].to_numpy() for name in columns)
    chosen = images == images.max()
    tuned = chosen & np.isin(method, method[chosen & (protocol == "fine_tune")])
    chosen = tuned if tuned.any() else chosen
    chosen &= steps == steps[chosen].max()
    first = chosen.argmax()
    return encoders[chosen & (source == source[first]) & (method == method[first])]


def _untrained(
    mine: pd.DataFrame, theirs: pd.DataFrame, *, evidence: Evidence, margin: float
) -> str | None:
    better = mine if mine["top1"].mean() > theirs["top1"].mean() else theirs
    random = selection.random_encoder(evidence.metrics, mine)
    above = above_floor(better, random, evidence)
    if above is None or trained_enough(above, margin):
        return None
    return f"the better side minus the random encoder: {words.interval(above)}"
