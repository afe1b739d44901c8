"""A line of a decision card: the answer of one comparison, with its interval and a sentence."""

from dataclasses import dataclass, replace

from fourlenses.analysis.contrasts import Contrast, Evidence
from fourlenses.core.errors import UserError
from fourlenses.findings import words
from fourlenses.findings.comparison import (
    CONFOUNDED,
    HAS_SEEN,
    UNTRAINED,
    Comparison,
    Outcome,
    measured,
)
from fourlenses.findings.contest import ALIKE, OPEN
from fourlenses.findings.questions import QUESTIONS
from fourlenses.findings.thresholds import Thresholds
from fourlenses.findings.verdict import NOT_MEASURED

AT_MOST = "at most"
LEANS = "leans: "
# Answers that claim nothing, so that nothing leans.
UNDECIDED = (OPEN, AT_MOST, UNTRAINED, CONFOUNDED, HAS_SEEN, NOT_MEASURED)
DECLARED = tuple(question for question, title in QUESTIONS.items() if title.declared)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One answer of a card.

    Attributes:
        question: a key of `questions.HEADINGS`.
        subject: the dataset, corruption or label size that it is about; may be empty.
        method: the method entry.
        estimate: in ``unit``, as low and high, the ends of its 95 % interval; None where there is
            no number.
        unit: "points" or "labelled images".
        answer: two or three words.
        sentence: the answer with its interval.
        seeds: how many the answer rests on.
        p_value: of no difference, or of the threshold where one decides; None where nothing is
            tested.
        p_adjusted: after Holm's correction for all that the card tests.
        labelled_images: that the answer is about; None where it is about none or several.
        sense: 1 where it speaks for the option that the question names, -1 where against, 0 where
            there is no difference; None where it is open.
        option: whom the question names, as it took part, for people.
        against: whom it is compared with.
        reason: why there is no answer, or what limits it; empty where nothing does.
        seed_share: what part of the estimate's variance more seeds would shrink; None where that is
            not known, or there is no estimate.
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
    labelled_images: int | None = None
    sense: int | None = None
    option: str = ""
    against: str = ""
    reason: str = ""
    seed_share: float | None = None


def line_of(
    contrast: Contrast, *, question: str, subject: str, method: str, sentence: str, answer: str
) -> Line:
    """Return the line of a difference in points."""
    return Line(
        question=question,
        subject=subject,
        method=method,
        estimate=round(contrast.estimate, 4),
        low=round(contrast.low, 4),
        high=round(contrast.high, 4),
        unit=words.POINTS,
        answer=answer,
        sentence=sentence,
        seeds=contrast.seeds,
        seed_share=None if contrast.seed_share is None else round(contrast.seed_share, 4),
    )


def line_of_sign(
    outcome: Outcome,
    *,
    question: str,
    subject: str,
    what: str,
    answers: tuple[str, str],
    margin: float,
    sides: tuple[str, str],
) -> Line:
    """Return the line of a difference that is above 0, below 0, or alike within a margin.

    Args:
        outcome: of a comparison in points.
        question: a key of `questions.HEADINGS`.
        subject: the dataset or corruption that it is about.
        what: the sentence up to the number.
        answers: where the whole interval is above 0 and where it is below.
        margin: points.
        sides: the option that the question names, and whom it is compared with, short.
    """
    contrast, sense, reason = outcome.contrast, None, ""
    sentence = f"{what}: {words.interval(contrast)}."
    if outcome.excluded:
        answer, reason = outcome.excluded
        sentence = f"{sentence} {reason[0].upper()}{reason[1:]}."
    elif contrast.low > 0 or contrast.high < 0:
        sense = 1 if contrast.estimate > 0 else -1
        answer = answers[contrast.estimate < 0]
    elif outcome.within(margin):
        answer, sense, reason = ALIKE, 0, f"within {words.margin(margin)}"
    else:
        answer, reason = OPEN, too_wide(margin)
    line = line_of(
        contrast,
        question=question,
        subject=subject,
        method=outcome.comparison.method,
        sentence=sentence,
        answer=answer,
    )
    cell = outcome.comparison.cells[0]
    line = replace(
        line,
        labelled_images=int(cell["labelled_images"].iloc[0]),
        sense=sense,
        option=sides[0],
        against=sides[1],
        reason=reason,
    )
    return line if outcome.excluded else replace(line, p_value=contrast.p_value())


def too_wide(margin: float) -> str:
    """Return why an interval that holds 0 is no answer."""
    return f"the interval includes 0 and goes beyond {words.margin(margin)}"


def measured_if_shared(
    comparison: Comparison, evidence: Evidence, thresholds: Thresholds
) -> Outcome | None:
    """Return the outcome, or None where the cells have no seed in common."""
    try:
        return measured(comparison, evidence, thresholds)
    except UserError:
        return None
