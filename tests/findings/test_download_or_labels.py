"""A downloaded encoder against labels alone: frozen it may win, and may not lose."""

from fourlenses.lenses import conclusions
from tests.helpers import planted_alternatives
from tests.helpers.planted_findings import CERTAIN, seen


def test_a_download_against_labels_alone_needs_fine_tuning_unless_it_wins_frozen():
    study = planted_alternatives.downloads(6.0)
    for labelled in (400, 4000):
        study.add("supervised", f"a-{labelled}", "a", 30.0, "scratch", labelled=labelled)
    (card, _) = conclusions.cards(seen(study), CERTAIN)
    leads = [one for one in card.lines if one.question == "download_or_labels"]
    assert [one.answer for one in leads] == ["a downloaded encoder leads"] * 2
    assert leads[0].sentence.startswith(
        "With 400 labels, big fine-tuned minus training from scratch"
    )
    assert card.headline.sentence == (
        "Use the downloaded encoder big fine-tuned, at both label sizes compared (400 and 4,000)."
    )
    assert {"big", "small"} == {row.name for row in card.table.rows if row.role == "download"}
    study.cells = [
        cell
        for cell in study.cells
        if (cell["method"], cell["protocol"]) != ("external", "fine_tune")
    ]
    (card, _) = conclusions.cards(seen(study), CERTAIN)
    leads = [one for one in card.lines if one.question == "download_or_labels"]
    assert [one.answer for one in leads] == ["a downloaded encoder leads"] * 2
    assert leads[0].option == "big with a linear classifier"
    study.cells = [cell for cell in study.cells if cell["protocol"] != "scratch"]
    for labelled in (400, 4000):
        study.add("supervised", f"a-{labelled}", "a", 90.0, "scratch", labelled=labelled)
    (card, _) = conclusions.cards(seen(study), CERTAIN)
    assert " · big (ResNet-18, 64 px) · " in card.conditions
    assert "download_or_labels" in {one.question for one in card.unmeasured}
    assert not [one for one in card.lines if one.question == "download_or_labels"]


def test_a_frozen_download_does_not_spoil_the_answer_of_those_that_were_fine_tuned():
    """`small` lost frozen, and might win fine-tuned: it is no part of the answer."""
    study = planted_alternatives.downloads(6.0)
    for labelled in (400, 4000):
        study.add("supervised", f"a-{labelled}", "a", 90.0, "scratch", labelled=labelled)
    study.cells = [
        cell for cell in study.cells if (cell["source"], cell["protocol"]) != ("small", "fine_tune")
    ]
    (card, _) = conclusions.cards(seen(study), CERTAIN)
    leads = [one for one in card.lines if one.question == "download_or_labels"]
    assert [(one.answer, one.option) for one in leads] == [
        ("labels alone lead", "big fine-tuned")
    ] * 2
