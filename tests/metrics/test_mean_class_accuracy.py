"""Mean per-class accuracy and its bootstrap: by hand, by an exact variance, by coverage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fourlenses.metrics import mean_class_accuracy as mean_class_accuracy_module
from fourlenses.metrics.mean_class_accuracy import (
    mean_class_accuracy,
    mean_class_interval,
)
from fourlenses.metrics.statistics import wilson_interval

images = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=60)


def imbalanced(rng, sizes, chances):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    return labels, rng.random(len(labels)) < np.asarray(chances)[labels]


def test_by_hand():
    labels = np.array([0, 0, 0, 0, 5, 5, 9])
    correct = np.array([True, True, True, False, True, False, False])
    # classes 1 to 4 and 6 to 8 do not count
    expected = 100 * (3 / 4 + 1 / 2 + 0) / 3
    assert mean_class_accuracy(correct, labels) == pytest.approx(expected)


@given(images)
def test_properties(rows):
    labels, a = (np.array(column) for column in zip(*rows, strict=True))
    mean, low, high = mean_class_interval(a, labels, resamples=50)
    assert mean == pytest.approx(np.mean([100 * a[labels == c].mean() for c in np.unique(labels)]))
    assert 0 <= low <= high <= 100
    assert low < high  # never certain
    order = np.random.default_rng(0).permutation(len(labels))
    assert mean_class_accuracy(a[order], labels[order]) == pytest.approx(mean)
    balanced = np.arange(len(a))
    assert mean_class_accuracy(a, balanced) == pytest.approx(100 * a.mean())


def test_the_seed_decides_and_nothing_else():
    labels, correct = imbalanced(np.random.default_rng(0), [50, 20, 9], [0.7, 0.4, 0.5])
    first = mean_class_interval(correct, labels)
    assert mean_class_interval(correct, labels) == first
    assert mean_class_interval(correct, labels, seed=1) != first
    assert mean_class_interval(correct, labels, seed=1) == pytest.approx(first, abs=3)
    narrow = mean_class_interval(correct, labels, confidence=0.5)
    assert first[1] < narrow[1] < narrow[0] < narrow[2] < first[2]


def test_the_width_is_that_of_the_unbiased_variance():
    """The sum over classes of p (1 - p) / (n - 1), over the squared number of classes.

    A class of one image adds none by itself.
    """
    labels, correct = imbalanced(
        np.random.default_rng(1), [200, 40, 5] * 8 + [1], [0.6, 0.3, 0.5] * 8 + [1]
    )
    shares = [(correct[labels == c].mean(), (labels == c).sum()) for c in range(24)]
    deviation = 100 * sum(p * (1 - p) / (n - 1) for p, n in shares) ** 0.5 / 25
    _, low, high = mean_class_interval(correct, labels, resamples=20000)
    assert high - low == pytest.approx(2 * 1.96 * deviation, rel=0.02)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([10] * 30, (0.925, 0.965)),
        ([300, 100, 30, 10, 10, 4], (0.90, 0.965)),
        ([1] * 60, (0.92, 1)),
    ],
)
def test_the_interval_covers_the_truth(sizes, expected):
    """Of 95 % intervals of simulated test sets (standard error of the estimate: 0.8 points)."""
    rng = np.random.default_rng(2)
    chances = rng.uniform(0.3, 0.9, len(sizes))
    held, trials = 0, 800
    for _ in range(trials):
        labels, correct = imbalanced(rng, sizes, chances)
        _, low, high = mean_class_interval(correct, labels, resamples=400)
        held += low <= 100 * chances.mean() <= high
    assert expected[0] <= held / trials <= expected[1]


def test_where_no_resample_differs_other_intervals_stand_in():
    labels = np.arange(50) % 5
    right = np.ones(50, bool)
    assert mean_class_interval(right, labels) == pytest.approx((100, *wilson_interval(50, 50)))
    assert mean_class_interval(~right, labels) == pytest.approx((0, *wilson_interval(0, 50)))
    half = labels < 2
    mean, low, high = mean_class_interval(half, labels)
    assert (mean, low, high) == pytest.approx((40, *wilson_interval(20, 50)))


def test_refusals():
    with pytest.raises(ValueError, match="boolean array"):
        mean_class_accuracy(np.ones(3), np.zeros(3, int))
    with pytest.raises(ValueError, match="labels as long"):
        mean_class_interval(np.ones(3, bool), np.zeros(2, int))
    with pytest.raises(ValueError, match="confidence"):
        mean_class_interval(np.ones(3, bool), np.zeros(3, int), confidence=1)


@settings(max_examples=30, deadline=None)
@given(
    labels=st.lists(st.integers(0, 5), min_size=1, max_size=60),
    share=st.floats(0, 1),
    seed=st.integers(0, 3),
)
def test_kept_counts_give_the_numbers_of_the_draws_to_the_last_digit(labels, share, seed):
    labels = np.array(labels)
    correct = np.random.default_rng(seed).random(len(labels)) < share
    with_counts = mean_class_interval(correct, labels, seed=seed, resamples=70)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mean_class_accuracy_module, "KEPT_COUNTS", 0)
        assert mean_class_interval(correct, labels, seed=seed, resamples=70) == with_counts
