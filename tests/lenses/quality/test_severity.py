"""Drops against severity."""

from fourlenses.lenses.needs import NEEDS
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
    assert list(zip(curve["severity"], curve["parameter"], curve["change"], strict=True)) == [
        (1, 2, -2.0),
        (3, 4, -10.0),
        (5, 8, -25.0),
    ]
    assert set(zip(numbers["family"], numbers["method"], strict=True)) == {
        ("downsample", "simclr"),
        ("downsample", "supervised"),
        ("blur", "supervised"),
    }
    assert [axes.get_title().split("\n")[0] for axes in figure.axes] == ["downsample", "blur"]
    ticks = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert (ticks[0], ticks[-1]) == ("clean", "5\n8")


def test_without_two_severities_nothing_is_drawn_and_its_record_says_what_to_ask_for(tmp_path):
    figure, numbers = quality_severity.draw(
        evidence_of(tmp_path, corrupted("simclr", none=60.0, jpeg10=52.0, downsample2=58.0))
    )
    assert numbers.empty
    assert figure is None
    assert "corruptions: [blur_s1" in NEEDS["quality_severity"]
