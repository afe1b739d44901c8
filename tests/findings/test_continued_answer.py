"""A downloaded encoder that was continued, in the headline: advised by the rule of the others."""

from dataclasses import replace

from fourlenses.lenses import conclusions
from fourlenses.lenses.alternatives import declared
from tests.findings.test_answer import contest, headline_of, line, three
from tests.helpers import planted_study
from tests.helpers.planted_findings import CERTAIN, seen

CONTINUED = "a-4000.from_big"


def continued(tuned, *, download=(56.0, 66.0), scratch=(40.0, 50.0), own=(50.0, 60.0)):
    """One target at two label sizes: labels alone, a download, it continued, own pretraining, each
    fine-tuned, and frozen 6 points below that."""
    study = planted_study.Planted()
    for place, labelled in enumerate((400, 4000)):
        study.random("a", 10.0, labelled=labelled)
        study.add("supervised", f"a-{labelled}", "a", scratch[place], "scratch", labelled=labelled)
        for method, source, top1 in (
            ("external", "big", download[place]),
            ("simclr", "a-4000", own[place]),
            ("simclr_continued", CONTINUED, tuned[place]),
        ):
            study.add(method, source, "a", top1 - 6.0, labelled=labelled)
            study.add(method, source, "a", top1, "fine_tune", labelled=labelled)
    return study


def card_of(study):
    (card,) = conclusions.cards(seen(study), CERTAIN)
    return card


def test_a_continued_encoder_that_is_ahead_of_all_is_advised():
    card = card_of(continued((64.0, 74.0)))
    assert card.headline.answer == "continue"
    assert card.headline.sentence == (
        "Continue a downloaded encoder on your own images (big continued on a 4k by simclr "
        "continued, fine-tuned), at both label sizes compared (400 and 4,000)."
    )
    assert "Not compared" not in " ".join(card.headline.because)
    named = {one.question: one for one in card.lines if one.labelled_images == 400}
    for question, rival, points in (
        ("continued_or_labels", "training from scratch", 24),
        ("continued_or_download", "big fine-tuned", 8),
        ("continued_or_own", "SimCLR on a 4k fine-tuned", 14),
    ):
        found = named[question]
        assert (found.against, round(found.estimate), found.sense) == (rival, points, 1)
    rows = {row.role for row in card.table.differences}
    assert {"continued_or_labels", "continued_or_download", "continued_or_own"} <= rows


def test_continuing_that_brings_nothing_is_not_advised():
    """Level with the download, which is cheaper; and behind it."""
    assert card_of(continued((56.1, 66.1))).headline.answer == "download"
    assert card_of(continued((48.0, 58.0))).headline.answer == "download"


def test_a_continued_encoder_that_was_not_fine_tuned_takes_no_part():
    study = continued((64.0, 74.0))
    study.cells = [
        cell
        for cell in study.cells
        if (cell["source"], cell["protocol"]) != (CONTINUED, "fine_tune")
    ]
    card = card_of(study)
    assert not [one for one in card.lines if one.question.startswith("continued_or")]
    assert card.headline.answer == "download"
    assert card.headline.because[-1] == ("Not compared: a continued download.")


def test_a_continued_encoder_whose_start_has_seen_the_target_takes_no_part(tmp_path):
    evidence = seen(continued((64.0, 74.0)))
    evidence = replace(evidence, metrics=evidence.metrics.copy())
    evidence.metrics.attrs["path"] = str(tmp_path / "metrics.csv")
    declared.write({"big": {"labels_of": ["a"]}}, tmp_path / declared.NAME)
    (card,) = conclusions.cards(evidence, CERTAIN)
    assert not [one for one in card.lines if one.question.startswith("continued_or")]
    # and the download itself neither, so that the others are compared without it
    assert card.headline.answer == "pretrain"
    assert card.headline.because[-1] == "Not compared: a downloaded encoder."


def test_what_was_not_compared_is_the_reason():
    """A download that was not fine-tuned beats own pretraining, and that beats labels alone."""
    found = headline_of(contest(500, 1), line("downloaded", 500, 1))
    assert found.answer == "open"
    assert found.sentence == (
        "Cannot tell at 500 labels (the only size compared) whether a downloaded encoder is the "
        "best (labels alone and "
        "own pretraining are behind), because a downloaded encoder was not compared with labels "
        "alone."
    )
    circle = headline_of(*three(500, 1, 1, -1))
    assert circle.sentence.endswith("because each is ahead of another.")
