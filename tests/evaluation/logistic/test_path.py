"""Logistic regression against scikit-learn, its own optimality condition, and at its edges."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from threadpoolctl import threadpool_limits

from fourlenses.evaluation.features.rows import FeatureRows
from fourlenses.evaluation.logistic.memory_budget import plan_memory
from fourlenses.evaluation.logistic.path import ABSENT_BIAS, Regression
from fourlenses.evaluation.logistic.preconditioner import ClassCurvature
from fourlenses.evaluation.scores import score

L2 = [1e-4, 1e-3, 1e-2, 1e-1]


@pytest.fixture(autouse=True)
def _one_thread():
    """For scikit-learn, whose threads spin: that takes minutes on busy cores."""
    with threadpool_limits(1):
        yield


def blobs(count, width, classes, *, seed, spread=1.0):
    """Overlapping blobs with correlated, unevenly scaled features off the origin.

    Returns:
        Features (N, D) float32 and labels (N,) int64.
    """
    rng = np.random.default_rng(seed)
    basis = rng.standard_normal((width, width)) * np.arange(1, width + 1)[:, None] ** -0.7
    labels = rng.integers(0, classes, count)
    centres = rng.standard_normal((classes, width)) * spread
    features = (centres[labels] + rng.standard_normal((count, width))) @ basis + 3
    return torch.tensor(features, dtype=torch.float32), torch.tensor(labels)


def fit(x, y, classes, *, l2, tolerance=1e-4, max_iterations=500, initial=None):
    """A solution per l2, for features as they are."""
    as_they_are = (
        torch.zeros(x.shape[1], device=x.device),
        torch.ones(x.shape[1], device=x.device),
    )
    regression = Regression(
        FeatureRows(x, None, x.device), y, num_classes=classes, standardisation=as_they_are
    )
    solutions = dict(
        regression.path(l2, tolerance=tolerance, max_iterations=max_iterations, initial=initial)
    )
    return [solutions[index] for index in range(len(l2))]


def digits():
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return torch.tensor(x[order] / 16, dtype=torch.float32), torch.tensor(y[order])


@pytest.mark.parametrize(
    ("data", "classes", "train", "l2", "tolerance"),
    [
        (lambda: blobs(3000, 12, 2, seed=1, spread=0.3), 2, 1000, L2, 1e-4),
        (lambda: blobs(3000, 24, 10, seed=2, spread=0.5), 10, 1000, L2, 1e-4),
        (
            lambda: blobs(2200, 60, 5, seed=3, spread=0.3),
            5,
            45,
            L2[1:],
            1e-5,
        ),  # fewer images than features, and separable
        (digits, 10, 1200, L2, 1e-4),
    ],
    ids=["binary", "ten", "wide", "digits"],
)
def test_agrees_with_scikit_learn(data, classes, train, l2, tolerance):
    x, y = data()
    solutions = fit(x[:train], y[:train], classes, l2=l2, tolerance=tolerance)
    for p, strength in enumerate(l2):
        # scikit-learn fits a sigmoid to two classes: w = w1 - w0, and |w|^2 / 2 = |w0|^2 + |w1|^2
        # at the optimum w0 = -w1.
        factor = 0.5 if classes == 2 else 1.0
        # A second-order solver, because lbfgs at its default tolerance is itself 0.1 nats off in
        # the wide case.
        reference = LogisticRegression(
            C=1 / (train * strength * factor), solver="newton-cholesky", tol=1e-9, max_iter=200
        )
        reference.fit(x[:train].double().numpy(), y[:train].numpy())
        for part in (slice(0, train), slice(train, None)):
            probabilities = reference.predict_proba(x[part].double().numpy())
            ours = score(x[part], y[part], weights=solutions[p].weights, bias=solutions[p].bias)
            accuracy = 100 * (ours.predictions == y[part].numpy()).mean()
            expected = 100 * (probabilities.argmax(1) == y[part].numpy()).mean()
            # One image may fall either way on the boundary where one is more than 0.3 points.
            assert abs(accuracy - expected) <= max(0.3, 100.5 / len(y[part]))
            assert ours.log_loss == pytest.approx(
                log_loss(y[part].numpy(), probabilities, labels=range(classes)), abs=1e-3
            )


def exact_gradient_norm(x, y, *, weights, bias, l2):
    """The gradient norm at a solution, by automatic differentiation in float64.

    In the coordinates of centred features.
    """
    x = x.double() - x.double().mean(0)

    w, b = weights.double().requires_grad_(), bias.double().requires_grad_()
    loss = torch.nn.functional.cross_entropy(x @ w.T + b, y) + 0.5 * l2 * w.square().sum()
    return float(torch.cat([g.flatten() for g in torch.autograd.grad(loss, (w, b))]).norm())


@pytest.mark.parametrize("count", [40, 1500])
def test_reported_gradient_norm_is_the_true_one_and_below_tolerance(count):
    x, y = blobs(count, 50, 7, seed=4, spread=0.5)
    # centred, so that the returned bias is the bias of centred features
    x = (x - x.mean(0)) / x.std(0)
    solutions = fit(x, y, 7, l2=L2, tolerance=5e-5)
    assert all(solution.gradient_norm <= 5e-5 for solution in solutions)
    for p, l2 in enumerate(L2):
        truth = exact_gradient_norm(
            x, y, weights=solutions[p].weights, bias=solutions[p].bias, l2=l2
        )
        assert truth == pytest.approx(solutions[p].gradient_norm, abs=5e-6)


def test_l2_solved_together_or_alone_agree():
    x, y = blobs(800, 20, 6, seed=5)
    together = fit(x, y, 6, l2=L2, tolerance=1e-6)
    for l2, solution in zip(L2, together, strict=True):
        (alone,) = fit(x, y, 6, l2=[l2], tolerance=1e-6)
        bound = 2e-6 / l2 + 1e-4  # strong convexity, and float32
        assert float((solution.weights - alone.weights).norm()) <= bound
    again = fit(x, y, 6, l2=L2, tolerance=1e-6)
    assert all(
        torch.equal(one.weights, other.weights) for one, other in zip(together, again, strict=True)
    )


def test_the_path_saves_iterations():
    x, y = blobs(2000, 40, 10, seed=5, spread=0.5)
    along = fit(x, y, 10, l2=L2)
    apart = [fit(x, y, 10, l2=[l2])[0] for l2 in L2]
    assert sum(solution.iterations for solution in along) < 0.85 * sum(
        solution.iterations for solution in apart
    )


def test_every_way_of_solving_leads_to_the_same_optimum(monkeypatch):
    """Principal or given axes; features held, or read again; curvature with blocks or without."""
    x, y = blobs(800, 20, 6, seed=5)
    x = (x - x.mean(0)) / x.std(0) + 1
    turned = fit(x, y, 6, l2=[1e-3, 1e-1], tolerance=1e-5)
    plans = []
    for ways in (
        {"resident": False},
        {"rotated": False, "curvature_axes": 0},
        {"curvature_axes": 5},
        {"history": 3},
        {"resident": False, "sample": 90},
    ):

        def changed(count, ways=ways, **sizes):
            plans.append(dataclasses.replace(plan_memory(count, **sizes), **ways))
            return plans[-1]

        monkeypatch.setattr("fourlenses.evaluation.logistic.path.plan_memory", changed)
        other = fit(x, y, 6, l2=[1e-3, 1e-1], tolerance=1e-5)
        for one, two, l2 in zip(turned, other, [1e-3, 1e-1], strict=True):
            assert two.gradient_norm <= 1e-5
            assert not torch.equal(one.weights, two.weights)  # another path was taken
            assert float((one.weights - two.weights).norm()) <= 2e-5 / l2
            assert float((one.bias - two.bias).norm()) <= 0.05
    (warm,) = fit(x, y, 6, l2=[1e-3], tolerance=1e-5, initial=turned[0])
    assert warm.iterations <= 3


@pytest.mark.parametrize("resident", [True, False])
def test_a_feature_that_the_sample_does_not_show_is_used(monkeypatch, resident):
    """The axes come from a sample of rows in which it does not vary.

    It distinguishes two classes elsewhere.
    """
    x, y = blobs(801, 10, 3, seed=12, spread=0.3)
    monkeypatch.setattr("fourlenses.evaluation.logistic.design.AXES_ROWS", 89)  # every ninth row
    monkeypatch.setattr(
        "fourlenses.evaluation.logistic.path.plan_memory",
        lambda count, **sizes: dataclasses.replace(
            plan_memory(count, **sizes), resident=resident, sample=89
        ),
    )
    feature = torch.where(torch.arange(801) % 9 == 0, 0.0, (y == 1).float() - (y == 2).float())
    with_it = fit(torch.cat([x, feature[:, None]], 1), y, 3, l2=[1e-3], tolerance=1e-5)[0]
    assert with_it.gradient_norm <= 1e-5
    x = torch.cat([x, feature[:, None]], 1).double().numpy()
    reference = LogisticRegression(
        C=1 / (801 * 1e-3), solver="newton-cholesky", tol=1e-9, max_iter=200
    ).fit(x, y.numpy())
    np.testing.assert_allclose(
        with_it.weights.numpy(), reference.coef_ - reference.coef_.mean(0), atol=2e-2
    )
    assert abs(with_it.weights[1, -1]) > 1


@settings(max_examples=8, deadline=None)
@given(scale=st.floats(0.02, 50), seed=st.integers(0, 100))
def test_the_unit_of_the_features_does_not_matter(scale, seed):
    """Features times a factor under a penalty times its square: weights over the factor."""
    x, y = blobs(300, 8, 4, seed=seed)
    (one,) = fit(x, y, 4, l2=[1e-2], tolerance=1e-6)
    (other,) = fit(scale * x, y, 4, l2=[scale**2 * 1e-2], tolerance=1e-6 * min(1, scale))
    assert float((scale * other.weights - one.weights).norm()) <= 2e-3
    assert float((other.bias - one.bias).norm()) <= 2e-2


def test_the_strongest_penalties_need_no_blocks(monkeypatch):
    """And a search begins with the blocks of the last one, once there are any."""
    made = []

    class Noted(ClassCurvature):
        def __init__(self, *arguments, l2, axes=None, **keywords):
            made.append((l2, axes))
            super().__init__(*arguments, l2=l2, axes=axes, **keywords)

    monkeypatch.setattr("fourlenses.evaluation.logistic.path.ClassCurvature", Noted)
    x, y = blobs(2000, 40, 10, seed=5, spread=0.5)
    fit(x, y, 10, l2=[1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0])
    assert made[0] == (1.0, 0)
    without = [l2 for l2, axes in made if axes == 0]
    with_blocks = [l2 for l2, axes in made if axes is None]
    assert with_blocks
    assert min(without) >= max(with_blocks)
    assert len(with_blocks) < 6  # fewer than searches


def test_stops_at_max_iterations_and_says_so():
    x, y = blobs(500, 20, 6, seed=6)
    (solution,) = fit(x, y, 6, l2=[1e-5], max_iterations=3)
    assert solution.iterations == 3
    assert solution.gradient_norm > 1e-4


def test_gives_up_at_the_rounding_of_float32():
    x, y = blobs(45, 60, 5, seed=3, spread=0.3)
    for solution in fit(x, y, 5, l2=[1e-4, 1e-1], tolerance=1e-12, max_iterations=3000):
        assert solution.iterations < 3000
        assert 1e-12 < solution.gradient_norm < 1e-4


def test_warm_start_saves_iterations_and_keeps_the_answer():
    x, y = blobs(1000, 30, 8, seed=7)
    (first,) = fit(x[:900], y[:900], 8, l2=[1e-3])
    (warm,) = fit(x, y, 8, l2=[1e-3], tolerance=1e-6, initial=first)
    (cold,) = fit(x, y, 8, l2=[1e-3], tolerance=1e-6)
    assert warm.iterations < cold.iterations
    assert float((warm.weights - cold.weights).norm()) < 2e-3


def test_absent_classes_are_finite_and_never_predicted():
    x, y = blobs(600, 10, 6, seed=8)
    present = (y != 2) & (y != 5)
    solutions = fit(x[present], y[present], 6, l2=[1e-3, 1.0])
    for solution in solutions:
        assert (solution.bias[[2, 5]] == ABSENT_BIAS).all()
        assert (solution.weights[[2, 5]] == 0).all()
        # far outside the training data too
        result = score(1000 * x, y, weights=solution.weights, bias=solution.bias)
        assert not set(result.predictions.tolist()) & {2, 5}
        assert np.isfinite(score(x, y, weights=solution.weights, bias=solution.bias).log_loss)
    # The others are what they would be if the absent had never been named.
    dense = torch.searchsorted(torch.tensor([0, 1, 3, 4]), y[present])
    for four, six in zip(fit(x[present], dense, 4, l2=[1e-3, 1.0]), solutions, strict=True):
        assert torch.allclose(four.weights, six.weights[[0, 1, 3, 4]])
    # A warm start from a fit that missed a class recovers it.
    assert fit(x, y, 6, l2=[1e-3], initial=solutions[0])[0].gradient_norm <= 1e-4


def test_hard_scales_converge():
    """Separable data, constant and duplicated columns, a column of size 1e3."""
    x, y = blobs(300, 8, 3, seed=9, spread=6.0)
    x = torch.cat([x, x[:, :1], torch.full((300, 1), 0.1), 1e3 * x[:, 1:2]], 1)
    for solution in fit(x, y, 3, l2=[1e-4, 1e-1], tolerance=1e-3):
        assert solution.gradient_norm <= 1e-3
        assert torch.isfinite(solution.weights).all()
        assert (solution.weights[:, 9].abs() < 1e-6).all()  # a constant feature earns no weight


def test_one_class_and_one_image():
    (solution,) = fit(torch.ones(1, 4), torch.tensor([2]), 3, l2=[0.1])
    assert (
        score(
            torch.randn(5, 4), torch.full((5,), 2), weights=solution.weights, bias=solution.bias
        ).predictions.tolist()
        == [2] * 5
    )


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_gpu_agrees_with_cpu():
    x, y = blobs(2000, 64, 10, seed=11)
    host, device = (
        fit(x, y, 10, l2=L2, tolerance=1e-5),
        fit(x.cuda(), y.cuda(), 10, l2=L2, tolerance=1e-5),
    )
    for one, other in zip(host, device, strict=True):
        assert other.gradient_norm <= 1e-5
        a, b = (
            score(x, y, weights=one.weights, bias=one.bias),
            score(x.cuda(), y.cuda(), weights=other.weights, bias=other.bias),
        )
        assert a.log_loss == pytest.approx(b.log_loss, abs=1e-4)
