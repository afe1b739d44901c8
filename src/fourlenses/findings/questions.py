"""The questions that a decision card answers, in its order. Standard library only: the report and
the terminal import it."""

from typing import NamedTuple


class Title(NamedTuple):
    """A question of the card.

    Attributes:
        title: the question, as a user asks it.
        heading: of its comparisons in the report.
        shown: which of several comparisons stands for all: "each", or the one that is "best" or
            "worst" for the option that the question names.
        declared: whether the config answers it, not a measurement: it is neither for nor against.
    """

    title: str
    heading: str
    shown: str
    declared: bool = False


class Missing(NamedTuple):
    """What a study lacks that does not answer a question.

    Attributes:
        what: is not measured.
        add: to the study, in words.
        example: lines of a study's file, with `{target}` for the dataset, `rn50` for an encoder to
            download and `other` for another dataset.
    """

    what: str
    add: str
    example: tuple[str, ...] = ()

    def text(self) -> str:
        """Return both as one text."""
        return f"{self.what} ({self.add})"


QUESTIONS = {
    "contest": Title(
        "Pretrain on your images, or labels alone?", "Pretraining or labels alone", "each"
    ),
    "labels": Title(
        "Above how many labels is pretraining no longer needed?", "Over the label sizes", "each"
    ),
    "downloaded": Title(
        "A downloaded encoder, or your own pretraining?",
        "A downloaded encoder or one's own pretraining",
        "each",
    ),
    "download_or_labels": Title(
        "A downloaded encoder, or labels alone?", "A downloaded encoder or labels alone", "each"
    ),
    "continued": Title(
        "Continue the downloaded encoder on your images?",
        "A downloaded encoder, continued on one's own images",
        "best",
    ),
    "continued_or_labels": Title(
        "A continued encoder, or labels alone?", "A continued encoder or labels alone", "each"
    ),
    "continued_or_download": Title(
        "A continued encoder, or a download as it is?",
        "A continued encoder or a downloaded one as it is",
        "each",
    ),
    "continued_or_own": Title(
        "A continued encoder, or your own pretraining?",
        "A continued encoder or one's own pretraining",
        "each",
    ),
    "level": Title(
        "How many unlabelled images draw level with it?",
        "Unlabelled images to draw level with a downloaded encoder",
        "each",
    ),
    "doubling": Title("Twice the unlabelled images?", "Twice the unlabelled images", "best"),
    "added": Title(
        "Add images of another domain?", "Images of another domain added to one's own", "best"
    ),
    "pool": Title(
        "Replace part of your images by another domain's?",
        "A pool with another domain instead of as many own images",
        "best",
    ),
    "other_encoder": Title("Another domain's encoder?", "An encoder of another domain", "best"),
    "corruption": Title("Poorer unlabelled images?", "Corrupted pretraining images", "worst"),
    "encoder": Title(
        "What is declared of downloaded encoders?",
        "What is declared of downloaded encoders",
        "each",
        declared=True,
    ),
}
# The question of a card's line -> its heading in the report, in the order of a card.
HEADINGS = {question: title.heading for question, title in QUESTIONS.items()}
