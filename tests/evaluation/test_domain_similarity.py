"""Distances between domains: against closed forms, scikit-learn, and sets that are the same."""

import numpy as np
import pytest
from scipy.linalg import sqrtm
from sklearn.covariance import ledoit_wolf

from fourlenses.evaluation.domain_similarity import (
    classifier_error,
    distances,
    frechet,
    shrunk_covariance,
)


@pytest.fixture
def features():
    generator = np.random.default_rng(3)
    return {
        name: generator.normal(shift, 1.0, (300, 6))
        for name, shift in (("b", 0.0), ("a", 2.0), ("c", 0.5))
    }


def of(rows, source, target):
    return next(row for row in rows if (row["source"], row["target"]) == (source, target))


def test_frechet_is_that_of_one_dimensional_gaussians_where_features_are_independent():
    one, other = np.array([1.0, 2.0, 0.5]), np.array([3.0, 2.0, 1.5])  # standard deviations
    expected = 4.0 + 9.0 + ((one - other) ** 2).sum()  # shifted by 2 and by 3
    distance = frechet(
        (np.zeros(3), np.diag(one**2)), (np.array([2.0, 0.0, 3.0]), np.diag(other**2))
    )
    assert distance == pytest.approx(expected)


def test_frechet_takes_the_root_of_the_product_where_covariances_do_not_commute():
    generator = np.random.default_rng(1)
    a, b = (part @ part.T + np.eye(4) for part in generator.normal(size=(2, 4, 4)))
    expected = np.trace(a + b - 2 * sqrtm(a @ b).real)
    assert frechet((np.zeros(4), a), (np.zeros(4), b)) == pytest.approx(expected)
    assert frechet((np.zeros(4), b), (np.zeros(4), a)) == pytest.approx(expected)


@pytest.mark.parametrize("count", [8, 50, 2000])
def test_covariances_are_shrunk_as_scikit_learn_does(count):
    x = np.random.default_rng(count).normal(size=(count, 12)) * np.linspace(0.5, 3, 12)
    assert shrunk_covariance(x) == pytest.approx(ledoit_wolf(x)[0])


def test_measured_distance_of_gaussians_is_the_closed_form():
    generator = np.random.default_rng(0)
    rows = distances(
        {"a": generator.normal(0, 1, (20000, 2)), "b": generator.normal((3, 0), (1, 2), (20000, 2))}
    )
    # standardised over both: variances 1 + 9/4 and (1 + 4) / 2
    expected = 9 / (1 + 9 / 4) + (1 - 2) ** 2 / 2.5
    assert of(rows, "a", "b")["frechet"] == pytest.approx(expected, rel=0.03)


def test_identical_sets_are_at_no_distance():
    same = np.random.default_rng(0).normal(size=(100, 5))
    rows = distances({"a": same, "b": same.copy()})
    assert [row["frechet"] for row in rows] == pytest.approx([0, 0], abs=1e-9)
    assert [(row["classifier_error"], row["proxy_a_distance"]) for row in rows] == [(0.5, 0.0)] * 2


def test_draws_from_one_domain_are_hardly_distinguished_and_far_domains_without_error():
    one, other = np.random.default_rng(0).normal(size=(2, 1000, 20))
    assert classifier_error(one, other) > 0.45
    assert classifier_error(one, other + 5) == 0.0


def test_distances_are_symmetric_and_do_not_depend_on_order(features):
    rows = distances(features)
    assert len(rows) == 6
    for one, other in (("a", "b"), ("a", "c"), ("b", "c")):
        there, back = of(rows, one, other), of(rows, other, one)
        assert {**there, "source": 0, "target": 0} == {**back, "source": 0, "target": 0}
    again = distances({name: features[name] for name in "cab"})
    assert {(row["source"], row["target"]): row for row in again} == {
        (row["source"], row["target"]): row for row in rows
    }
    assert (
        of(rows, "a", "b")["frechet"]
        > of(rows, "a", "c")["frechet"]
        > of(rows, "b", "c")["frechet"]
    )


def test_a_feature_that_never_changes_is_no_distance(features):
    widened = {
        name: np.column_stack([part, np.full(len(part), 7.0)]) for name, part in features.items()
    }
    assert np.isfinite([row["frechet"] for row in distances(widened)]).all()
