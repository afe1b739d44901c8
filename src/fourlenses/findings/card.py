"""A decision card: its answer, what that rests on, a table, questions, and every comparison."""

from dataclasses import dataclass, field

from fourlenses.findings.line import Line


@dataclass(frozen=True, kw_only=True)
class Headline:
    """The answer for one target: `answer.headline` has the rule.

    Attributes:
        answer: "labels", "download", "continue" or "pretrain" where one option wins at every number
            of labels that was compared, "depends" where it differs, "open" where none wins at any,
            "not measured".
        sentence: the answer.
        because: sentences with the numbers that it rests on, or that are known without it.
        leans: whether it rests on fewer than `LEAST_SEEDS` seeds somewhere.
    """

    answer: str
    sentence: str
    because: list[str]
    leans: bool


@dataclass(frozen=True, kw_only=True)
class Value:
    """Percent or points at one number of labels, with a 95 % interval.

    Attributes:
        labels: labelled images.
        estimate: mean over seeds.
        low: lower end.
        high: upper end.
        way: how the encoder was used; of a difference how both were, or the one that was trained
            before.
        seeds: how many.
    """

    labels: int
    estimate: float
    low: float
    high: float
    way: str
    seeds: int


@dataclass(frozen=True, kw_only=True)
class Row:
    """One option over the label sizes.

    Attributes:
        role: "labels", "pretrain", "download", "continued" or "untrained"; of a difference the
            question of its lines.
        name: for people.
        values: a label size each, increasing; sizes that were not measured are left out.
    """

    role: str
    name: str
    values: list[Value]


@dataclass(frozen=True, kw_only=True)
class Table:
    """What was reached with a number of labels.

    Attributes:
        labels: the label sizes, increasing.
        rows: top-1 of each option, percent.
        differences: the first option named minus the second, points.
    """

    labels: list[int]
    rows: list[Row]
    differences: list[Row]


@dataclass(frozen=True, kw_only=True)
class Question:
    """One row of the card's questions.

    Attributes:
        question: a key of `questions.QUESTIONS`.
        title: the question.
        labels: that it is about; None where it is about none or several.
        answer: of its lines together.
        sense: 1 where it speaks for the option that the question names, -1 where against, 0 where
            there is no difference; None where it is open.
        estimate: of the line that is shown, as low and high; None where there is no number.
        unit: of the numbers.
        why: which line is shown, and what limits the answer.
        lines: places of its lines in the card's.
    """

    question: str
    title: str
    labels: int | None
    answer: str
    sense: int | None
    estimate: float | None
    low: float | None
    high: float | None
    unit: str
    why: str
    lines: list[int]


@dataclass(frozen=True, kw_only=True)
class Unmeasured:
    """A question that the study leaves open.

    Attributes:
        question: a key of `questions.QUESTIONS`.
        title: the question.
        what: is not measured.
        add: to the study, in words.
        cost: what that would cost, or the command that says it.
        config: the keys to add to the study's file, a line each; an example where a user has to
            choose something first, or the study's record is not there.
    """

    question: str
    title: str
    what: str
    add: str
    cost: str
    config: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class NextStep:
    """The addition to a study with most effect on its card: `answer.next_step` has the rule.

    Attributes:
        step: "train longer", "more seeds", "more test images" or "add", which is what is not
            measured.
        what: to do, in words.
        answers: keys of `questions.QUESTIONS` that it can answer.
        seeds: how many there would be; None of other steps.
        cost: what that would cost, or the command that says it; empty where neither is known.
        config: the keys to add, as of `Unmeasured`; empty where there are none.
    """

    step: str
    what: str
    answers: list[str]
    seeds: int | None = None
    cost: str = ""
    config: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Card:
    """The answers for one target.

    Attributes:
        study: its name.
        target: the dataset evaluated on.
        title: its name for people.
        headline: the answer.
        conditions: what it rests on, in one line.
        warnings: what limits all answers, a sentence each.
        table: labels x options.
        questions: the answers in a fixed order.
        unmeasured: what the study does not measure.
        setting: the conditions in sentences, with the thresholds.
        lines: every comparison.
        missing: as ``unmeasured``, a text each.
        next_step: what would answer most of what is open; None where nothing is.
    """

    study: str
    target: str
    title: str
    headline: Headline
    conditions: str
    warnings: list[str]
    table: Table
    questions: list[Question]
    unmeasured: list[Unmeasured]
    setting: str
    lines: list[Line] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    next_step: NextStep | None = None
