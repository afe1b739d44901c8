import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fourlenses.core.errors import UserError
from fourlenses.data.manifest.subsets import classes_with_fewer, draw_subset


def manifest(names, tests=0):
    return pd.DataFrame({"id": names, "split": ["test"] * tests + ["train"] * (len(names) - tests)})


NAMES = [f"image{number}" for number in range(200)]


@given(small=st.integers(1, 180), large=st.integers(1, 180), seed=st.integers(0, 10))
@settings(max_examples=50, deadline=None)
def test_nested(small, large, seed):
    small, large = sorted((small, large))
    table = manifest(NAMES, tests=20)
    inner, outer = (
        draw_subset(table, set(), subset=count, seed=seed, dataset="x") for count in (small, large)
    )
    assert len(inner) == small
    assert len(outer) == large
    assert set(inner) <= set(outer)
    assert (table["split"].iloc[outer] == "train").all()


def test_stable_when_other_images_come_go_or_change_places():
    base = manifest(NAMES)
    drawn = set(base["id"].iloc[draw_subset(base, set(), subset=100, seed=0, dataset="x")])
    shuffled = base.sample(frac=1, random_state=3).reset_index(drop=True)
    assert (
        set(shuffled["id"].iloc[draw_subset(shuffled, set(), subset=100, seed=0, dataset="x")])
        == drawn
    )
    without = base[base["id"] != sorted(drawn)[0]].reset_index(drop=True)
    again = set(without["id"].iloc[draw_subset(without, set(), subset=100, seed=0, dataset="x")])
    assert len(again & drawn) == 99


def test_seeds_draw_differently_and_uniformly():
    table = manifest(NAMES)
    counts = np.zeros(200)
    for seed in range(200):
        counts[draw_subset(table, set(), subset=50, seed=seed, dataset="x")] += 1
    # 200 draws of probability 1/4: five standard deviations
    assert np.abs(counts - 50).max() < 5 * np.sqrt(200 * 0.25 * 0.75)


def test_undecodable_images_are_not_drawn():
    table = manifest(NAMES)
    rows = draw_subset(table, {"image3", "image4"}, subset="all", seed=0, dataset="x")
    assert len(rows) == 198
    assert not {3, 4} & set(rows.tolist())


def test_more_than_there_are():
    with pytest.raises(
        UserError,
        match=r"dataset 'x' has 199 usable training images, but the config asks for 200 "
        r".*'pretrain_images'",
    ):
        draw_subset(manifest(NAMES), {"image3"}, subset=200, seed=0, dataset="x")


def classes_of(table, rows):
    return table["level:class"].iloc[rows].value_counts()


def test_balanced_subsets_hold_as_many_of_each_class_as_can_be():
    """Classes of 120, 60 and 20 images: equal shares while they last, the rest from the larger.

    The subsets are nested.
    """
    table = manifest(NAMES)
    table["level:class"] = ["a"] * 120 + ["b"] * 60 + ["c"] * 20
    assert classes_of(
        table, draw_subset(table, set(), subset="30_balanced", seed=0, dataset="x")
    ).to_dict() == {
        "a": 10,
        "b": 10,
        "c": 10,
    }
    assert classes_of(
        table, draw_subset(table, set(), subset="100_balanced", seed=0, dataset="x")
    ).to_dict() == {
        "a": 40,
        "b": 40,
        "c": 20,
    }
    assert (
        classes_of(
            table, draw_subset(table, set(), subset="31_balanced", seed=0, dataset="x")
        ).max()
        == 11
    )
    subsets = [
        set(draw_subset(table, set(), subset=f"{count}_balanced", seed=0, dataset="x"))
        for count in range(1, 201, 7)
    ]
    assert all(inner < outer for inner, outer in itertools.pairwise(subsets))


def test_draws_differ_and_the_first_is_that_of_pretraining():
    table = manifest(NAMES)
    table["level:class"] = ["a", "b"] * 100
    first, second, third = (
        set(draw_subset(table, set(), subset=name, seed=0, dataset="x"))
        for name in ("50", "50_draw1", "50_draw2")
    )
    assert len(first & second) < 30
    assert len(second & third) < 30
    assert second < set(draw_subset(table, set(), subset="80_draw1", seed=0, dataset="x"))
    assert set(draw_subset(table, set(), subset="50_balanced_draw1", seed=0, dataset="x")) != set(
        draw_subset(table, set(), subset="50_balanced", seed=0, dataset="x")
    )


def labelled(counts, order=None):
    """A manifest with a number of training images of each class."""
    classes = [name for name, count in counts.items() for _ in range(count)]
    names = [f"image{number}" for number in range(len(classes))]
    table = manifest(names)
    table["level:class"] = classes
    return table if order is None else table.sample(frac=1, random_state=order, ignore_index=True)


COUNTS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 30), min_size=1)


@given(counts=COUNTS, small=st.integers(1, 12), large=st.integers(1, 12), seed=st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_per_class_is_nested_and_balanced(counts, small, large, seed):
    small, large = sorted((small, large))
    table = labelled(counts)
    inner, outer = (
        draw_subset(table, set(), subset=f"{number}_per_class", seed=seed, dataset="x")
        for number in (small, large)
    )
    assert set(inner) <= set(outer)
    for number, rows in ((small, inner), (large, outer)):
        of_class = table["level:class"].iloc[rows].value_counts().to_dict()
        assert of_class == {name: min(number, count) for name, count in counts.items()}
        fewer = sum(count < number for count in counts.values())
        assert classes_with_fewer(table, rows, f"{number}_per_class") == fewer


@given(counts=COUNTS, number=st.integers(1, 12), order=st.integers(0, 50), draw=st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_per_class_does_not_depend_on_the_order_of_rows(counts, number, order, draw):
    base, shuffled = labelled(counts), labelled(counts, order=order)
    name = f"{number}_per_class" + (f"_draw{draw}" if draw else "")
    first, second = (
        set(table["id"].iloc[draw_subset(table, set(), subset=name, seed=0, dataset="x")])
        for table in (base, shuffled)
    )
    assert first == second


def test_draws_per_class_differ():
    table = labelled({"a": 50, "b": 50})
    drawn = {
        tuple(draw_subset(table, set(), subset=f"5_per_class{draw}", seed=seed, dataset="x"))
        for seed in (0, 1)
        for draw in ("", "_draw1", "_draw2")
    }
    assert len(drawn) == 6
