"""Holm's adjusted p-values against his example by hand, and the error rate they promise."""

import numpy as np
import pytest

from fourlenses.analysis.multiplicity import holm


def test_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_any_false_rejection_is_as_rare_as_said():
    generator = np.random.default_rng(0)
    wrong = [min(holm(list(generator.random(20)))) < 0.05 for _ in range(2000)]
    print(f"{np.mean(wrong):.1%} of 2,000 families of 20 true hypotheses have a rejection")
    assert np.mean(wrong) < 0.065
