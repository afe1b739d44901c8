"""Drops by corruption, against numbers planted in the table."""

import pytest

from fourlenses.lenses.quality import figure as quality
from fourlenses.plotting import published_markers
from tests.helpers.figures import corrupted, evidence_of, only
from tests.helpers.synthetic_metrics import row


def test_quality_takes_the_change_over_the_same_seeds(planted):
    bars = quality.draw(planted)[1]
    assert list(zip(bars["corruption"], bars["method"], strict=True)) == [
        ("down4", "simclr"),
        ("down4", "supervised"),
        ("jpeg10", "simclr"),
        ("jpeg10", "supervised"),
    ]
    assert list(bars["change"]) == [-20.0, -5.0, -6.0, -1.5]  # worse is left
    for name in ("change", "share"):
        inside = (bars[f"{name}_low"] < bars[name]) & (bars[name] < bars[f"{name}_high"])
        assert inside.all()
    # over the random encoder's 11 %: of 46 and of 69 points
    assert only(bars, corruption="down4", method="supervised")["share"] == pytest.approx(
        -100 * 5 / 69
    )
    assert only(bars, corruption="down4", method="simclr")["share"] == pytest.approx(
        -100 * 20 / 44
    )  # over the seed of the random encoder


def test_quality_leaves_out_seeds_that_only_one_side_has(tmp_path):
    rows = [
        row("quality", "simclr", "a-100", "a", 50.0, seed=0),
        row("quality", "simclr", "a-100@blur", "a", 40.0, seed=0),
    ]
    rows.append(row("quality", "simclr", "a-100@blur", "a", 10.0, seed=1))
    bars = quality.draw(evidence_of(tmp_path, rows))[1]
    assert (bars["change"][0], bars["seeds"][0]) == (-10.0, 1)


def test_quality_without_a_clean_counterpart_says_which(tmp_path):
    rows = [
        row("quality", "simclr", "a-100@blur", "a", 40.0),
        row("quality", "simclr", "a-200", "a", 50.0),
    ]
    with pytest.raises(
        ValueError,
        match=r"other.csv has simclr on a-100 with blur for a but no clean pretraining .* at 1000 ",
    ):
        quality.draw(evidence_of(tmp_path, rows))


def test_studies_of_other_datasets_have_no_hollow_markers(tmp_path):
    figure, bars = quality.draw(evidence_of(tmp_path, corrupted("simclr", none=60.0, jpeg10=52.0)))
    assert bars["published_change"].isna().all()
    assert published_markers.LABEL not in {
        text.get_text() for text in figure.legends[0].get_texts()
    }
