"""The addition to a study with most effect on a card.

The rule. Four kinds of additions are held against each other: longer training, more seeds, more
test images, and each thing that the card names as not measured. Each can answer some of the card's
questions that have no firm answer. The one that can answer most of what the headline lacks comes
first, then the one that can answer most questions, then the earlier in this order. Where every
comparison lacks training, longer training comes before all: nothing else would tell anything.

How many seeds: three where there are fewer. Where an interval holds 0, so many that it would not,
or would be within the margin, if the estimate stayed and the part of the variance that is between
seeds shrank. Where more than ten were needed, so many times the test images.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, inf

from fourlenses.findings import words
from fourlenses.findings.answer import options
from fourlenses.findings.answer.options import COMPARED
from fourlenses.findings.card import NextStep, Unmeasured
from fourlenses.findings.comparison import LONGER_FIRST, UNTRAINED
from fourlenses.findings.contest import OPEN
from fourlenses.findings.line import LEANS, Line
from fourlenses.findings.thresholds import LEAST_SEEDS

LONGER, SEEDS, IMAGES, ADD = "train longer", "more seeds", "more test images", "add"
ORDER = (LONGER, SEEDS, IMAGES, ADD)
# More would be another study.
MOST_SEEDS, MOST_TIMES = 10, 10
# What is not measured that adds an option to the headline.
OPTIONS = ("contest", "downloaded", "download_or_labels", "continued")


@dataclass(frozen=True, kw_only=True)
class _Possible:
    """A possible step.

    Attributes:
        lines: that it can answer.
        missing: what is not measured that it measures.
        times: the largest factor of seeds or images that one of the lines asks for.
    """

    step: str
    lines: list[Line]
    missing: Unmeasured | None = None
    times: float = 1.0


def of(
    lines: Sequence[Line], unmeasured: Sequence[Unmeasured], *, margin: float, study: str
) -> NextStep | None:
    """Return the step; None where all questions are answered.

    Args:
        lines: of the card.
        unmeasured: of the card.
        margin: points within which two sides are alike.
        study: its name.
    """
    undecided = {one.labels for one in options.by_labels(lines) if one.winner is None}
    numbers = [line for line in lines if line.unit == words.POINTS and line.estimate is not None]
    nothing_told = bool(numbers) and all(_untrained(line) for line in numbers)

    def effect(one: _Possible) -> tuple[bool, int, int, int]:
        asked = {line.question for line in one.lines if _of_headline(line, undecided)}
        missing = [one.missing.question] if one.missing else []
        added = [question for question in missing if question in OPTIONS]
        questions = {line.question for line in one.lines}
        return (
            one.step == LONGER and nothing_told,
            len(asked) + len(added),
            len(questions) + len(missing),
            -ORDER.index(one.step),
        )

    possible = list(_possible(lines, unmeasured, margin))
    if not possible:
        return None
    return _in_words(max(possible, key=effect), study)


def _possible(
    lines: Sequence[Line], unmeasured: Sequence[Unmeasured], margin: float
) -> Iterator[_Possible]:
    untrained = [line for line in lines if _untrained(line)]
    if untrained:
        yield _Possible(step=LONGER, lines=untrained)
    by_seeds, by_images = [], []
    for line in lines:
        seeds, images = _times(line, margin)
        if line.seeds < LEAST_SEEDS and line.answer.startswith((LEANS, OPEN)):
            by_seeds.append((line, 1.0))  # nothing is answered before there are three
        elif line.answer == OPEN and line.seeds * seeds <= MOST_SEEDS:
            by_seeds.append((line, seeds))
        elif line.answer == OPEN and images <= MOST_TIMES:
            by_images.append((line, images))
    for step, asked in ((SEEDS, by_seeds), (IMAGES, by_images)):
        if asked:
            most = max(times for _, times in asked)
            yield _Possible(step=step, lines=[line for line, _ in asked], times=most)
    for missing in unmeasured:
        yield _Possible(step=ADD, lines=[], missing=missing)


def _untrained(line: Line) -> bool:
    return line.answer.endswith((UNTRAINED, LONGER_FIRST))


def _of_headline(line: Line, undecided: set[int]) -> bool:
    """Whether the headline lacks the answer of a line, or leans on it."""
    if line.question not in COMPARED:
        return False
    return line.answer.startswith(LEANS) or line.labelled_images in undecided


def _times(line: Line, margin: float) -> tuple[float, float]:
    """By how much the seeds, or the test images, have to grow for a line to be no longer open.

    The half-width h has to become d, the estimate's distance from 0 or from the margin, the larger.
    With a share s of the variance between seeds, k times the seeds make it h sqrt(1 - s + s / k).
    """
    if line.estimate is None or line.low is None or line.high is None or line.seed_share is None:
        return inf, inf
    half = max(line.high - line.estimate, line.estimate - line.low)
    wanted = max(abs(line.estimate), margin - abs(line.estimate))
    left = (wanted / half) ** 2  # of the variance
    if left >= 1:  # an answer that was taken back by a correction
        return inf, inf
    of_seeds, of_images = line.seed_share, 1 - line.seed_share
    seeds = of_seeds / (left - of_images) if left > of_images else inf
    images = of_images / (left - of_seeds) if left > of_seeds else inf
    return seeds, images


def _in_words(one: _Possible, study: str) -> NextStep:
    answers = list(dict.fromkeys(line.question for line in one.lines))
    later = f"`make plan STUDY={study}` prices it once it is added"
    if one.missing:
        missing = one.missing
        return NextStep(
            step=ADD,
            what=missing.add,
            answers=[missing.question],
            cost=missing.cost,
            config=missing.config,
        )
    if one.step == LONGER:
        what = "longer pretraining, as encoders are hardly above the untrained one"
        return NextStep(step=LONGER, what=what, answers=answers, cost=later)
    if one.step == IMAGES:
        what = f"about {ceil(one.times)} times the test images, where there are more"
        return NextStep(step=IMAGES, what=what, answers=answers)
    here = max(line.seeds for line in one.lines)
    seeds = LEAST_SEEDS if here < LEAST_SEEDS else ceil(here * one.times)
    about = "" if here < LEAST_SEEDS else "about "
    what = f"{about}{seeds} seeds in place of {here}"
    # which they are is known once the study's record is
    config = [f"seeds: {list(range(seeds))}"]
    return NextStep(step=SEEDS, what=what, answers=answers, seeds=seeds, cost=later, config=config)
