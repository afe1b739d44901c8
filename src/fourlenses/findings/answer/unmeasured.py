"""What a study does not measure of a target: what to add for it, and what says its cost."""

from collections.abc import Mapping

from fourlenses.findings.card import Unmeasured
from fourlenses.findings.questions import QUESTIONS, Missing


def of(lacking: Mapping[str, Missing], study: str, target: str) -> list[Unmeasured]:
    """Return an entry per question that is not answered, in the order of the card.

    Args:
        lacking: of each such question, what the study lacks.
        study: its name.
        target: the dataset evaluated on.
    """
    return [
        Unmeasured(
            question=question,
            title=QUESTIONS[question].title,
            what=lacking[question].what,
            add=lacking[question].add,
            cost=f"`make plan STUDY={study}` prices it once it is added",
            config=[line.replace("{target}", target) for line in lacking[question].example],
        )
        for question in QUESTIONS
        if question in lacking
    ]
