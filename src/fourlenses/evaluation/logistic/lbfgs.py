"""Limited-memory BFGS for a smooth convex function whose curvature can be approximated at a point.

The inverse Hessian is applied by the two-loop recursion (Nocedal and Wright, Numerical
Optimization, 2nd ed., algorithm 7.4, https://doi.org/10.1007/978-0-387-40065-5). Its starting
matrix is the inverse of a preconditioner M that the caller builds at a point, scaled by
s.y / (y.M^-1 y); it is built again every `REFRESH` iterations. Points and gradients are float64:
float32 would lose the difference of nearly equal gradients. That difference once taken, float32
holds it well, so that the history and the search directions are float32 and take half the memory
and time.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import torch

ARMIJO = 1e-4
MAX_BACKTRACKS = 25
REFRESH = 20
# Iterations without a tenth off the smallest gradient norm: it has met rounding.
MAX_STALLED = 100
# The float32 data part of an objective is trusted to this relative accuracy: below it a decrease
# cannot be distinguished from rounding.
VALUE_NOISE = 2e-7

# point (K,) float64 -> value, gradient (K,) float64.
Objective = Callable[[torch.Tensor], tuple[float, torch.Tensor]]
# vector (K,) float32 -> M^-1 vector (K,) float32.
Preconditioner = Callable[[torch.Tensor], torch.Tensor]
# s, y, 1 / s.y, the oldest first.
Pairs = deque[tuple[torch.Tensor, torch.Tensor, float]]


@dataclass
class Minimum:
    """The end of a search.

    Attributes:
        point: float64 (K,).
        gradient_norm: Euclidean.
        iterations: taken.
    """

    point: torch.Tensor
    gradient_norm: float
    iterations: int


def minimise(
    objective: Objective,
    start: torch.Tensor,
    curvature: Callable[[torch.Tensor], Preconditioner],
    *,
    tolerance: float,
    max_iterations: int,
    history: int = 10,
) -> Minimum:
    """Search until the Euclidean norm of the gradient is at most ``tolerance``.

    A search whose steps fail even along M^-1 times the gradient, or whose gradient norm has not
    fallen for `MAX_STALLED` iterations, has met the rounding of the objective: it stops, and
    its gradient norm shows it.

    Args:
        objective: to minimise.
        start: float64 (K,).
        curvature: point -> M^-1 there.
        tolerance: of the gradient norm.
        max_iterations: of the search.
        history: pairs of vectors to remember.
    """
    x = start.to(torch.float64)
    value, gradient = objective(x)
    norm = float(gradient.norm())
    best, stalled, age, iteration = norm, 0, 0, 0
    pairs: Pairs = deque(maxlen=history)
    precondition = None
    while norm > tolerance and stalled <= MAX_STALLED and iteration < max_iterations:
        if precondition is None or age == REFRESH:
            precondition, age = curvature(x), 0
        direction = _direction(gradient.float(), precondition, pairs)
        step = _step(objective, x, value=value, gradient=gradient, direction=direction)
        if step is None:
            if not pairs:
                break
            pairs.clear()  # once more, along the preconditioned gradient
            continue
        point, value, new_gradient = step
        s, y = point - x, new_gradient - gradient
        curve = float(s @ y)
        if curve > 1e-12 * float(s.norm()) * float(y.norm()):
            pairs.append((s.float(), y.float(), 1 / curve))
        x, gradient, norm = point, new_gradient, float(new_gradient.norm())
        best, stalled = (norm, 0) if norm < 0.9 * best else (best, stalled + 1)
        age, iteration = age + 1, iteration + 1
    return Minimum(x, norm, iteration)


def _direction(gradient: torch.Tensor, precondition: Preconditioner, pairs: Pairs) -> torch.Tensor:
    """-H g by the two-loop recursion: (K,) float32."""
    q = gradient.clone()
    coefficients = []
    for s, y, rho in reversed(pairs):
        a = rho * torch.dot(s, q)
        q.addcmul_(a, y, value=-1)
        coefficients.append(a)
    q = precondition(q)
    if pairs:
        s, y, rho = pairs[-1]
        q /= rho * torch.dot(y, precondition(y))
    for (s, y, rho), a in zip(pairs, reversed(coefficients), strict=True):
        q.addcmul_(a - rho * torch.dot(y, q), s)
    return q.neg_()


def _step(
    objective: Objective,
    x: torch.Tensor,
    *,
    value: float,
    gradient: torch.Tensor,
    direction: torch.Tensor,
) -> tuple[torch.Tensor, float, torch.Tensor] | None:
    """Backtracking Armijo search from x along a direction.

    Returns:
        The new point, its value and gradient, or None where no step is good enough.
    """
    direction = direction.double()
    slope = float(gradient @ direction)
    if not slope < 0:  # only by rounding: every pair has s.y > 0
        return None
    allowed = value + VALUE_NOISE * abs(value)
    step = 1.0
    for _ in range(MAX_BACKTRACKS):
        point = torch.add(x, direction, alpha=step)
        new_value, new_gradient = objective(point)
        # a value that is not finite compares false, and the search continues
        if new_value <= allowed + ARMIJO * step * slope:
            return point, new_value, new_gradient
        # The minimiser of the parabola through value, slope and trial value, within [0.1, 0.5]
        # of the step.
        excess = new_value - value - step * slope
        ratio = -slope * step / (2 * excess) if 0 < excess < float("inf") else 0.1
        step *= min(max(ratio, 0.1), 0.5)
    return None
