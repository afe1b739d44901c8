"""Expected calibration error against torchmetrics, a slow loop and known cases."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.functional.classification import multiclass_calibration_error

from fourlenses.metrics.calibration import expected_calibration_error


@pytest.mark.parametrize("bins", [5, 15])
def test_equal_width_is_torchmetrics(bins):
    generator = torch.Generator().manual_seed(0)
    probabilities = torch.softmax(3 * torch.randn(2000, 7, generator=generator), 1)
    labels = torch.randint(0, 7, (2000,), generator=generator)
    confidence, predicted = probabilities.max(1)
    expected = 100 * float(
        multiclass_calibration_error(probabilities, labels, 7, n_bins=bins, norm="l1")
    )
    error = expected_calibration_error(confidence.numpy(), (predicted == labels).numpy(), bins)
    assert error == pytest.approx(expected, abs=1e-4)
    half = confidence.half().numpy()  # as it is kept
    assert expected_calibration_error(half, (predicted == labels).numpy(), bins) == pytest.approx(
        expected, abs=0.05
    )


pairs = st.lists(
    st.tuples(st.integers(0, 20).map(lambda n: n / 20), st.booleans()), min_size=1, max_size=40
)


@given(pairs, st.sampled_from([1, 2, 4, 5, 8, 10, 16]))  # else an edge's rounding may differ
def test_equals_a_slow_loop(pairs, bins):
    confidences, correct = (np.array(part) for part in zip(*pairs, strict=True))
    total = 0.0
    for number in range(bins):
        inside = [
            number / bins < value <= (number + 1) / bins or (number == value == 0)
            for value in confidences
        ]
        if any(inside):
            gap = abs(confidences[inside].mean() - correct[inside].mean())
            total += sum(inside) / len(inside) * gap
    error = expected_calibration_error(confidences, correct, bins)
    assert error == pytest.approx(100 * total, abs=1e-9)


@given(pairs)
def test_bounds_and_order(pairs):
    confidences, correct = (np.array(part) for part in zip(*pairs, strict=True))
    error = expected_calibration_error(confidences, correct)
    # bins can only split what cancels
    assert 100 * abs(confidences.mean() - correct.mean()) - 1e-9 <= error <= 100
    again = expected_calibration_error(confidences[::-1], correct[::-1])
    assert error == pytest.approx(again, abs=1e-9)


def test_known_cases():
    ones = np.ones(40, np.float16)
    assert expected_calibration_error(ones, np.ones(40, bool)) == 0
    assert expected_calibration_error(ones, np.arange(40) % 4 == 0) == pytest.approx(75)
    generator = np.random.default_rng(0)
    confidences = generator.uniform(0.2, 1, 200_000)
    assert expected_calibration_error(confidences, generator.random(200_000) < confidences) < 0.5
    too_sure = expected_calibration_error(
        confidences, generator.random(200_000) < confidences - 0.1
    )
    assert too_sure == pytest.approx(10, abs=0.5)


def test_refusals():
    right = np.ones(2, bool)
    for confidences, correct, message in (
        (np.array([0.5, 1.1]), right, r"lie in \[0, 1\], found 0.5 to 1.1"),
        (np.array([0.5, np.nan]), right, r"lie in \[0, 1\]"),
        (np.array([0.5]), right, "one length"),
        (np.array([1, 1]), right, "floating"),
        (np.array([0.5, 0.5]), right.astype(int), "boolean"),
    ):
        with pytest.raises(ValueError, match=message):
            expected_calibration_error(confidences, correct)
    with pytest.raises(ValueError, match="bins"):
        expected_calibration_error(np.array([0.5, 0.5]), right, bins=0)
