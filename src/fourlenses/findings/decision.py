"""The decision card of a target: what more images, other domains, corruptions and labels would change, a sentence with interval each."""

from dataclasses import dataclass

import pandas as pd

from fourlenses.errors import UserError
from fourlenses.findings.cells import clean, comparable, groups, linear_contrastive, most_labels, scratch
from fourlenses.findings.doubling import gain_from_doubling
from fourlenses.findings.finding import Thresholds
from fourlenses.findings.quality import drops
from fourlenses.lenses.contrasts import Contrast, difference, weighted
from fourlenses.lenses.methods import label as method_label
from fourlenses.lenses.names import corruption as corruption_label
from fourlenses.lenses.names import count, datasets, source_parts
from fourlenses.lenses.names import source as shown

WORTH, NOT_WORTH, UNKNOWN = "worth it", "not worth it", "cannot tell"


@dataclass(frozen=True)
class Line:
    """question: doubling, pool, other_encoder, corruption, supervised or labels; subject: of which dataset, corruption or label size.

    estimate, low, high: points (label size for question labels); answer: in two or three words; sentence: a plain one with the interval.
    """

    question: str
    subject: str
    method: str
    estimate: float | None
    low: float | None
    high: float | None
    unit: str
    answer: str
    sentence: str
    seeds: int


@dataclass(frozen=True)
class Card:
    """missing: what the study does not measure of this target, and what to add."""

    target: str
    lines: list[Line]
    missing: list[str]


def cards(metrics: pd.DataFrame, paired: pd.DataFrame | None, thresholds: Thresholds) -> list[Card]:
    """A card per target, by name."""
    rows = comparable(metrics)
    costs = drops(metrics)
    return [_card(target, here, costs, paired, thresholds) for target, here in rows.groupby("target")]


def _card(target: str, rows: pd.DataFrame, costs: dict, paired: pd.DataFrame | None, thresholds: Thresholds) -> Card:
    encoders = clean(linear_contrastive(rows))
    own = encoders[encoders["in_domain"]]
    parts = {
        "the gain from twice the unlabelled images (add the lens quantity with two or more pretrain_images)": _doubling(own, thresholds),
        "pooling with another domain (add pools to the lens domain, and the same number of in-domain images)": _pools(
            target, encoders, paired, thresholds
        ),
        "an encoder of another domain (add the lens domain)": _others(target, encoders, paired),
        "what corrupted images cost (add the lens quality for this dataset)": _corruptions(target, costs, paired, thresholds),
        "the gap to supervised training (add the lens quantity or granularity for this dataset)": _supervised(own, scratch(rows), paired),
    }
    return Card(target, [line for lines in parts.values() for line in lines], [text for text, lines in parts.items() if not lines])


def _doubling(own: pd.DataFrame, thresholds: Thresholds) -> list[Line]:
    lines = []
    for (method,), curve in groups(most_labels(own), ["method"]):
        gain = gain_from_doubling(curve)
        if gain:
            most, labels = curve["pretrain_images"].max(), curve["labelled_images"].max()
            text = f"twice the {count(most)} unlabelled images would gain about {{}} at {count(labels)} labels, going by the fitted curve"
            lines.append(_line("doubling", count(most), method, gain, text, _worth(gain, thresholds.worthwhile_gain)))
    return lines


def _pools(target: str, encoders: pd.DataFrame, paired: pd.DataFrame | None, thresholds: Thresholds) -> list[Line]:
    lines = []
    for (method, source, total), pool in groups(_at_one_size(encoders), ["method", "source", "pretrain_images"]):
        others = datasets(source) - {target}
        if target not in datasets(source) or not others:
            continue
        share = _share(source, target)
        for images, against in ((share, "alone"), (total, "as many in-domain images")):
            mine = _in_domain(encoders, pool, images)
            if len(mine):
                gain = difference(pool, mine, paired)
                beside = f"the {count(images)} images of {target} alone" if against == "alone" else f"{count(images)} images of {target}"
                text = f"pretraining on {shown(source)} instead of {beside} changes top-1 by {{}}"
                lines.append(_line("pool", " + ".join(sorted(others)), method, gain, text, _worth(gain, thresholds.worthwhile_gain)))
    return lines


def _at_one_size(encoders: pd.DataFrame) -> pd.DataFrame:
    """At the most labels at which both the target's own encoders and others are evaluated."""
    sizes = set(encoders.loc[encoders["in_domain"], "labelled_images"]) & set(encoders.loc[~encoders["in_domain"], "labelled_images"])
    return encoders[encoders["labelled_images"] == max(sizes, default=-1)]


def _share(source: str, target: str) -> int:
    return sum(size or 0 for name, size in source_parts(source) if name == target)


def _in_domain(encoders: pd.DataFrame, like: pd.DataFrame, images: int) -> pd.DataFrame:
    """Of the same method and labels as `like`, pretrained on so many images of the target's own dataset."""
    method, labelled = like[["method", "labelled_images"]].iloc[0]
    own = encoders[encoders["in_domain"] & (encoders["method"] == method) & (encoders["labelled_images"] == labelled)]
    return own[own["pretrain_images"] == images]


def _others(target: str, encoders: pd.DataFrame, paired: pd.DataFrame | None) -> list[Line]:
    """Encoders that never saw the target's dataset, against its own of as many images."""
    lines = []
    for (method, source, images), other in groups(_at_one_size(encoders), ["method", "source", "pretrain_images"]):
        mine = _in_domain(encoders, other, images)
        if target not in datasets(source) and len(mine):
            gain = difference(other, mine, paired)
            answer = "better than own" if gain.low > 0 else "worse than own" if gain.high < 0 else UNKNOWN
            text = f"an encoder of {shown(source)} instead of {count(images)} images of {target} changes top-1 by {{}}"
            lines.append(_line("other_encoder", shown(source), method, gain, text, answer))
    return lines


def _corruptions(target: str, costs: dict, paired: pd.DataFrame | None, thresholds: Thresholds) -> list[Line]:
    lines = []
    for (here, source, corruption, method), term in costs.items():
        if here != target:
            continue
        cost = weighted([term], paired)
        limit = thresholds.worthwhile_gain
        answer = "costs" if cost.low > limit else "helps" if cost.high < 0 else "costs little" if cost.high < limit else UNKNOWN
        text = f"{corruption_label(corruption)} of the pretraining images ({shown(source)}) costs {{}} of top-1"
        lines.append(_line("corruption", corruption, method, cost, text, answer))
    return lines


def _supervised(own: pd.DataFrame, supervised: pd.DataFrame, paired: pd.DataFrame | None) -> list[Line]:
    """Supervised from scratch less the encoder of most pretraining images, at each label size; then where labels are enough."""
    lines = []
    for (method,), mine in groups(own, ["method"]):
        gaps: dict[int, Contrast] = {}
        for labels in sorted(set(mine["labelled_images"]) & set(supervised["labelled_images"])):
            at = mine[mine["labelled_images"] == labels]
            most = at["pretrain_images"].max()
            at = at[at["pretrain_images"] == most].drop_duplicates(["seed", "label_draw"])
            try:
                gaps[labels] = difference(supervised[supervised["labelled_images"] == labels], at, paired)
            except UserError:  # no seed in common at this label size
                continue
            answer = "supervised leads" if gaps[labels].low > 0 else "pretraining leads" if gaps[labels].high < 0 else UNKNOWN
            text = f"at {count(labels)} labels, supervised from scratch less the encoder of {count(most)} unlabelled images makes {{}}"
            lines.append(_line("supervised", count(labels), method, gaps[labels], text, answer))
        if gaps:
            lines.append(_enough_labels(method, gaps))
    return lines


def _enough_labels(method: str, gaps: dict[int, Contrast]) -> Line:
    """The label size from which on supervised training from scratch is not behind: by the estimates, and for certain (whole intervals)."""
    likely, certain = (_from_there_on(gaps, end) for end in ("estimate", "low"))
    most, seeds = count(max(gaps)), min(gap.seeds for gap in gaps.values())
    name = method_label(method)
    if likely is None:
        behind = gaps[max(gaps)].high < 0
        answer = "more than measured" if behind else UNKNOWN
        rest = "" if behind else ", though the interval at the most labels leaves it open"
        text = f"up to {most} labels, pretraining with {name} is ahead of supervised training from scratch{rest}."
        return Line("labels", "", method, None, None, None, "labelled images", answer, text, seeds)
    text = f"from {count(likely)} labels on, supervised training from scratch is level with {name} or ahead"
    text += "; no label size settles it beyond the intervals." if certain is None else f"; beyond the intervals from {count(certain)} on."
    answer = UNKNOWN if certain is None else f"labels win from {count(certain)}"
    high = None if certain is None else float(certain)
    return Line("labels", "", method, float(likely), None, high, "labelled images", answer, text, seeds)


def _from_there_on(gaps: dict[int, Contrast], end: str) -> int | None:
    """The smallest label size at and above which `end` of every gap is at least 0."""
    found = None
    for labels in sorted(gaps, reverse=True):
        if getattr(gaps[labels], end) < 0:
            break
        found = labels
    return found


def _worth(gain: Contrast, threshold: float) -> str:
    return WORTH if gain.low > threshold else NOT_WORTH if gain.high < threshold else UNKNOWN


def _line(question: str, subject: str, method: str, found: Contrast, text: str, answer: str) -> Line:
    measured = f"{found.estimate:+.1f} points [{found.low:+.1f} to {found.high:+.1f}]"
    numbers = (round(value, 4) for value in (found.estimate, found.low, found.high))
    return Line(question, subject, method, *numbers, "points", answer, f"{method_label(method)}: {text.format(measured)}.", found.seeds)
