"""The decision card of a target: what pretraining, more images, other domains and corruptions would change, a sentence each.

The answers of a card hold together: each is held against Holm's correction for all of them, so that the chance of any wrong one is 5 %. The
interval in a sentence is that of its own comparison, 95 %.
"""

from dataclasses import asdict, dataclass, replace

import pandas as pd

from fourlenses.analysis.contrasts import CONFIDENCE, Contrast, Evidence
from fourlenses.analysis.multiplicity import holm
from fourlenses.core.errors import UserError
from fourlenses.findings import contest, domain, quality, quantity, selection, words
from fourlenses.findings.comparison import (
    CONFOUNDED,
    LONGER_FIRST,
    UNTRAINED,
    Comparison,
    Outcome,
    measured,
    points,
)
from fourlenses.findings.contest import ALIKE, OPEN
from fourlenses.findings.doubling import gain_from_doubling
from fourlenses.findings.setting import setting
from fourlenses.findings.thresholds import LEAST_SEEDS, Thresholds
from fourlenses.study import names

WORTH, NOT_WORTH, AT_MOST = "worth it", "not worth it", "at most"
LEANS = "leans: "
UNDECIDED = (
    OPEN,
    AT_MOST,
    UNTRAINED,
    CONFOUNDED,
)  # answers that claim nothing, so that nothing leans


@dataclass(frozen=True)
class Line:
    """question: contest, labels, doubling, pool, added, other_encoder or corruption; subject: of which dataset, corruption or label size.

    estimate, low, high: in `unit`. answer: two or three words. sentence: with the interval. p_value: of no difference (of the
    threshold, where one decides), None where nothing is tested; p_adjusted: after Holm's correction for all that the card tests.
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
    p_value: float | None = None
    p_adjusted: float | None = None


@dataclass(frozen=True)
class Card:
    """setting: what all sentences rest on. missing: what the study does not measure of this target, and what to add."""

    target: str
    setting: str
    lines: list[Line]
    missing: list[str]

    def as_json(self) -> dict:
        return asdict(self)


def cards(evidence: Evidence, thresholds: Thresholds) -> list[Card]:
    """A card per target, by name."""
    rows = selection.finest(evidence.metrics)
    parts = domain.comparisons(evidence.metrics, thresholds)
    drops = quality.drops(evidence.metrics)
    curves = quantity.families(evidence.metrics)
    return [
        _card(
            target,
            here,
            parts=parts,
            drops=drops,
            curves=curves,
            evidence=evidence,
            thresholds=thresholds,
        )
        for target, here in rows.groupby("target")
    ]


def _card(
    target: str,
    rows: pd.DataFrame,
    *,
    parts: dict,
    drops: dict,
    curves: list,
    evidence: Evidence,
    thresholds: Thresholds,
) -> Card:
    contests, unmeasured = contest.contests(rows, evidence, thresholds)
    named = [("contest", contest_line(one)) for one in contests]
    doubling = [_doubling(one, evidence, thresholds) for one in curves if one.target == target]
    named += [("doubling", line) for line in doubling if line]
    for part, question in (
        (domain.ADDED, "added"),
        (domain.POOL, "pool"),
        (domain.INSTEAD, "other_encoder"),
    ):
        found = [
            _domain(question, one, evidence, thresholds)
            for one in parts[part]
            if one.target == target
        ]
        named += [(question, line) for line in found if line]
    named += [("corruption", line) for line in _corruptions(target, drops, evidence, thresholds)]
    lines = _together([line for _, line in named])
    held = [_without_verb(one, line) for one, line in zip(contests, lines, strict=False)]
    lines = [*held, *_enough_labels(contests, held), *lines[len(held) :]]
    missing = [text for question, text in MISSING.items() if question not in dict(named)]
    if unmeasured and not contests:
        sizes = words.listed([words.images(one) for one in unmeasured])
        missing[0] = (
            f"whether pretraining is worth it: no encoder was fine-tuned at {sizes} labels (add fine_tune to the protocols)"
        )
    return Card(target, setting(rows, evidence, thresholds, len(lines)), lines, missing)


MISSING = {
    "contest": "whether pretraining is worth it (the lens quantity with the protocols linear and fine_tune, beside training from scratch)",
    "doubling": "the gain from twice the unlabelled images (add the lens quantity with two or more pretrain_images)",
    "added": "adding images of other domains to one's own (add to the lens domain such pools, and pool_controls with share)",
    "pool": "pooling with another domain at an equal number of images (add to the lens domain such pools, and pool_controls with total)",
    "other_encoder": "an encoder of another domain (add the lens domain)",
    "corruption": "what corrupted images cost (add the lens quality for this dataset)",
}


def _together(lines: list[Line]) -> list[Line]:
    """Answers as they hold together, and as they lean where there are few seeds."""
    tested = [line for line in lines if line.p_value is not None]
    adjusted = dict(zip(map(id, tested), holm([line.p_value for line in tested]), strict=True))
    found = []
    for line in lines:
        answer, sentence, p = line.answer, line.sentence, adjusted.get(id(line))
        if p is not None and p >= 1 - CONFIDENCE and answer not in (ALIKE, *UNDECIDED):
            answer, sentence = (
                OPEN,
                f"{sentence} Not after Holm's correction for the {len(tested)} answers of this card.",
            )
        if line.seeds < LEAST_SEEDS and answer not in UNDECIDED:
            answer = LEANS + answer
        found.append(replace(line, answer=answer, sentence=sentence, p_adjusted=p))
    return found


def _without_verb(one: contest.Contest, line: Line) -> Line:
    """A sentence that says who beats whom, of an answer that does not hold together with the others, says the difference alone."""
    if line.answer != OPEN or one.answer == OPEN:
        return line
    neutral = replace(one, answer=OPEN, corrected=False).sentence()
    return replace(line, sentence=line.sentence.replace(one.sentence(), neutral))


def contest_line(one: contest.Contest) -> Line:
    answer, sentence = one.answer, one.sentence()
    if one.untrained:
        answer, sentence = UNTRAINED, f"{sentence} {one.untrained.capitalize()}."
    line = _line(
        "contest",
        words.images(one.labels),
        one.method,
        one.contrast,
        sentence=sentence,
        answer=answer,
    )
    return line if one.untrained else replace(line, p_value=one.p_value)


def _enough_labels(contests: list[contest.Contest], lines: list[Line]) -> list[Line]:
    """From how many labels on training on labels alone is ahead: where more than one label size was measured."""
    found = []
    for method in dict.fromkeys(one.method for one in contests):
        here = [
            (one, line) for one, line in zip(contests, lines, strict=True) if one.method == method
        ]
        if len(here) < 2:
            continue
        sizes = [words.images(one.labels) for one, _ in here]
        ahead = None
        for one, line in reversed(here):
            if contest.SUPERVISED not in line.answer:
                break
            ahead = one.labels
        seeds = min(line.seeds for _, line in here)
        name = words.method(method)
        said = f"Of {words.listed(sizes)} labels measured, "
        if ahead is not None:
            answer = f"labels alone lead from {words.images(ahead)}"
            said += f"labels alone beat pretraining with {name} from {words.images(ahead)} on."
        elif all(contest.PRETRAINING in line.answer for _, line in here):
            answer, said = (
                "pretraining leads throughout",
                said + f"pretraining with {name} beats labels alone at every one.",
            )
        else:
            answer, said = (
                OPEN,
                said + f"none is known from which on labels alone beat pretraining with {name}.",
            )
        leans = LEANS if seeds < LEAST_SEEDS and answer != OPEN else ""
        estimate = None if ahead is None else float(ahead)
        found.append(
            Line(
                "labels",
                "",
                method,
                estimate,
                None,
                None,
                "labelled images",
                leans + answer,
                said,
                seeds,
            )
        )
    return found


def _doubling(family: quantity.Family, evidence: Evidence, thresholds: Thresholds) -> Line | None:
    most, labels = int(family.sizes[-1]), words.images(int(family.curve["labelled_images"].iloc[0]))
    name, subject = words.method(family.entry), words.images(most)
    sides = [family.at(size) for size in family.sizes[:-3:-1]]
    if not selection.share_seeds(*sides):
        return None
    comparison = Comparison(
        target=family.target,
        what="",
        cells=sides,
        scales=[points([1.0, -1.0])],
        trained=[sides],
        random=selection.random_encoder(evidence.metrics, sides[0]),
        excluded=quantity.excluded(family, sides, evidence),
    )
    last = measured(comparison, evidence, thresholds)
    if last.excluded:
        fewer = words.images(int(family.sizes[-2]))
        said = f"With {labels} labels, {name}: {subject} unlabelled images minus {fewer}: {words.interval(last.contrast)}, but "
        answer, reason = last.excluded
        line = _line(
            "doubling",
            subject,
            family.entry,
            last.contrast,
            sentence=f"{said}{reason}.",
            answer=answer,
        )
        control = quantity.convergence(family, evidence) if answer == LONGER_FIRST else None
        return (
            replace(line, p_value=max(control.ahead.p_value(), control.length.p_value()))
            if control
            else line
        )
    return _gain(family, last.contrast, evidence, thresholds)


def _gain(
    family: quantity.Family, last: Contrast, evidence: Evidence, thresholds: Thresholds
) -> Line:
    """last: of the two largest sizes, the larger minus the smaller."""
    labels, subject = (
        words.images(int(family.curve["labelled_images"].iloc[0])),
        words.images(int(family.sizes[-1])),
    )
    asked = f"With {labels} labels, {words.method(family.entry)}{words.at_steps(family.curve)}"
    limit, curve = thresholds.worthwhile_gain, gain_from_doubling(family, evidence)
    if curve:
        sizes = words.listed([words.images(int(size)) for size in family.sizes])
        contrast = curve
        sentence = f"twice the {subject} unlabelled images are expected to gain {words.interval(curve)}: a curve through {sizes}"
        answer = WORTH if curve.low > limit else NOT_WORTH if curve.high < limit else OPEN
    else:
        contrast = quantity.per_doubling(family, last)
        fewer = words.images(int(family.sizes[-2]))
        sentence = (
            f"from {fewer} to {subject} unlabelled images a doubling gained {words.interval(contrast)}; fewer than four sizes make no "
            "curve but a line, at most: where the truth saturates the next doubling gains less"
        )
        answer = NOT_WORTH if contrast.high < limit else AT_MOST
    line = _line(
        "doubling", subject, family.entry, contrast, sentence=f"{asked}: {sentence}.", answer=answer
    )
    return replace(line, p_value=contrast.p_value(limit))


def _domain(
    question: str, comparison: Comparison, evidence: Evidence, thresholds: Thresholds
) -> Line | None:
    """Against nothing: a difference above or below 0 beyond its interval, or alike within the margin."""
    outcome = _measured(replace(comparison, scales=[points([1.0, -1.0])]), evidence, thresholds)
    if outcome is None:
        return None
    source, name = comparison.about["source"], words.method(comparison.method)
    others = words.listed(
        [names.dataset(one) for one in sorted(names.datasets(source) - {comparison.target})]
    )
    labels = words.images(int(comparison.cells[0]["labelled_images"].iloc[0]))
    other, mine = map(words.pretrained, comparison.cells)
    pretrained = f"pretraining on {other} minus on {mine}{' alone' if question == 'added' else ''}"
    what = (
        f"With {labels} labels, {name}{words.at_steps(pd.concat(comparison.cells))}: {pretrained}"
    )
    worse, better = (
        ("worse than own alone", "better than own alone")
        if question == "added"
        else ("worse than own", "better than own")
    )
    return _signed(
        question,
        others,
        outcome,
        what,
        answers=(better, worse),
        margin=thresholds.equivalence_margin,
    )


def _corruptions(
    target: str, drops: dict, evidence: Evidence, thresholds: Thresholds
) -> list[Line]:
    lines = []
    for (here, _, corruption, _), (clean, corrupted) in drops.items():
        if here != target:
            continue
        comparison = Comparison(
            target=target,
            what="",
            cells=[clean, corrupted],
            scales=[points([1.0, -1.0])],
            trained=[[clean]],
            random=selection.random_encoder(evidence.metrics, clean),
            method=clean["method"].iloc[0],
        )
        outcome = _measured(comparison, evidence, thresholds)
        if outcome:
            labels = words.images(int(clean["labelled_images"].iloc[0]))
            what = f"With {labels} labels, {words.method(comparison.method)}{words.at_steps(pd.concat(comparison.cells))}: pretraining on "
            what += f"{words.pretrained(clean)} clean minus with {names.corruption(corruption)}"
            lines.append(
                _signed(
                    "corruption",
                    corruption,
                    outcome,
                    what,
                    answers=("costs", "helps"),
                    margin=thresholds.equivalence_margin,
                )
            )
    return lines


def _measured(comparison: Comparison, evidence: Evidence, thresholds: Thresholds) -> Outcome | None:
    try:
        return measured(comparison, evidence, thresholds)
    except UserError:  # no seed in common
        return None


def _signed(
    question: str,
    subject: str,
    outcome: Outcome,
    what: str,
    *,
    answers: tuple[str, str],
    margin: float,
) -> Line:
    """answers: where the difference is above 0 and where it is below."""
    contrast = outcome.contrast
    sentence = f"{what}: {words.interval(contrast)}."
    if outcome.excluded:
        answer, reason = outcome.excluded
        sentence = f"{sentence} {reason[0].upper()}{reason[1:]}."
    elif contrast.low > 0 or contrast.high < 0:
        answer = answers[contrast.estimate < 0]
    elif outcome.within(margin):
        answer = ALIKE
    else:
        answer = OPEN
    line = _line(
        question, subject, outcome.comparison.method, contrast, sentence=sentence, answer=answer
    )
    return line if outcome.excluded else replace(line, p_value=contrast.p_value())


def _line(
    question: str, subject: str, method: str, found: Contrast, *, sentence: str, answer: str
) -> Line:
    numbers = (round(value, 4) for value in (found.estimate, found.low, found.high))
    return Line(question, subject, method, *numbers, "points", answer, sentence, found.seeds)
