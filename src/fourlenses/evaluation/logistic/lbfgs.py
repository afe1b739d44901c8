"""Limited-memory BFGS for a smooth convex function whose curvature can be approximated at a point.

The inverse Hessian is the compact form (Byrd, Nocedal and Schnabel, Representations of
quasi-Newton matrices, 1994, https://doi.org/10.1007/BF01582063) of the two-loop recursion: a few
products with all pairs at once. Its starting matrix is the inverse of a preconditioner M that the
caller builds at a point, scaled by s.y / (y.M^-1 y). Points and gradients are float64: float32
would lose the difference of nearly equal gradients. That difference once taken, float32 holds it
well, so that the history and the search directions are float32 and take half the memory and time.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch

ARMIJO = 1e-4
MAX_BACKTRACKS = 25
# Iterations after which the preconditioner is built again, and the one of a similar function.
REFRESH, REFRESH_SIMILAR = 20, 10
# Iterations without a tenth off the smallest gradient norm: it has met rounding.
MAX_STALLED = 100
# The float32 data part of an objective is trusted to this relative accuracy: below it a decrease
# cannot be distinguished from rounding.
VALUE_NOISE = 2e-7

# point (K,) float64 -> value, gradient (K,) float64.
Objective = Callable[[torch.Tensor], tuple[float, torch.Tensor]]
# vector (K,) float32 -> M^-1 vector (K,) float32.
Preconditioner = Callable[[torch.Tensor], torch.Tensor]


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


class Memory:
    """What a search knows of the Hessian: the last steps s and changes of the gradient y, and M^-1.

    A new pair takes the row of the oldest one.
    """

    def __init__(self, size: int, parameters: int, device: torch.device) -> None:
        """size: pairs to remember. parameters: K."""
        self.steps = torch.zeros(size, parameters, device=device)
        self.changes = torch.zeros_like(self.steps)
        # The inverse of the matrix of s_i . y_j where i is not newer than j, and its diagonal.
        self.inverse = torch.zeros(size, size, dtype=torch.float64, device=device)
        self.curves = torch.zeros(size, dtype=torch.float64, device=device)
        self.pairs = 0  # ever added
        self.precondition: Preconditioner | None = None

    def forget(self) -> None:
        """Drop all pairs."""
        self.inverse.zero_()
        self.pairs = 0

    def add(self, step: torch.Tensor, change: torch.Tensor) -> None:
        """Remember a pair, float64 (K,), unless rounding hides its curvature."""
        curve = float(step @ change)
        if not curve > 1e-12 * length(step) * length(change):
            return
        row = self.pairs % len(self.steps)
        self.steps[row], self.changes[row] = step, change
        # Without the oldest row and column it stays the inverse: it is triangular in time.
        self.inverse[row] = 0
        self.inverse[:, row] = 0
        column = self.inverse @ (self.steps @ self.changes[row]).double()
        column[row] = -1
        self.inverse[:, row] = column / -curve
        self.curves[row] = curve
        self.pairs += 1

    def direction(self, gradient: torch.Tensor) -> torch.Tensor:
        """Return -H g, float32 (K,), for g float64 (K,)."""
        assert self.precondition is not None
        q = gradient.float()
        if self.pairs == 0:
            return self.precondition(q).neg_()
        a = self.inverse @ (self.steps @ q).double()
        q.addmv_(self.changes.T, a.float(), alpha=-1)
        out = self.precondition(q)
        newest = (self.pairs - 1) % len(self.steps)
        y = self.changes[newest]
        out *= self.curves[newest] / torch.dot(y, self.precondition(y))
        b = self.inverse.T @ (self.curves * a - self.changes @ out)
        return out.addmv_(self.steps.T, b.float()).neg_()


def length(vector: torch.Tensor) -> float:
    """Return the Euclidean norm of a vector."""
    return float(vector @ vector) ** 0.5


def minimise(
    objective: Objective,
    start: torch.Tensor,
    curvature: Callable[[torch.Tensor], Preconditioner],
    *,
    memory: Memory,
    tolerance: float,
    max_iterations: int,
) -> Minimum:
    """Search until the Euclidean norm of the gradient is at most ``tolerance``.

    A search whose steps fail even along M^-1 times the gradient, or whose gradient norm has not
    fallen for `MAX_STALLED` iterations, has met the rounding of the objective: it stops, and
    its gradient norm shows it.

    Args:
        objective: to minimise.
        start: float64 (K,).
        curvature: point -> M^-1 there.
        memory: its pairs are dropped, as they may be of another function. Its M^-1, where it has
            one of a similar function, is used for `REFRESH_SIMILAR` iterations: many searches
            end before.
        tolerance: of the gradient norm.
        max_iterations: of the search.
    """
    x = start.to(torch.float64)
    value, gradient = objective(x)
    norm = length(gradient)
    best, stalled, iteration = norm, 0, 0
    memory.forget()
    refresh = 0 if memory.precondition is None else REFRESH_SIMILAR
    while norm > tolerance and stalled <= MAX_STALLED and iteration < max_iterations:
        fresh = iteration >= refresh
        if fresh:
            memory.precondition, refresh = curvature(x), iteration + REFRESH
        step = _step(
            objective, x, value=value, gradient=gradient, direction=memory.direction(gradient)
        )
        if step is None:
            if fresh and not memory.pairs:
                break
            memory.forget()  # once more, along the gradient preconditioned here
            refresh = iteration
            continue
        point, value, new_gradient = step
        memory.add(point - x, new_gradient - gradient)
        x, gradient, norm = point, new_gradient, length(new_gradient)
        best, stalled = (norm, 0) if norm < 0.9 * best else (best, stalled + 1)
        iteration += 1
    return Minimum(x, norm, iteration)


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
