"""Is pretraining worth it at a number of labels? The best of what pretraining gives against the best of what labels alone give.

Pretraining: the encoder of the most unlabelled images of one's own, under a linear classifier and fine-tuned. Labels alone: training from
scratch, and a linear classifier on an encoder supervised with the same labels. A frozen encoder against a network trained end to end would
be no contest: without fine-tuning the question counts as not measured.

The best of several looks better than it is. So one side leads only where one of its ways beats every way of the other, after a correction
for how many ways it had (Bonferroni over its ways, intersection-union over the other's).
"""

from dataclasses import dataclass

import pandas as pd

from fourlenses.analysis.contrasts import CONFIDENCE, Contrast, Evidence
from fourlenses.findings import selection, words
from fourlenses.findings.comparison import above_floor, trained_enough
from fourlenses.findings.thresholds import Thresholds
from fourlenses.study.vocabulary import PROTOCOLS

WAYS = {
    protocol.name: protocol.in_words
    for protocol in PROTOCOLS.values()
    if protocol.in_words and not protocol.from_scratch
}
PRETRAINING, SUPERVISED, ALIKE, OPEN = (
    "pretraining leads",
    "supervised leads",
    "no difference",
    "cannot tell",
)


@dataclass(frozen=True)
class Contest:
    """One method entry at one label size. contrast: the best way of pretraining minus the best of labels alone (means over seeds).

    answer: one of the four above. p_value: of the answer that one side leads, 1 where neither side's best is ahead. corrected: whether it
    is the correction for several ways that leaves an interval without 0 undecided.
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
        """`With 3,000 labels, training from scratch beats SimCLR fine-tuned (3,000 unlabelled images, 1,125 steps) by 8.2 points (…)`."""
        length = f", {words.images(self.steps)} steps" if self.steps else ""
        encoder = f"{words.method(self.method)} {self.way} ({words.images(self.images)} unlabelled images{length})"
        first, second = (
            (encoder, self.against) if self.contrast.estimate > 0 else (self.against, encoder)
        )
        verb = {PRETRAINING: "beats", SUPERVISED: "beats"}.get(self.answer)
        if verb is None:
            said = f"With {words.images(self.labels)} labels, {encoder} minus {self.against}: {words.interval(self.contrast)}."
            if self.corrected and (self.contrast.low > 0 or self.contrast.high < 0):
                said += " Not after the correction for the best of several ways."
        else:
            said = f"With {words.images(self.labels)} labels, {first} {verb} {second} {words.amount(self.contrast)}."
        if self.not_converged:
            said += f" Not converged: {words.listed(self.not_converged)}."
        return said


def contests(
    rows: pd.DataFrame, evidence: Evidence, thresholds: Thresholds
) -> tuple[list[Contest], list[int]]:
    """Of one target's rows at its finest level: a contest per method entry and label size, and the label sizes at which there is training
    from scratch and a pretrained encoder, but no fine-tuned one."""
    found, unmeasured = [], []
    own = selection.own_encoders(rows)
    for labels in sorted(own["labelled_images"].unique()):
        here = rows[rows["labelled_images"] == labels]
        alone = list(selection.supervised(here))
        if not alone:
            continue
        for (entry,), encoders in selection.groups(
            own[own["labelled_images"] == labels], ["entry"]
        ):
            one = _contest(entry, encoders, alone, evidence, thresholds)
            if one:
                found.append(one)
            else:
                unmeasured.append(int(labels))
    return found, sorted(set(unmeasured) - {one.labels for one in found})


def _contest(
    entry: str,
    encoders: pd.DataFrame,
    alone: list[tuple[str, pd.DataFrame]],
    evidence: Evidence,
    thresholds: Thresholds,
) -> Contest | None:
    """None where the entry's encoder was not fine-tuned at this label size, or shares no seed with what it is held against."""
    encoders = _largest(encoders)
    ways = {
        protocol: some
        for (protocol,), some in selection.groups(encoders, ["protocol"])
        if protocol in WAYS
    }
    if "fine_tune" not in ways:
        return None
    pairs = {
        (way, name): evidence.difference(mine, theirs)
        for way, mine in ways.items()
        for name, theirs in alone
        if selection.share_seeds(mine, theirs)
    }
    if len(pairs) < len(ways) * len(alone):
        return None
    names = [name for name, _ in alone]
    best = max(ways, key=lambda way: ways[way]["top1"].mean())
    rival = max(names, key=lambda name: dict(alone)[name]["top1"].mean())
    beats = {way: max(_ahead(pairs[way, name]) for name in names) for way in ways}
    beaten_by = {name: max(_ahead(_turned(pairs[way, name])) for way in ways) for name in names}
    ours, theirs = len(ways) * min(beats.values()), len(names) * min(beaten_by.values())
    answer = OPEN
    if min(ours, theirs) < 1 - CONFIDENCE:
        answer = PRETRAINING if ours < theirs else SUPERVISED
        # what is said is the pair that the answer rests on: the way that wins for certain, against the best of the other side
        best = min(beats, key=beats.get) if answer == PRETRAINING else best
        rival = min(beaten_by, key=beaten_by.get) if answer == SUPERVISED else rival
    contrast = pairs[best, rival]
    if (
        answer == OPEN
        and -thresholds.equivalence_margin < contrast.low
        and contrast.high < thresholds.equivalence_margin
    ):
        answer = ALIKE
    tried = pd.concat([ways[best], dict(alone)[rival]])
    return Contest(
        method=entry,
        labels=int(encoders["labelled_images"].iloc[0]),
        images=int(encoders["pretrain_images"].iloc[0]),
        steps=words.steps(encoders),
        way=WAYS[best],
        against=rival,
        contrast=contrast,
        answer=answer,
        p_value=min(1.0, ours, theirs),
        not_converged=_not_converged(
            {f"{words.method(entry)} {WAYS[best]}": ways[best], rival: dict(alone)[rival]}
        ),
        untrained=_untrained(tried, ways[best], dict(alone)[rival], evidence, thresholds),
    )


def _largest(encoders: pd.DataFrame) -> pd.DataFrame:
    """Of the most images the entry that was fine-tuned, of several the longest trained: a control at half the length is no candidate."""
    most = encoders[encoders["pretrain_images"] == encoders["pretrain_images"].max()]
    tuned = most[most["method"].isin(most.loc[most["protocol"] == "fine_tune", "method"])]
    most = tuned if len(tuned) else most
    longest = most[most["steps"] == most["steps"].max()]
    return longest[
        (longest["source"] == longest["source"].iloc[0])
        & (longest["method"] == longest["method"].iloc[0])
    ]


def _ahead(contrast: Contrast) -> float:
    """The p-value that it is above 0; 1 where it is not."""
    return contrast.p_value() if contrast.estimate > 0 else 1.0


def _turned(contrast: Contrast) -> Contrast:
    return Contrast(
        **{
            **vars(contrast),
            "estimate": -contrast.estimate,
            "low": -contrast.high,
            "high": -contrast.low,
        }
    )


def _not_converged(trained: dict[str, pd.DataFrame]) -> list[str]:
    """Whose loss still fell at its end."""
    return [name for name, rows in trained.items() if selection.not_converged(rows)]


def _untrained(
    tried: pd.DataFrame,
    mine: pd.DataFrame,
    theirs: pd.DataFrame,
    evidence: Evidence,
    thresholds: Thresholds,
) -> str | None:
    best = mine if mine["top1"].mean() > theirs["top1"].mean() else theirs
    above = above_floor(best, selection.random_encoder(evidence.metrics, tried), evidence)
    if above is None or trained_enough(above, thresholds.trained_margin):
        return None
    return f"the better side minus the random encoder: {words.interval(above)}"
