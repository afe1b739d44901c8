"""The gap to supervised against depth."""

import numpy as np
import pytest

from fourlenses.lenses.granularity import gap as granularity_gap
from tests.helpers.figures import evidence_of, hierarchy


def test_gaps_of_all_targets_lie_between_coarsest_and_finest(tmp_path):
    rows = [
        *hierarchy("simclr", "a", (90.0, 70.0, 40.0)),
        *hierarchy("supervised", "a", (92.0, 78.0, 60.0), protocol="scratch"),
    ]
    rows += [
        *hierarchy("simclr", "b", (50.0,)),
        *hierarchy("supervised", "b", (45.0,), protocol="scratch"),
    ]
    figure, numbers = granularity_gap.draw(evidence_of(tmp_path, rows))
    assert list(zip(numbers["target"], numbers["depth"], numbers["gap"], strict=True)) == [
        ("a", 0.0, -2.0),
        ("a", 0.5, -8.0),
        ("a", 1.0, -20.0),
        ("b", 1.0, 5.0),
    ]
    # log-odds of 90 % minus those of 92 %, of 5,000 images
    assert numbers["log_odds_gap"][0] == pytest.approx(
        np.log(0.9 / 0.1) - np.log(0.92 / 0.08), abs=1e-3
    )
    assert (
        (numbers["log_odds_gap_low"] < numbers["log_odds_gap"])
        & (numbers["log_odds_gap"] < numbers["log_odds_gap_high"])
    ).all()
    assert [axes.get_ylabel() for axes in figure.axes] == [
        "SimCLR minus supervised,\npoints (better ↑)",
        "SimCLR minus supervised,\nlog-odds (better ↑)",
    ]


def test_levels_of_fewer_than_three_labels_have_no_gap(tmp_path):
    labels = {"top": 2, "middle": 10, "fine": 100}
    rows = [
        *hierarchy("simclr", "a", (90.0, 70.0, 40.0)),
        *hierarchy("supervised", "a", (92.0, 78.0, 60.0), protocol="scratch"),
    ]
    numbers = granularity_gap.numbers_drawn(
        evidence_of(tmp_path, [entry | {"n_classes": labels[entry["level"]]} for entry in rows])
    )
    assert list(zip(numbers["level"], numbers["depth"], strict=True)) == [
        ("middle", 0.0),
        ("fine", 1.0),
    ]


def test_without_supervised_encoders_nothing_is_drawn(tmp_path):
    figure, numbers = granularity_gap.draw(
        evidence_of(tmp_path, hierarchy("simclr", "a", (90.0, 40.0)))
    )
    assert numbers.empty
    assert figure is None
