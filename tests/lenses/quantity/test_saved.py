"""Labels saved by pretraining, read off the curve of training from scratch."""

import math

import pandas as pd
import pytest
from matplotlib.markers import CARETDOWN, CARETUP

from fourlenses.lenses.quantity import saved
from tests.helpers.figures import evidence_of, only
from tests.helpers.synthetic_metrics import row


def study(tmp_path, fewest=15.0):
    """From scratch 10, 20, 30 % with 100, 1,000, 10,000 labels."""
    rows = [
        row("quantity", "supervised", f"a-{n}", "a", top1, protocol="scratch", labelled_images=n)
        for n, top1 in ((100, 10.0), (1000, 20.0), (10_000, 30.0))
    ]
    own = {100: fewest, 1000: 25.0, 10_000: 40.0}
    rows += [
        row("quantity", "simclr", f"a-{size}", "a", top1 - (size == 500), labelled_images=n)
        for n, top1 in own.items()
        for size in (500, 1000)
    ]
    return evidence_of(tmp_path, rows)


def test_labels_needed_lie_halfway_in_the_logarithm(tmp_path):
    figure, numbers = saved.draw(study(tmp_path))
    assert set(numbers["pretrain_images"]) == {1000}
    assert only(numbers, labelled_images=100)["needed"] == pytest.approx(10**2.5)
    assert only(numbers, labelled_images=1000)["saved"] == pytest.approx(10**3.5 - 1000)
    assert math.isinf(only(numbers, labelled_images=10_000)["needed"])
    known = numbers[numbers["needed"].map(math.isfinite)]
    assert (known["needed_low"].fillna(0) < known["needed"]).all()
    assert (known["needed"] < known["needed_high"]).all()
    beyond = [line for line in figure.axes[0].lines if line.get_marker() == "^"]
    assert [list(line.get_xdata()) for line in beyond] == [[10_000]]


def footer_of(figure):
    return " ".join(" ".join(text.get_text() for text in figure.texts).split())


def test_a_whisker_beyond_the_labels_from_scratch_ends_in_an_arrow_head_within_the_axis(tmp_path):
    figure, numbers = saved.draw(study(tmp_path, fewest=11.0))
    axes = figure.axes[0]
    low, high = axes.get_ylim()
    cut = numbers["needed_low"].isna() | numbers["needed_high"].map(math.isinf)
    heads = [line for line in axes.lines if line.get_marker() in (CARETDOWN, CARETUP)]
    drawn = [y for line in heads for y in line.get_ydata()]
    assert numbers["needed_low"].isna().any()
    assert len(drawn) == (cut & numbers["needed"].map(math.isfinite)).sum()
    assert all(low < y < high for y in drawn)
    for line in axes.collections:
        assert all(low < y < high for path in line.get_paths() for y in path.vertices[:, 1])
    assert saved.ARROWS in footer_of(figure)
    assert f"whiskers: {saved.WIDER}" in footer_of(figure)


def test_without_a_cut_whisker_there_is_no_word_of_arrows(tmp_path):
    rows = [
        row("quantity", "supervised", f"a-{n}", "a", top1, protocol="scratch", labelled_images=n)
        for n, top1 in ((100, 5.0), (1000, 50.0), (10_000, 95.0))
    ]
    rows += [row("quantity", "simclr", "a-500", "a", 45.0, labelled_images=1000)]
    figure, _ = saved.draw(evidence_of(tmp_path, rows))
    assert "arrow" not in footer_of(figure)


def test_below_the_fewest_labels_nothing_is_known_and_scratch_at_one_size_is_no_curve(tmp_path):
    curve = pd.DataFrame({"labelled_images": [100, 1000], "top1": [10.0, 20.0]})
    assert math.isnan(saved.labels_needed(curve, 5.0, "top1"))
    assert saved.labels_needed(curve, 10.0, "top1") == pytest.approx(100)
    rows = [row("quantity", "simclr", "a-100", "a", 50.0)]
    rows += [row("quantity", "supervised", "a-1000", "a", 40.0, protocol="scratch")]
    assert saved.draw(evidence_of(tmp_path, rows))[0] is None
