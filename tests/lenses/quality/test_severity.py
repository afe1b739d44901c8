"""Drops against severity."""

from fourlenses.lenses.quality import severity as quality_severity
from tests.helpers.figures import corrupted, evidence_of


def test_severities_of_a_family_make_a_curve_whatever_they_are_called(tmp_path):
    rows = corrupted(
        "simclr", none=60.0, downsample2=58.0, downsample4=50.0, downsample_s5=35.0, jpeg10=52.0
    )
    rows += corrupted(
        "supervised", none=70.0, downsample2=69.0, downsample4=66.0, blur_s1=60.0, blur_s2=59.0
    )
    figure, numbers = quality_severity.draw(evidence_of(tmp_path, rows))
    curve = numbers[(numbers["family"] == "downsample") & (numbers["method"] == "simclr")]
    assert list(zip(curve["severity"], curve["parameter"], curve["drop"], strict=True)) == [
        (1, 2, 2.0),
        (3, 4, 10.0),
        (5, 8, 25.0),
    ]
    assert set(zip(numbers["family"], numbers["method"], strict=True)) == {
        ("downsample", "simclr"),
        ("downsample", "supervised"),
        ("blur", "supervised"),
    }
    assert [axes.get_title() for axes in figure.axes] == ["downsample", "blur"]


def test_without_two_severities_a_sentence_says_what_to_ask_for(tmp_path):
    figure, numbers = quality_severity.draw(
        evidence_of(tmp_path, corrupted("simclr", none=60.0, jpeg10=52.0, downsample2=58.0))
    )
    assert numbers.empty
    assert "corruptions: [blur_s1" in figure.axes[0].texts[0].get_text().replace("\n", " ")
