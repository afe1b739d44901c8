"""Every number with an interval that the findings and cards of a study give."""

from collections.abc import Iterator
from dataclasses import dataclass

from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings.comparison import CONFOUNDED, HAS_SEEN, LONGER_FIRST, UNTRAINED
from fourlenses.findings.finding import Entry, Estimate, Finding
from fourlenses.findings.line import Line
from fourlenses.findings.show.planned import Key, key_of
from fourlenses.findings.thresholds import Thresholds
from fourlenses.lenses import conclusions

EXCLUDED = (UNTRAINED, CONFOUNDED, LONGER_FIRST, HAS_SEEN)
DOUBLING = "doubling"  # of a card: the one question that is not about a difference of 0


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A number, and what it has to be distinguished from.

    Attributes:
        key: what is compared.
        question: the finding's claim, or the question of a card.
        unit: of the number.
        estimate: the number.
        half: half-width of its interval, the wider side.
        threshold: that decides; None of a second scale, on which no distance is stated.
        alike: within plus and minus so much of 0 two sides are alike, where that is an answer too.
        excluded: why the comparison would not count; empty where it would.
    """

    key: Key
    question: str
    unit: str
    estimate: float
    half: float
    threshold: float | None
    alike: float | None
    excluded: str


def answers(evidence: Evidence, thresholds: Thresholds) -> list[Answer]:
    """Return the numbers of all findings, then those of all cards."""
    of_cards = (
        answer
        for card in conclusions.cards(evidence, thresholds)
        for line in card.lines
        for answer in _of_line(card.target, line, thresholds)
    )
    return [*of_findings(evidence, thresholds), *of_cards]


def of_findings(evidence: Evidence, thresholds: Thresholds) -> list[Answer]:
    """Return the numbers of all findings."""
    return [
        answer
        for finding in conclusions.evaluate(evidence, thresholds)
        for entry in finding.evidence
        for answer in _of_entry(finding, entry)
    ]


def _of_entry(finding: Finding, entry: Entry) -> Iterator[Answer]:
    excluded = entry.status if entry.status in EXCLUDED else ""
    for number in (entry.number, entry.second_scale):
        if number is None or number.half_width is None or number.estimate is None:
            continue
        first = number is entry.number
        yield Answer(
            key=key_of(finding.finding, entry.target, entry.what),
            question=finding.statement,
            unit=number.unit,
            estimate=number.estimate,
            half=number.half_width,
            threshold=finding.threshold if first else None,
            alike=finding.equivalence if first else None,
            excluded=excluded,
        )


def _of_line(target: str, line: Line, thresholds: Thresholds) -> Iterator[Answer]:
    number = Estimate(estimate=line.estimate, low=line.low, high=line.high, unit=line.unit)
    if number.estimate is None or number.half_width is None or line.unit != "points":
        return
    doubling = line.question == DOUBLING
    yield Answer(
        key=key_of(f"card: {line.question}", target, f"{line.method} {line.subject}".strip()),
        question=line.question,
        unit=line.unit,
        estimate=number.estimate,
        half=number.half_width,
        threshold=thresholds.worthwhile_gain if doubling else 0.0,
        alike=None if doubling else thresholds.equivalence_margin,
        excluded=line.answer if line.answer in EXCLUDED else "",
    )
