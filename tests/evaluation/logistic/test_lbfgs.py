"""L-BFGS against the two-loop recursion as a plain loop, and scipy's minimum."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, rosen, rosen_der

from fourlenses.evaluation.logistic.lbfgs import Memory, minimise

CPU = torch.device("cpu")


def identity(vector):
    """A preconditioner that knows nothing."""
    return vector.clone()


def two_loop(gradient, pairs, inverse_diagonal):
    """-H g by Nocedal and Wright, algorithm 7.4, in float64.

    Pairs (s, y), the oldest first.
    """
    q, coefficients = gradient.copy(), []
    for s, y in reversed(pairs):
        coefficients.append((s @ q) / (s @ y))
        q = q - coefficients[-1] * y
    s, y = pairs[-1]
    r = inverse_diagonal * q * (s @ y) / (y @ (inverse_diagonal * y))
    for (s, y), a in zip(pairs, reversed(coefficients), strict=True):
        r = r + s * (a - (y @ r) / (s @ y))
    return -r


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=st.integers(1, 6), added=st.integers(1, 15))
def test_directions_are_those_of_the_two_loop_recursion(seed, size, added):
    """Also where new pairs have taken the rows of old ones."""
    rng = np.random.default_rng(seed)
    curvature = rng.uniform(0.1, 10, 12)  # of a quadratic function
    inverse_diagonal = rng.uniform(0.5, 2, 12)
    memory = Memory(size, 12, CPU)
    memory.precondition = lambda v: v * torch.tensor(inverse_diagonal, dtype=torch.float32)
    pairs = []
    for _ in range(added):
        step = rng.standard_normal(12)
        pairs.append((step, curvature * step))
        memory.add(*map(torch.tensor, pairs[-1]))
    gradient = rng.standard_normal(12)
    expected = two_loop(gradient, pairs[-size:], inverse_diagonal)
    direction = memory.direction(torch.tensor(gradient)).double().numpy()
    assert np.linalg.norm(direction - expected) <= 1e-3 * np.linalg.norm(expected)


def test_a_pair_without_curvature_is_left_out():
    memory = Memory(3, 2, CPU)
    memory.add(torch.tensor([1.0, 0.0]).double(), torch.tensor([-1.0, 0.0]).double())
    memory.add(torch.tensor([1.0, 0.0]).double(), torch.tensor([0.0, 1.0]).double())
    assert memory.pairs == 0


def rosenbrock(x):
    return float(rosen(x.numpy())), torch.tensor(rosen_der(x.numpy()))


def test_finds_the_minimum_that_scipy_finds():
    start = np.array([-1.2, 1.0, 0.5, 2.0])
    expected = minimize(rosen, start, jac=rosen_der, method="BFGS", options={"gtol": 1e-8}).x
    minimum = minimise(
        rosenbrock,
        torch.tensor(start),
        lambda point: identity,
        memory=Memory(5, 4, CPU),
        tolerance=1e-4,
        max_iterations=500,
    )
    assert minimum.gradient_norm <= 1e-4
    np.testing.assert_allclose(minimum.point.numpy(), expected, atol=1e-3)


@pytest.mark.parametrize("factor", [-1.0, 1e-3, 1e3])
def test_a_bad_preconditioner_of_another_function_does_not_stop_a_search(factor):
    """One along which the function rises, and two that are far too short or long."""
    curvature = torch.linspace(0.1, 10, 8, dtype=torch.float64)

    def quadratic(x):
        return float(0.5 * (curvature * x) @ x), curvature * x

    memory = Memory(3, 8, CPU)
    memory.precondition = lambda vector: factor * vector
    minimum = minimise(
        quadratic,
        torch.ones(8, dtype=torch.float64),
        lambda point: identity,
        memory=memory,
        tolerance=1e-6,
        max_iterations=200,
    )
    assert minimum.gradient_norm <= 1e-6
    assert float(minimum.point.abs().max()) <= 1e-5
