"""The headline of a decision card: pretrain, download, continue a download, labels alone, or why
none can be said.

At each number of labels `options` says which option wins. Sizes in a row with the same winner are
one clause. Where pretraining wins at all smaller sizes that are decided, and labels alone at all
larger ones, the headline says between which sizes that changes, and about where: where the line
between the two differences next to it crosses 0, over the logarithm of the labels. It leans where
it rests on fewer than three seeds somewhere.
"""

from collections.abc import Sequence
from itertools import groupby, pairwise
from math import exp, log

import pandas as pd

from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings import contest, selection, words
from fourlenses.findings.answer import options
from fourlenses.findings.answer.options import CONTINUE, DOWNLOAD, LABELS, PRETRAIN, AtLabels
from fourlenses.findings.card import Headline
from fourlenses.findings.comparison import UNTRAINED
from fourlenses.findings.line import Line
from fourlenses.findings.questions import Missing
from fourlenses.findings.thresholds import LEAST_SEEDS
from fourlenses.study.vocabulary import OPTIONS

DEPENDS, OPEN, NOT_MEASURED = "depends", "open", "not measured"
NAMES = {
    LABELS: OPTIONS["labels"][0],
    DOWNLOAD: f"a {OPTIONS['download'][0]}",
    CONTINUE: f"a {OPTIONS['continue'][0]}",
    PRETRAIN: OPTIONS["pretrain"][0],
}


def of(
    lines: Sequence[Line],
    rows: pd.DataFrame,
    *,
    lacking: Missing | None,
    evidence: Evidence,
) -> Headline:
    """Return the headline.

    Args:
        lines: of the card.
        rows: of the target at its finest level, as `selection.finest` returns them.
        lacking: what is missing for the contest of pretraining with labels alone; None where there
            is one.
        evidence: the study's table.
    """
    found = options.by_labels(lines)
    frozen = _frozen(rows, evidence) if lacking else []
    if not found:
        reason = lacking.what.partition(": ")[2] if lacking else ""
        reason = reason or "no encoder was compared with labels alone, nor with a downloaded one"
        sentence = f"Not measured whether to pretrain: {reason}."
        return Headline(answer=NOT_MEASURED, sentence=sentence, because=frozen, leans=False)
    winners = {one.winner for one in found}
    answer = next(iter(winners)) if len(winners) == 1 else DEPENDS
    decided = [one for one in found if one.winner]
    decisive = [line for one in decided for line in one.decisive()]
    leans = any(line.seeds < LEAST_SEEDS for line in decisive)
    sentence = _changes(found) or _clauses(found)
    sentence = f"Leans: {sentence}" if leans else f"{sentence[0].upper()}{sentence[1:]}"
    limits = [_limits(found)] if decisive and _limits(found) else []
    return Headline(
        answer=answer or OPEN,
        sentence=f"{sentence}.",
        because=[*_because(decided), *limits, *frozen],
        leans=leans,
    )


def _clauses(found: Sequence[AtLabels]) -> str:
    """`with 500 labels use …; with 2,000 cannot tell …`"""
    parts = []
    for _, same in groupby(found, key=lambda one: _advice(one)):
        at = list(same)
        parts.append((at, _advice(at[0])))
    if len(parts) == 1:
        at, advice = parts[0]
        if at[0].winner:
            return f"{advice}, at {_all(at)}"
        sentence = advice.replace("cannot tell", f"cannot tell at {_all(at)}", 1)
        return f"{sentence}, because {_why_open(at)}"
    return "; ".join(f"with {_sizes(at)} labels {advice}" for at, advice in parts)


def _advice(one: AtLabels) -> str:
    if one.winner == LABELS:
        return "train on the labels alone"
    if one.winner == DOWNLOAD:
        return f"use the downloaded encoder {one.name(DOWNLOAD)}"
    if one.winner == CONTINUE:
        return f"continue a downloaded encoder on your own images ({one.name(CONTINUE)})"
    if one.winner == PRETRAIN:
        return f"pretrain on your own images ({one.name(PRETRAIN)})"
    names = [NAMES[option] for option in one.left]
    out = [NAMES[option] for option in one.options if option not in one.left]
    verb = "is" if len(out) == 1 and out != [NAMES[LABELS]] else "are"
    behind = f" ({words.listed(out)} {verb} behind)" if out else ""
    if len(names) == 1:
        return f"cannot tell whether {names[0]} is the best{behind}"
    if len(names) == 2:
        return f"cannot tell whether {names[1]} beats {names[0]}{behind}"
    return f"cannot tell which is best of {words.listed(names)}"


def _all(at: Sequence[AtLabels]) -> str:
    return words.at_all([one.labels for one in at])


def _sizes(at: Sequence[AtLabels]) -> str:
    return words.listed([words.images(one.labels) for one in at])


def _why_open(at: Sequence[AtLabels]) -> str:
    """The first comparison that is open, at the most labels."""
    last = at[-1]
    lines = [line for line in last.lines if line.sense is None]
    if not lines:
        return _not_compared(last)
    line = lines[0]
    where = f"with {words.images(last.labels)} labels " if len(at) > 1 else ""
    if line.answer.endswith(UNTRAINED):
        return f"{where}no side was trained enough to tell"
    reason = f": {line.reason}" if line.reason else ""
    return f"{where}{line.option} minus {line.against} is {_number(line)}{reason}"


def _not_compared(at: AtLabels) -> str:
    """Which of the options that are left was not compared with which."""
    pairs = {frozenset(options.COMPARED[line.question]) for line in at.lines}
    for first in at.left:
        for second in at.options:
            if first != second and frozenset((first, second)) not in pairs:
                return f"{NAMES[first]} was not compared with {NAMES[second]}"
    return "each is ahead of another"


def _number(line: Line) -> str:
    ends = [words.number(end) for end in (line.estimate, line.low, line.high) if end is not None]
    return f"{ends[0]} points ({ends[1]} to {ends[2]})"


def _changes(found: Sequence[AtLabels]) -> str | None:
    """`pretrain below about 9,000 labels, …`, where it is so."""
    decided = [one for one in found if one.winner]
    words_of = [one.winner for one in decided]
    pays = words_of.count(PRETRAIN)
    if not 0 < pays < len(decided) or words_of != [PRETRAIN] * pays + [LABELS] * (
        len(decided) - pays
    ):
        return None
    last, first = decided[pays - 1], decided[pays]
    if any(one not in decided for one in found if not last.labels < one.labels < first.labels):
        return None
    about = _crossing(found, last, first)
    sizes = f"{words.images(last.labels)} and {words.images(first.labels)}"
    return (
        f"pretrain ({last.name(PRETRAIN)}) below about {words.images(about)} labels, above that "
        f"train on the labels alone (the change is between {sizes} labels)"
    )


def _crossing(found: Sequence[AtLabels], last: AtLabels, first: AtLabels) -> int:
    """Where pretraining minus labels alone crosses 0, to one digit."""
    points = [
        (one.labels, max(estimates))
        for one in found
        if last.labels <= one.labels <= first.labels
        and (estimates := [x.estimate or 0.0 for x in one.lines if x.question == "contest"])
    ]
    for (fewer, ahead), (more, behind) in pairwise(points):
        if ahead > 0 >= behind:
            share = ahead / (ahead - behind)
            about = exp(log(fewer) + share * (log(more) - log(fewer)))
            return int(round(about, 1 - len(str(int(about)))))
    return int((last.labels * first.labels) ** 0.5)


def _because(decided: Sequence[AtLabels]) -> list[str]:
    """Who beat whom by how much, at the fewest and at the most labels that have a winner."""
    ends = [decided[0], decided[-1]] if len(decided) > 2 else decided
    said = []
    for labels, line in [
        (words.images(one.labels), line) for one in ends for line in one.decisive()
    ]:
        alike = f", {line.reason}" if line.sense == 0 else ""
        sides = f"{line.option} minus {line.against}"
        said.append(f"With {labels} labels {sides}: {_number(line)}{alike}.")
    return said


def _limits(found: Sequence[AtLabels]) -> str:
    """What did not take part. Without a download there is none to continue."""
    taking_part = {option for one in found for option in one.options}
    possible = [
        option for option in options.CHEAPEST_FIRST if option != CONTINUE or DOWNLOAD in taking_part
    ]
    absent = [NAMES[option] for option in possible if option not in taking_part]
    return f"Not compared: {words.listed(absent)}." if absent else ""


def _frozen(rows: pd.DataFrame, evidence: Evidence) -> list[str]:
    """What frozen features say where nothing was fine-tuned: the better own encoder under a linear
    classifier against the better of labels alone, at each label size."""
    own = selection.linear(selection.from_random_weights(selection.own_encoders(rows)))
    parts: dict[str, list[str]] = {}
    by_labels = own.sort_values("labelled_images", kind="stable")
    for (labels,), of_labels in selection.groups(by_labels, ["labelled_images"]):
        alone = dict(selection.supervised(rows[rows["labelled_images"] == labels]))
        cells = [contest.largest(one) for _, one in selection.groups(of_labels, ["entry"])]
        if not alone or not cells:
            continue
        mine = max(cells, key=_mean)
        rival = max(alone, key=lambda name: _mean(alone[name]))
        if not selection.share_seeds(mine, alone[rival]):
            continue
        difference = evidence.difference(mine, alone[rival])
        ends = (difference.estimate, difference.low, difference.high)
        estimate, low, high = map(words.number, ends)
        said = f"{estimate} points ({low} to {high}) with {words.images(int(labels))} labels"
        parts.setdefault(f"{words.encoder(mine)} minus {rival}", []).append(said)
    sides = "; ".join(f"{name} {', '.join(said)}" for name, said in parts.items())
    return [f"Frozen features alone: {sides}. Fine-tuning may change that."] if parts else []


def _mean(rows: pd.DataFrame) -> float:
    return float(rows["top1"].mean())
