"""Coarsening, scoring by level, and training at each level."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fourlenses.evaluation.probes.linear_probe import linear_probe
from fourlenses.metrics.label_levels import (
    coarsen,
    correct_by_level,
    level_labels,
    levels_above,
    train_at_each_level,
)

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


def test_level_labels_by_hand():
    labels, classes = level_labels(np.array([4, 1, 3], np.uint16), TABLE, 1)
    assert labels.tolist() == [2, 0, 1]
    assert labels.dtype == np.int64
    assert classes == 3
    assert level_labels(np.array([0, 1]), TABLE, 2) == (
        pytest.approx([0, 0]),
        2,
    )  # classes that are not in use count
    with pytest.raises(ValueError, match="level 3 is none of the 3"):
        level_labels(np.array([0]), TABLE, 3)
    with pytest.raises(ValueError, match="5 fine classes: 5"):
        level_labels(np.array([5]), TABLE, 1)


COARSE_FIRST = TABLE[:, ::-1]


def test_levels_above_by_hand():
    table, kept = levels_above(COARSE_FIRST, 1)
    assert (table.tolist(), kept) == ([[0, 0], [0, 1], [1, 2]], [0, 1])
    crossed = np.array(
        [[0, 0, 0], [1, 0, 1], [1, 1, 2]]
    )  # the middle level is no part of the coarse one
    table, kept = levels_above(crossed, 1)
    assert (table.tolist(), kept) == ([[0], [1]], [1])
    table, kept = levels_above(crossed, 2)
    assert (table.tolist(), kept) == (crossed.tolist(), [0, 1, 2])


@given(st.integers(0, 2), st.lists(st.integers(0, 4), min_size=1, max_size=20))
def test_levels_above_commutes_with_coarsening(level, fine):
    table, kept = levels_above(COARSE_FIRST, level)
    assert kept == list(range(level + 1))  # of a tree
    here, _ = level_labels(np.array(fine), COARSE_FIRST, level)
    assert (coarsen(here, table) == coarsen(np.array(fine), COARSE_FIRST)[:, : level + 1]).all()


def test_training_at_each_level():
    """Features that tell the middle level alone: trained there it is learned, and a root of one class is passed over."""
    rng = np.random.default_rng(0)
    table = np.column_stack([np.zeros(5, int), COARSE_FIRST])
    labels = {name: rng.integers(0, 5, 200) for name in ("train", "test")}
    centres = 4 * rng.standard_normal((3, 8))
    features = {
        name: (centres[TABLE[fine, 1]] + rng.standard_normal((200, 8))).astype(np.float32)
        for name, fine in labels.items()
    }

    def probe(**level):
        return linear_probe(
            train_features=features["train"],
            test_features=features["test"],
            subsets={200: np.arange(200)},
            strengths=[0.01, 0.1],
            validation_fraction=0.2,
            seed=0,
            **level,
        )

    records = list(
        train_at_each_level(
            probe, labels["train"], labels["test"], table, ["root", "family", "genus", "species"]
        )
    )
    assert [record["trained_level"] for record in records] == ["family", "genus", "species"]
    by_level = {record["trained_level"]: record for record in records}
    assert [list(by_level[level]["levels"]) for level in ("family", "genus", "species")] == [
        ["root", "family"],
        ["root", "family", "genus"],
        ["root", "family", "genus", "species"],
    ]
    assert by_level["genus"]["top1"] > 95
    assert by_level["species"]["top1"] < 80
    genus = TABLE[labels["test"], 1]
    assert by_level["genus"]["top1"] == pytest.approx(
        100 * np.mean(by_level["genus"]["predictions"] == genus)
    )
    assert by_level["genus"]["levels"]["root"]["top1"] == 100
    alone = probe(
        train_labels=TABLE[labels["train"], 1],
        test_labels=genus,
        num_classes=3,
        level_table=np.arange(3)[:, None],
        level_names=["g"],
    )
    assert np.array_equal(alone[0]["predictions"], by_level["genus"]["predictions"])
