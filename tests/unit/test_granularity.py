"""Coarsening and scoring by level."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fourlenses.evaluation.granularity import coarsen, correct_by_level

TABLE = np.array([[0, 0, 0], [1, 0, 0], [2, 1, 0], [3, 1, 0], [4, 2, 1]])


def test_coarsen_by_hand():
    assert coarsen(np.array([4, 1, 3]), TABLE).tolist() == [[4, 2, 1], [1, 0, 0], [3, 1, 0]]
    assert coarsen(np.array([4], np.uint16), TABLE).tolist() == [[4, 2, 1]]


def test_accuracy_by_hand():
    labels = np.array([0, 1, 2, 4])
    predictions = np.array([1, 1, 0, 3])
    assert correct_by_level(predictions, labels, TABLE)[2].tolist() == [False, False, True]
    assert correct_by_level(predictions, labels, TABLE).mean(0).tolist() == [0.25, 0.5, 0.75]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=50))
def test_accuracy_grows_with_coarseness_in_a_tree(pairs):
    accuracy = correct_by_level(*np.array(pairs).T, TABLE).mean(0)
    assert (np.diff(accuracy) >= 0).all()


def test_missing_labels_are_named():
    with pytest.raises(ValueError, match=r"1 label\(s\) missing .*5 fine classes: 7"):
        coarsen(np.array([0, 7]), TABLE)
    with pytest.raises(ValueError, match=": -1"):
        coarsen(np.array([0, -1]), TABLE)
    holed = TABLE.copy()
    holed[3, 1] = -1
    with pytest.raises(ValueError, match=": 3"):
        coarsen(np.array([3]), holed)
    assert coarsen(np.array([2]), holed).tolist() == [[2, 1, 0]]


def test_refuses_wrong_shapes():
    with pytest.raises(ValueError, match="table must"):
        coarsen(np.array([0]), TABLE[:, 0])
    with pytest.raises(ValueError, match="integer array"):
        coarsen(np.array([0.5]), TABLE)
    with pytest.raises(ValueError, match="one length"):
        correct_by_level(np.array([0]), np.array([0, 1]), TABLE)
