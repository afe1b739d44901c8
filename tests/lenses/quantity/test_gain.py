"""The gain from a doubling, against a planted curve."""

import pytest

from fourlenses.analysis.contrasts import Evidence
from fourlenses.analysis.table import read_metrics
from fourlenses.lenses.quantity import figure as quantity
from fourlenses.lenses.quantity import gain as quantity_gain
from fourlenses.plotting import ends
from tests.helpers import synthetic_metrics as synthetic
from tests.helpers.figures import evidence_of
from tests.helpers.synthetic_metrics import row


def saturating(tmp_path, **more):
    """SimCLR on a with 70 - 200 n ** -0.35 percent at five sizes; MoCo at one."""
    sizes = (1000, 3000, 10_000, 30_000, 100_000)
    rows = [
        row(
            "quantity",
            "simclr",
            f"a-{n}",
            "a",
            70 - 200 * n**-0.35,
            n_test=200_000,
            steps=1000,
            **more,
        )
        for n in sizes
    ]
    rows = [*rows, row("quantity", "moco", "a-1000", "a", 50.0, steps=1000)]
    return Evidence.of(
        read_metrics(synthetic.write(tmp_path / "saturating.csv", rows)), prior_sd=0.1
    )


def test_quantity_gain_is_the_gain_of_the_planted_curve(tmp_path):
    numbers = quantity_gain.draw(saturating(tmp_path), modest_gain=1.0)[1]
    assert list(numbers["pretrain_images"]) == [
        1000,
        3000,
        10_000,
        30_000,
        100_000,
    ]  # MoCo's one size has no gain
    planted = 200 * numbers["pretrain_images"] ** -0.35 * (1 - 2**-0.35)
    assert list(numbers["gain"]) == pytest.approx(list(planted), abs=0.01)
    assert ((numbers["gain_low"] <= planted) & (planted <= numbers["gain_high"])).all()
    assert list(numbers["enough_images"]) == pytest.approx(
        [(200 * (1 - 2**-0.35)) ** (1 / 0.35)] * 5, rel=0.02
    )
    assert set(numbers["fit"]) == {"power_law"}


def test_a_line_at_the_modest_gain_and_no_extrapolation_of_two_sizes(tmp_path):
    figure, _ = quantity_gain.draw(saturating(tmp_path), modest_gain=1.0)
    below = figure.axes[1]
    assert "a gain of 1 points" in below.get_legend_handles_labels()[1]
    assert [label.get_text() for label in ends.of(below)] == ["1k"]
    rows = [row("quantity", "simclr", f"a-{n}", "a", top1, steps=9) for n, top1 in TWO.items()]
    figure, numbers = quantity_gain.draw(evidence_of(tmp_path, rows))
    (axes,) = figure.axes
    assert axes.get_title() == "a\n1k → 4k images"
    dots = [line for line in axes.lines if line.get_linestyle() == "None"]
    assert [list(line.get_ydata()) for line in dots] == [[pytest.approx(5.0)]]  # 10 in 2 doublings
    assert list(numbers["pretrain_images"]) == [1000]


TWO = {1000: 40.0, 4000: 50.0}


def test_one_size_has_no_gain_to_draw(tmp_path):
    evidence = evidence_of(tmp_path, [row("quantity", "simclr", "a-1000", "a", 50.0)])
    figure, numbers = quantity_gain.draw(evidence)
    assert figure is None
    assert numbers.empty
    numbers = quantity_gain.numbers_drawn(evidence)
    assert numbers[["gain", "enough_images"]].isna().all(axis=None)


def test_quantity_lays_published_numbers_over_the_same_sizes(tmp_path):
    named = {"level": "class", "labelled_images": 10_000, "protocol": "linear_augmented"}
    rows = [
        row("quantity", "simclr", f"imagenet-{n}", "imagenet", 20.0, **named)
        for n in (50_000, 60_000)
    ]
    figure, numbers = quantity.draw(evidence_of(tmp_path, rows))
    assert numbers["published"].fillna(0).to_list() == [18.1, 0]  # the paper has no 60,000
    hollow = [line for line in figure.axes[0].lines if line.get_markerfacecolor() == "none"]
    assert [list(line.get_ydata()) for line in hollow if len(line.get_ydata())] == [[18.1]]
