"""Multinomial logistic regression for a whole grid of L2 strengths at once.

Problem p minimises  mean cross-entropy + strength_p / 2 ||W_p||^2  (the bias is not penalised; scikit-learn's C is 1 / (N strength)).

Two exact changes of variables make it fast. Features are centred, which the free bias absorbs, and rotated to their principal axes,
which leaves ||W|| as it is; there the Hessian at W = 0 is diagonal in the features, hence a diagonal preconditioner is a good one.
Axes along which the training features do not vary are left out, as the penalty sets their weights to zero: with fewer images than
features the problem shrinks to the number of images.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from fourlenses.evaluation.lbfgs import minimise
from fourlenses.evaluation.softmax_objective import SoftmaxObjective, centred_classes

ABSENT_BIAS = -1e4
# Relative to the largest: axes whose standard deviation is below 1e-6 of the largest hold only the rounding of float32 features.
MIN_EIGENVALUE = 1e-12
# An eigendecomposition beyond this size costs more (seconds on a core at 2048) than the iterations it saves.
MAX_ROTATED = 768


@dataclass
class Fit:
    """P solutions for C classes and D features: weights (P, C, D), bias (P, C) float32; gradient_norm (P,) float64; iterations (P,).

    gradient_norm is Euclidean, over weights and bias, in the centred coordinates; the problem converged if it is at most ``tolerance``.
    By strong convexity a weight matrix is then within gradient_norm / strength of the optimum.
    """

    weights: torch.Tensor
    bias: torch.Tensor
    gradient_norm: torch.Tensor
    iterations: torch.Tensor


def require_finite(name: str, features: torch.Tensor) -> None:
    """ValueError naming the array and how many of its rows hold a NaN or an infinity; features (N, D)."""
    bad = int((~torch.isfinite(features)).any(1).sum())
    if bad:
        raise ValueError(f"{name}: {bad} of {len(features)} rows hold NaN or infinite values")


def _principal_axes(centred: torch.Tensor) -> torch.Tensor | None:
    """Orthonormal axes (D, R) float64 of centred features (N, D) float64, those of negligible variance left out.

    None, for the given axes, where both N and D exceed ``MAX_ROTATED``: that changes the path to the optimum, not the optimum.
    """
    count, width = centred.shape
    if min(count, width) > MAX_ROTATED:
        return None
    if count < width:  # the axes from the smaller of the two Gram matrices
        values, vectors = torch.linalg.eigh(centred @ centred.T)
        keep = values > MIN_EIGENVALUE * values[-1].clamp_min(1e-300)
        return centred.T @ (vectors[:, keep] / values[keep].sqrt())
    values, vectors = torch.linalg.eigh(centred.T @ centred)
    return vectors[:, values > MIN_EIGENVALUE * values[-1].clamp_min(1e-300)]


def fit(
    features: torch.Tensor,
    labels: torch.Tensor,
    num_classes: int,
    strengths: Sequence[float],
    tolerance: float = 1e-4,
    max_iterations: int = 500,
    initial: tuple[torch.Tensor, torch.Tensor] | None = None,
) -> Fit:
    """Fit features (N, D) float32 with labels (N,) int64 in [0, C) for each of P strengths (> 0), on the device of the features.

    initial: weights (P, C, D) and bias (P, C) to start from; it changes the time taken, and the result only within ``tolerance``.

    tolerance: on the Euclidean norm of the gradient (scikit-learn's is on the largest entry). Separable data under a weak penalty want
    1e-5 for predictions that no longer change; far below that lies the rounding of float32.

    A class without a training label would have its optimum at a bias of minus infinity. Its weights are set to 0 and its bias to
    ``ABSENT_BIAS``. Weights and biases of the other classes sum to zero over classes, so that
    their largest logit is never negative, and an absent class is never predicted whatever the features.

    On a GPU, float32 products must be full float32 (torch's default), not TF32: its rounding is above ``tolerance``.
    """
    if features.ndim != 2 or labels.shape != features.shape[:1] or len(features) == 0:
        raise ValueError(f"features (N, D) and labels (N,) with N > 0 expected, not {tuple(features.shape)} and {tuple(labels.shape)}")
    require_finite("features", features)
    if int(labels.min()) < 0 or int(labels.max()) >= num_classes:
        raise ValueError(f"labels must lie in [0, {num_classes}), found {int(labels.min())} to {int(labels.max())}")
    if len(strengths) == 0 or not all(0 < s < float("inf") for s in strengths):
        raise ValueError(f"strengths must be positive and finite (the optimum is unbounded otherwise), not {list(strengths)}")
    present, compact = torch.unique(labels, return_inverse=True)  # (K,), (N,)
    problems, width = len(strengths), features.shape[1]
    wide = features.double()
    mean = wide.mean(0)  # (D,)
    centred = wide - mean
    axes = _principal_axes(centred)  # (D, R), or None for the given axes
    rotated = (centred if axes is None else centred @ axes).float()  # (N, R)
    strength = torch.tensor([float(s) for s in strengths], dtype=torch.float64, device=features.device)
    objective = SoftmaxObjective(rotated, compact, len(present), strength)

    start = torch.zeros(problems, len(present), rotated.shape[1] + 1, dtype=torch.float64, device=features.device)
    logs = objective.frequency.log()
    start[..., -1] = logs - logs.mean()  # the optimum of an infinitely strong penalty
    if initial is not None:
        weights, bias = (part.to(features.device, torch.float64)[:, present] for part in initial)
        seen = (bias > ABSENT_BIAS / 2)[..., None]  # (P, K, 1); a class the earlier fit did not see starts afresh
        given = torch.cat([weights if axes is None else weights @ axes, (bias + weights @ mean)[..., None]], 2)
        start = torch.where(seen, given, start)
    found = minimise(objective, start.reshape(problems, -1), tolerance, max_iterations)

    theta = centred_classes(found.point.view(start.shape))  # (P, K, R+1)
    weights = torch.zeros(problems, num_classes, width, dtype=torch.float32, device=features.device)
    bias = torch.full((problems, num_classes), ABSENT_BIAS, dtype=torch.float32, device=features.device)
    rotated_back = theta[..., :-1] if axes is None else theta[..., :-1] @ axes.T  # (P, K, D)
    weights[:, present] = rotated_back.float()
    bias[:, present] = (theta[..., -1] - rotated_back @ mean).float()
    return Fit(weights, bias, found.gradient_norm, found.iterations)
