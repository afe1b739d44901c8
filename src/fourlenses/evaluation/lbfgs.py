"""Limited-memory BFGS for many independent smooth convex problems at once.

Every problem has its own history, step length and stopping time, yet all of them share each evaluation of the objective, so that an
objective built on one matrix product (see ``softmax_objective.py``) pays for it once. The inverse Hessian is applied by the two-loop
recursion (Nocedal and Wright, Numerical Optimization, 2nd ed., algorithm 7.4), its starting matrix a diagonal the objective supplies
at the current point, scaled by s.y / (y.M^-1 y). The state is float64: it is small next to the data, and the inner products of nearly
equal gradients are where float32 would lose the curvature.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import torch

ARMIJO = 1e-4
MAX_BACKTRACKS = 25
PATIENCE = 100  # iterations without a tenth off the smallest gradient norm: it has met rounding
# The float32 data part of an objective is trusted to this relative accuracy: below it a decrease cannot be told from rounding.
VALUE_NOISE = 2e-7

# points (A, K) float64, which problems (A,) int64 -> values (A,), gradients (A, K), positive curvature diagonals (A, K), all float64.
Objective = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor, torch.Tensor]]


@dataclass
class Minimum:
    """Where each of P problems stopped: point (P, K) and gradient_norm (P,) float64 (Euclidean), iterations (P,) int64."""

    point: torch.Tensor
    gradient_norm: torch.Tensor
    iterations: torch.Tensor


def _dot(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Inner product per problem: (A, K), (A, K) -> (A,)."""
    return torch.einsum("pk,pk->p", a, b)


def _direction(gradient: torch.Tensor, curvature: torch.Tensor, pairs: deque) -> torch.Tensor:
    """-H g by the two-loop recursion: (A, K). A pair whose rho is 0 for a problem leaves that problem untouched."""
    q = gradient.clone()
    scale = torch.ones_like(gradient[:, 0])
    coefficients = []
    for s, y, rho in reversed(pairs):
        a = rho * _dot(s, q)
        q.addcmul_(a[:, None], y, value=-1)
        coefficients.append(a)
    if pairs:
        s, y, rho = pairs[-1]
        scale = torch.where(rho > 0, _dot(s, y) / _dot(y, y / curvature).clamp_min(1e-300), scale)
    q = q / curvature * scale[:, None]
    for (s, y, rho), a in zip(pairs, reversed(coefficients), strict=True):
        q.addcmul_((a - rho * _dot(y, q))[:, None], s)
    return q.neg_()


def _line_search(objective: Objective, which: torch.Tensor, x: torch.Tensor, state: tuple, direction: torch.Tensor) -> tuple:
    """Backtracking Armijo search per problem; only the problems still searching are evaluated again.

    Returns the new point, the new state (value, gradient, curvature) and found (A,) bool. Problems not found keep what they had.
    """
    value, gradient, _ = state
    slope = _dot(gradient, direction)
    allowed = value + VALUE_NOISE * value.abs()
    step = torch.ones_like(value)
    pending = torch.arange(len(which), device=x.device)
    found = torch.zeros(len(which), dtype=torch.bool, device=x.device)
    point, state = x, state
    for _ in range(MAX_BACKTRACKS):
        trial = x[pending] + step[pending, None] * direction[pending]
        new = objective(trial, which[pending])
        # A non-finite value compares false, and is searched further.
        accepted = new[0] <= allowed[pending] + ARMIJO * step[pending] * slope[pending]
        if bool(accepted.all()) and len(pending) == len(which):
            return trial, new, torch.ones_like(found)
        rows = pending[accepted]
        found[rows] = True
        point = point.index_copy(0, rows, trial[accepted])
        state = tuple(old.index_copy(0, rows, part[accepted]) for old, part in zip(state, new, strict=True))
        pending, excess = pending[~accepted], (new[0] - value[pending] - step[pending] * slope[pending])[~accepted]
        if len(pending) == 0:
            break
        # The minimiser of the parabola through value, slope and trial value, kept within [0.1, 0.5] of the step.
        ratio = -slope[pending] * step[pending] / (2 * excess)
        step[pending] = step[pending] * torch.nan_to_num(ratio, nan=0.1, posinf=0.1, neginf=0.1).clamp(0.1, 0.5)
    return point, state, found


def minimise(objective: Objective, start: torch.Tensor, tolerance: float, max_iterations: int, memory: int = 10) -> Minimum:
    """Minimise P problems from start (P, K) until the Euclidean norm of each gradient is at most ``tolerance``.

    A problem that has converged is frozen and takes no part in later evaluations. One whose line search fails even along the scaled
    negative gradient, or whose gradient norm has not fallen for ``PATIENCE`` iterations, has met the rounding of its own objective: it is
    frozen too, and its gradient norm tells.
    """
    x = start.to(torch.float64)
    which = torch.arange(len(x), device=x.device)
    state = objective(x, which)
    out = Minimum(x.clone(), torch.zeros_like(x[:, 0]), torch.zeros_like(which))
    stalled = torch.zeros_like(which, dtype=torch.bool)
    best, since = state[1].norm(dim=1), torch.zeros_like(which)  # the smallest norm yet, and the iterations since it was met
    pairs: deque = deque(maxlen=memory)
    for iteration in range(max_iterations + 1):
        norm = state[1].norm(dim=1)
        since = torch.where(norm < 0.9 * best, torch.zeros_like(since), since + 1)
        best = torch.where(since == 0, norm, best)
        stop = (norm <= tolerance) | stalled | (since > PATIENCE) | (iteration == max_iterations)
        if bool(stop.any()):
            rows = which[stop]
            out.point[rows], out.gradient_norm[rows], out.iterations[rows] = x[stop], norm[stop], iteration
            keep = ~stop
            x, which, state = x[keep], which[keep], tuple(part[keep] for part in state)
            stalled, best, since = stalled[keep], best[keep], since[keep]
            pairs = deque((tuple(part[keep] for part in pair) for pair in pairs), maxlen=memory)
            if len(which) == 0:
                break
        direction = _direction(state[1], state[2], pairs)
        uphill = _dot(direction, state[1]) >= 0
        if bool(uphill.any()):  # only by rounding: every kept pair has s.y > 0
            pairs = _forget(pairs, uphill)
            direction = _direction(state[1], state[2], pairs)
        point, new, found = _line_search(objective, which, x, state, direction)
        plain = torch.stack([rho for _, _, rho in pairs]).eq(0).all(0) if pairs else torch.ones_like(found)
        stalled = ~found & plain
        pairs = _forget(pairs, ~found)
        s, y = point - x, new[1] - state[1]
        curve = _dot(s, y)
        usable = found & (curve > 1e-12 * _dot(y, y).sqrt() * _dot(s, s).sqrt())
        pairs.append((s, y, torch.where(usable, 1 / curve, torch.zeros_like(curve))))
        x, state = point, new
    return out


def _forget(pairs: deque, rows: torch.Tensor) -> deque:
    """The pairs with the history of the problems in rows (A,) bool switched off."""
    return deque(((s, y, rho.masked_fill(rows, 0.0)) for s, y, rho in pairs), maxlen=pairs.maxlen)
