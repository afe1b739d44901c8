"""Which of four options wins at a number of labels: labels alone, a download, a download continued
on one's own images, own pretraining.

The rule. One option is ahead of another where the line of their comparison says so, after all
corrections of the card. Of two that are alike within the margin the cheaper one counts as ahead, in
the order above. An option wins where it is ahead of every other that was compared at that number of
labels; one that any other is ahead of is out. A continued encoder takes part where it was compared
with every other that does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fourlenses.findings.comparison import HAS_SEEN
from fourlenses.findings.line import Line

LABELS, DOWNLOAD, CONTINUE, PRETRAIN = "labels", "download", "continue", "pretrain"
CHEAPEST_FIRST = (LABELS, DOWNLOAD, CONTINUE, PRETRAIN)
# The question of a line -> the option that it names, and the other.
COMPARED = {
    "contest": (PRETRAIN, LABELS),
    "downloaded": (DOWNLOAD, PRETRAIN),
    "download_or_labels": (DOWNLOAD, LABELS),
    "continued_or_labels": (CONTINUE, LABELS),
    "continued_or_download": (CONTINUE, DOWNLOAD),
    "continued_or_own": (CONTINUE, PRETRAIN),
}


@dataclass(frozen=True, kw_only=True)
class AtLabels:
    """What is known at one number of labels.

    Attributes:
        labels: labelled images.
        options: those that take part, the cheapest first.
        left: those that no other is ahead of, the cheapest first.
        winner: the one that is ahead of all others; None where there is none.
        lines: of the comparisons.
    """

    labels: int
    options: tuple[str, ...]
    left: tuple[str, ...]
    winner: str | None
    lines: tuple[Line, ...]

    def decisive(self) -> list[Line]:
        """Return the lines in which the winner is ahead, or alike and cheaper."""
        return [line for line in self.lines if self.winner and _speaks_for(line, self.winner)]

    def name(self, option: str) -> str:
        """Return how an option took part: `SimCLR fine-tuned`; of labels alone nothing."""
        named = [line for line in self.lines if COMPARED[line.question][0] == option]
        best = max(named, key=lambda line: (line.sense or 0, line.estimate or 0.0), default=None)
        if best is not None:
            return best.option
        other = [line.against for line in self.lines if COMPARED[line.question][1] == option]
        return other[0] if other and option != LABELS else ""


def _speaks_for(line: Line, option: str) -> bool:
    first, second = COMPARED[line.question]
    return (option == first and line.sense in (1, 0)) or (
        option == second and line.sense in (-1, 0)
    )


def by_labels(lines: Sequence[Line]) -> list[AtLabels]:
    """Return what is known at each number of labels, increasing.

    An encoder that has seen the target takes no part.
    """
    compared = [
        line for line in lines if line.question in COMPARED and not line.answer.endswith(HAS_SEEN)
    ]
    sizes = sorted({line.labelled_images for line in compared if line.labelled_images})
    return [
        _at(labels, [line for line in compared if line.labelled_images == labels])
        for labels in sizes
    ]


def _at(labels: int, lines: list[Line]) -> AtLabels:
    lines = _comparable(lines)
    ahead: set[tuple[str, str]] = set()
    for question, (first, second) in COMPARED.items():
        senses = [line.sense for line in lines if line.question == question]
        winner = _ahead(first, second, senses)
        if winner:
            ahead.add(winner)
    taking_part = {option for line in lines for option in COMPARED[line.question]}
    options = tuple(option for option in CHEAPEST_FIRST if option in taking_part)
    winner_of_all = [
        option
        for option in options
        if all((option, other) in ahead for other in options if other != option)
    ]
    beaten = {second for _, second in ahead}
    left = tuple(option for option in options if option not in beaten)
    return AtLabels(
        labels=labels,
        options=options,
        left=left or options,  # in a circle none is out
        winner=winner_of_all[0] if winner_of_all else None,
        lines=tuple(lines),
    )


def _comparable(lines: list[Line]) -> list[Line]:
    """Without those of continued encoders where one option that takes part is not compared with
    them: neither could win."""
    others = [line for line in lines if CONTINUE not in COMPARED[line.question]]
    taking_part = {option for line in others for option in COMPARED[line.question]}
    met = {option for line in lines for option in COMPARED[line.question] if line not in others}
    return lines if taking_part <= met else others


def _ahead(first: str, second: str, senses: list[int | None]) -> tuple[str, str] | None:
    """Which of two is ahead of which. The first may have several ways, a sense each: it is ahead
    where one of them is, and the second where it is ahead of all, or alike and cheaper."""
    if not senses:
        return None
    if 1 in senses:
        return first, second
    if None in senses:
        return None
    if -1 in senses and 0 not in senses:
        return second, first
    cheaper = min(first, second, key=CHEAPEST_FIRST.index)
    # some alike, the others behind: the first is no better, and no cheaper
    return (cheaper, first if cheaper == second else second)
