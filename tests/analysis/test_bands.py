"""Means over seeds and their bands."""

import pytest

from fourlenses.analysis import bands
from fourlenses.metrics.statistics import wilson_share
from tests.helpers.figures import evidence_of, seeds
from tests.helpers.synthetic_metrics import row

KEYS = ["target", "method"]


def band(evidence):
    return bands.over_seeds(evidence.metrics, KEYS, evidence).iloc[0]


def test_a_band_holds_test_images_and_seeds(tmp_path):
    """One seed is widened by the stated deviation; without one it is Wilson's interval."""
    low, high = (100 * end for end in wilson_share(0.5, 5000))
    exact = band(evidence_of(tmp_path, seeds(50.0), prior_sd=0.0))
    assert (exact["top1_low"], exact["top1_high"]) == pytest.approx((low, high), abs=0.01)
    widened = band(evidence_of(tmp_path, seeds(50.0), prior_sd=2.0))
    half = 1.96 * (0.5 * 0.5 / 5000 * 1e4 + 2.0**2) ** 0.5
    assert widened["top1_high"] - 50 == pytest.approx(half, rel=0.01)
    assert (exact["seeds"], widened["seeds"]) == (1, 1)


def test_more_seeds_make_a_band_narrower(tmp_path):
    widths = [band(evidence_of(tmp_path, seeds(*[50.0] * count), prior_sd=2.0)) for count in (1, 3)]
    one, three = (row["top1_high"] - row["top1_low"] for row in widths)
    assert three < one
    assert widths[1]["seeds"] == 3


def test_draws_of_the_labels_are_averaged_within_a_seed(tmp_path):
    rows = [
        *seeds(50.0, 60.0, label_draw=0),
        row("domain", "simclr", "a-100", "a", 54.0, seed=0, label_draw=1),
    ]
    assert (
        band(
            evidence_of(
                tmp_path, [*rows, row("domain", "simclr", "a-100", "a", 60.0, seed=1, label_draw=1)]
            )
        )["top1"]
        == 56.0
    )


def test_of_two_sources_of_one_number_of_images_the_first_is_taken(tmp_path):
    rows = [*seeds(50.0), row("domain", "simclr", "a-all", "a", 70.0, pretrain_images=100)]
    assert band(evidence_of(tmp_path, rows))["top1"] == 50.0
