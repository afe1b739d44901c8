"""Coarsening, and scoring by level."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fourlenses.metrics.label_levels import (
    LabelLevels,
    coarsen,
    correct_by_level,
    score_levels,
)
from fourlenses.metrics.statistics import wilson_interval

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


COARSE_FIRST = LabelLevels(["family", "genus", "species"], TABLE[:, ::-1])


def test_labels_of_one_level_by_hand():
    labels = COARSE_FIRST.labels_at(1, np.array([4, 1, 3], np.uint16))
    assert labels.tolist() == [2, 0, 1]
    assert labels.dtype == np.int64
    with pytest.raises(ValueError, match="level 3 is none of the 3"):
        COARSE_FIRST.labels_at(3, np.array([0]))
    with pytest.raises(ValueError, match="5 fine classes: 5"):
        COARSE_FIRST.labels_at(1, np.array([5]))


def test_levels_up_to_one_by_hand():
    above = COARSE_FIRST.up_to(1)
    assert (above.table.tolist(), above.names) == ([[0, 0], [0, 1], [1, 2]], ["family", "genus"])
    assert above.num_classes == 3
    # the middle level is no part of the coarse one
    crossed = LabelLevels(["a", "b", "c"], np.array([[0, 0, 0], [1, 0, 1], [1, 1, 2]]))
    above = crossed.up_to(1)
    assert (above.table.tolist(), above.names) == ([[0], [1]], ["b"])
    above = crossed.up_to(2)
    assert (above.table.tolist(), above.names) == (crossed.table.tolist(), crossed.names)


@given(st.integers(0, 2), st.lists(st.integers(0, 4), min_size=1, max_size=20))
def test_levels_up_to_one_commute_with_coarsening(level, fine):
    above = COARSE_FIRST.up_to(level)
    assert above.names == COARSE_FIRST.names[: level + 1]  # of a tree
    coarse = COARSE_FIRST.labels_at(level, np.array(fine))
    expected = coarsen(np.array(fine), COARSE_FIRST.table)[:, : level + 1]
    assert (coarsen(coarse, above.table) == expected).all()


def test_scores_of_every_level_by_hand():
    labels, predictions = np.array([0, 0, 2, 4]), np.array([1, 0, 0, 4])
    family, genus, species = score_levels(predictions, labels, COARSE_FIRST)
    assert [score.level for score in (family, genus, species)] == ["family", "genus", "species"]
    assert [score.level_depth for score in (family, genus, species)] == [0, 1, 2]
    assert [score.is_finest for score in (family, genus, species)] == [False, False, True]
    assert [score.top1 for score in (family, genus, species)] == [100, 75, 50]
    assert (genus.low, genus.high) == wilson_interval(3, 4)
    assert [score.n_classes for score in (family, genus, species)] == [2, 3, 5]
    assert [score.chance for score in (family, genus, species)] == [75, 50, 50]


def test_levels_of_a_target_without_a_hierarchy():
    levels = LabelLevels.of_classes(3)
    assert (levels.names, levels.table.tolist(), levels.num_classes) == (
        ["class"],
        [[0], [1], [2]],
        3,
    )
