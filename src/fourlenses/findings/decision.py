"""The decision cards: a card per target, put together from the contest and what each lens answers.

The answers of a card hold together: each is held against Holm's correction for all of them, so that
the chance of any wrong one is 5 %. The interval in a sentence is that of its comparison, 95 %.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import pandas as pd

from fourlenses.analysis.contrasts import CONFIDENCE, Evidence
from fourlenses.analysis.multiplicity import holm
from fourlenses.findings import contest, selection, words
from fourlenses.findings.answer import (
    conditions,
    headline,
    next_step,
    table,
    together,
    unmeasured,
)
from fourlenses.findings.card import Card
from fourlenses.findings.comparison import UNTRAINED
from fourlenses.findings.contest import ALIKE, OPEN, Contest
from fourlenses.findings.line import DECLARED, LEANS, UNDECIDED, Line, line_of, too_wide
from fourlenses.findings.questions import QUESTIONS, Missing
from fourlenses.findings.setting import setting
from fourlenses.findings.thresholds import LEAST_SEEDS, Thresholds
from fourlenses.study import names

NO_CONTEST = Missing(
    "whether pretraining is worth it",
    "fine-tune the encoders (protocol fine_tune), and train a network from scratch on the same "
    "labels (baseline scratch), in the lens quantity",
    (
        "quantity: {more: [{datasets: [{target}], protocols: [linear, fine_tune], "
        "baselines: [scratch]}]}",
    ),
)
ORDER = list(QUESTIONS)


class LensCard(Protocol):
    """The contract of `lenses/<lens>/card.py`."""

    @property
    def MISSING(self) -> Mapping[str, Missing]:
        """Of each question of the lens, what a study lacks that does not answer it."""

    def answers(self, evidence: Evidence, thresholds: Thresholds) -> Iterator[tuple[str, Line]]:
        """Yield each target with a line of its card."""


def cards(evidence: Evidence, thresholds: Thresholds, lenses: Sequence[LensCard]) -> list[Card]:
    """Return a card per target, by name."""
    rows = selection.finest(evidence.metrics)
    answers = [one for lens in lenses for one in lens.answers(evidence, thresholds)]
    missing = {question: lacking for lens in lenses for question, lacking in lens.MISSING.items()}
    return [
        _card(
            target,
            target_rows,
            answers=[line for its_target, line in answers if its_target == target],
            missing=missing,
            evidence=evidence,
            thresholds=thresholds,
        )
        for target, target_rows in rows.groupby("target")
    ]


def _card(
    target: str,
    rows: pd.DataFrame,
    *,
    answers: list[Line],
    missing: dict[str, Missing],
    evidence: Evidence,
    thresholds: Thresholds,
) -> Card:
    contests, frozen_only = contest.contests(rows, evidence, thresholds)
    margin = thresholds.equivalence_margin
    lines = _together([*(contest_line(one, margin) for one in contests), *answers])
    answered = {line.question for line in lines}
    settled = [_without_verb(one, line) for one, line in zip(contests, lines, strict=False)]
    lines = [*settled, *_enough_labels(contests, settled), *lines[len(settled) :]]
    lacking = {} if contests else {"contest": _no_contest(frozen_only)}
    lacking |= {name: one for name, one in missing.items() if name not in answered}
    lines = sorted(lines, key=lambda line: ORDER.index(line.question))
    study = str(rows["study"].iloc[0])
    open_questions = unmeasured.of(lacking, study=study, target=target)
    return Card(
        study=study,
        target=target,
        title=names.dataset(target),
        headline=headline.of(lines, rows, lacking=lacking.get("contest"), evidence=evidence),
        conditions=conditions.line(rows),
        warnings=conditions.warnings(rows, lines),
        table=table.of(rows, lines=lines, evidence=evidence),
        questions=together.questions(lines),
        unmeasured=open_questions,
        setting=setting(rows, evidence, thresholds),
        lines=lines,
        missing=[one.text() for one in lacking.values()],
        next_step=next_step.of(lines, open_questions, margin=margin, study=study),
    )


def _no_contest(frozen_only: list[int]) -> Missing:
    """What is missing for a contest. frozen_only: label sizes that lack fine-tuning alone."""
    if not frozen_only:
        return NO_CONTEST
    sizes = words.listed([words.images(labels) for labels in frozen_only])
    what = f"{NO_CONTEST.what}: no encoder was fine-tuned at {sizes} labels"
    return Missing(what, "fine-tune the encoders too (protocol fine_tune)", NO_CONTEST.example)


def _together(lines: list[Line]) -> list[Line]:
    """Answers as they hold together, and as they lean where there are few seeds."""
    p_values = {id(line): line.p_value for line in lines if line.p_value is not None}
    adjusted = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    corrected = []
    for line in lines:
        answer, sentence, p = line.answer, line.sentence, adjusted.get(id(line))
        if p is not None and p >= 1 - CONFIDENCE and answer not in (ALIKE, *UNDECIDED):
            answer = OPEN
            correction = f"Holm's correction for the {len(p_values)} answers of this card"
            sentence = f"{sentence} Not after {correction}."
            line = replace(line, sense=None, reason=f"not after {correction}")
        few = line.seeds < LEAST_SEEDS and line.question not in DECLARED
        if few and answer not in UNDECIDED:
            answer = LEANS + answer
        corrected.append(replace(line, answer=answer, sentence=sentence, p_adjusted=p))
    return corrected


def _without_verb(one: Contest, line: Line) -> Line:
    """A sentence that says who beats whom, of an answer that does not hold together with the
    others, says the difference alone."""
    if line.answer != OPEN or one.answer == OPEN:
        return line
    neutral = replace(one, answer=OPEN, corrected=False).sentence()
    return replace(line, sentence=line.sentence.replace(one.sentence(), neutral))


def contest_line(one: Contest, margin: float) -> Line:
    """Return the line of a contest; margin: points within which two sides are alike."""
    answer, sentence, reason = one.answer, one.sentence(), ""
    sense = {contest.PRETRAINING: 1, contest.SUPERVISED: -1, ALIKE: 0}.get(answer)
    if answer == ALIKE:
        reason = f"within {words.margin(margin)}"
    elif answer == OPEN:
        corrected = one.contrast.low > 0 or one.contrast.high < 0
        reason = contest.NOT_CORRECTED if corrected else too_wide(margin)
    if one.untrained:
        answer, sentence, sense = UNTRAINED, f"{sentence} {one.untrained.capitalize()}.", None
        reason = one.untrained
    line = line_of(
        one.contrast,
        question="contest",
        subject=words.images(one.labels),
        method=one.method,
        sentence=sentence,
        answer=answer,
    )
    line = replace(
        line,
        labelled_images=one.labels,
        sense=sense,
        option=f"{words.method(one.method)} {one.way}",
        against=one.against,
        reason=reason,
    )
    return line if one.untrained else replace(line, p_value=one.p_value)


def _enough_labels(contests: list[Contest], lines: list[Line]) -> Iterator[Line]:
    """Above how many labels pretraining is no longer needed, as labels alone lead, of each method
    entry with more than one label size."""
    for method in dict.fromkeys(one.method for one in contests):
        pairs = zip(contests, lines, strict=True)
        by_labels = [(one.labels, line) for one, line in pairs if one.method == method]
        if len(by_labels) > 1:
            yield _over_label_sizes(method, by_labels)


def _over_label_sizes(method: str, by_labels: list[tuple[int, Line]]) -> Line:
    """by_labels: of each label size, in increasing order, the line of its contest."""
    ahead = None
    for labels, line in reversed(by_labels):
        if contest.SUPERVISED not in line.answer:
            break
        ahead = labels
    seeds = min(line.seeds for _, line in by_labels)
    at_all = words.at_all([labels for labels, _ in by_labels])
    name, sense = words.method(method), None
    if ahead is not None:
        sense = -1
        answer = f"labels alone lead from {words.images(ahead)}"
        said = f"labels alone beat pretraining with {name} from {words.images(ahead)} on."
    elif all(contest.PRETRAINING in line.answer for _, line in by_labels):
        sense = 1
        answer = f"pretraining leads at {at_all}"
        said = f"pretraining with {name} beats labels alone at every one."
    else:
        answer = OPEN
        said = f"none is known from which on labels alone beat pretraining with {name}."
    sizes = words.listed([words.images(labels) for labels, _ in by_labels])
    leans = LEANS if seeds < LEAST_SEEDS and answer != OPEN else ""
    return Line(
        question="labels",
        subject="",
        method=method,
        estimate=None if ahead is None else float(ahead),
        low=None,
        high=None,
        unit="labelled images",
        answer=leans + answer,
        sentence=f"Of {sizes} labels compared, {said}",
        seeds=seeds,
        sense=sense,
    )
