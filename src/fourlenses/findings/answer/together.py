"""The rows of a card's questions: of a question with many comparisons one row for all of them.

Comparisons at several numbers of labels have a row each. Of several sources or corruptions one is
shown, and the row says how many there are: the best for the option that the question names, so that
a no is a no to all of them, or the worst where the question is what something costs.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from fourlenses.findings import words
from fourlenses.findings.card import Question
from fourlenses.findings.contest import OPEN
from fourlenses.findings.line import AT_MOST, LEANS, Line
from fourlenses.findings.questions import QUESTIONS


def questions(lines: Sequence[Line]) -> list[Question]:
    """Return the rows, in the order of `QUESTIONS`."""
    return [row for question in QUESTIONS for row in _of(question, lines)]


def _of(question: str, lines: Sequence[Line]) -> Iterator[Question]:
    places = [place for place, line in enumerate(lines) if line.question == question]
    if not places:
        return
    if QUESTIONS[question].shown == "each" or len(places) == 1:
        for place in places:
            yield _row(lines[place], [place], why=_why(lines[place]))
        return
    measured = [lines[place] for place in places]
    pick = max if QUESTIONS[question].shown == "best" else min
    counted = [line for line in measured if _counts(line)] or measured
    shown = pick(counted, key=lambda line: line.estimate or 0.0)
    which = f"{QUESTIONS[question].shown} of {len(counted)}"
    if len(counted) < len(measured):
        which += f" that count, {len(measured)} in all"
    row = _row(shown, places, why=f"{which}: {_why(shown)}", answer=_together(measured))
    yield replace(row, sense=_sense(counted, pick))


def _counts(line: Line) -> bool:
    return line.sense is not None or line.answer.removeprefix(LEANS) in (OPEN, AT_MOST)


def _sense(lines: Sequence[Line], pick: Callable[[Iterable[int]], int]) -> int | None:
    """Of the best (or worst) that is certain; None where an open one may be better (or worse)."""
    known = [line.sense for line in lines if line.sense is not None]
    if not known:
        return None
    most = pick(known)
    settled = len(known) == len(lines) or most == pick([-1, 1])
    return most if settled else None


def _row(line: Line, places: list[int], *, why: str, answer: str = "") -> Question:
    return Question(
        question=line.question,
        title=QUESTIONS[line.question].title,
        labels=line.labelled_images,
        answer=answer or line.answer,
        sense=line.sense,
        estimate=line.estimate,
        low=line.low,
        high=line.high,
        unit=line.unit,
        why=why,
        lines=places,
    )


def _together(lines: Sequence[Line]) -> str:
    """`worse than own`, or `worse than own in 3 of 5, cannot tell in 2`."""
    counts = Counter(line.answer.removeprefix(LEANS) for line in lines)
    leans = LEANS if any(line.answer.startswith(LEANS) for line in lines) else ""
    if len(counts) == 1:
        (answer,) = counts
        return f"{leans}{answer}"
    (first, most), *rest = counts.most_common()
    parts = [f"{first} in {most} of {len(lines)}", *(f"{word} in {count}" for word, count in rest)]
    return leans + ", ".join(parts)


def _why(line: Line) -> str:
    """`with 4,000 labels, SimCLR fine-tuned against training from scratch; …`"""
    sides = " against ".join(part for part in (line.option, line.against) if part)
    labels = f"{words.images(line.labelled_images)} labels" if line.labelled_images else ""
    said = ", ".join(part for part in (labels, sides) if part)
    if line.question == "labels":
        said = line.sentence.rstrip(".")
    if line.question == "encoder":
        said = line.option
    return "; ".join(part for part in (said, line.reason) if part)
