"""Multinomial logistic regression along a path of L2 strengths.

Problem p minimises  mean cross-entropy + strength_p / 2 ||W_p||^2  (the bias is not penalised; scikit-learn's C is 1 / (N strength)).

The strengths are solved one after another, the strongest first: an optimum is a good start for the next one, and the curvature there
(``class_curvature.py``) a good preconditioner. From the third on the start is the straight line through the last two optima over the
logarithm of the strength. Every problem is solved to the same tolerance wherever it started.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log

import torch

from fourlenses.evaluation.features.rows import FeatureRows
from fourlenses.evaluation.logistic.design import Design
from fourlenses.evaluation.logistic.lbfgs import minimise
from fourlenses.evaluation.logistic.memory_budget import Plan, default_budget, plan
from fourlenses.evaluation.logistic.objective import SoftmaxObjective, centred_classes
from fourlenses.evaluation.logistic.preconditioner import ClassCurvature

ABSENT_BIAS = -1e4
MAX_EXTRAPOLATION = 2.0


@dataclass
class Solution:
    """A classifier W x + b of standardised features x: weights (C, D), bias (C,) float32.

    gradient_norm is Euclidean, over weights and bias, in the centred coordinates; the problem converged if it is at most the tolerance.
    By strong convexity the weight matrix is then within gradient_norm / strength of the optimum.
    """

    weights: torch.Tensor
    bias: torch.Tensor
    gradient_norm: float
    iterations: int


class Regression:
    """One set of labelled rows, for any number of strengths."""

    def __init__(
        self,
        rows: FeatureRows,
        labels: torch.Tensor,
        num_classes: int,
        standardisation: tuple[torch.Tensor, torch.Tensor],
        memory: int | None = None,
    ):
        """labels (N,) int64 in [0, C); standardisation: shift and scale (D,) float32 of the features a classifier is for.

        memory: bytes that features, solver and curvature may take together, ``default_budget`` without it.
        """
        self.labels = labels.to(rows.device)
        self.present, self.compact = torch.unique(self.labels, return_inverse=True)  # (K,), (N,)
        self.num_classes, (self.shift, scale) = num_classes, standardisation
        self.plan: Plan = plan(
            rows.count, rows.width, len(self.present), memory or default_budget(rows.device)
        )
        self.design = Design(rows, scale, self.plan)

    def path(
        self,
        strengths: Sequence[float],
        tolerance: float,
        max_iterations: int,
        initial: Solution | None = None,
    ) -> Iterator[tuple[int, Solution]]:
        """(place in strengths, solution), the strongest first; initial: what the first search starts from.

        tolerance: on the Euclidean norm of the gradient (scikit-learn's is on the largest entry). Separable data under a weak penalty want
        1e-5 for predictions that no longer change; far below that lies the rounding of float32. On a GPU, float32 products must be full
        float32 (torch's default), not TF32: its rounding is above ``tolerance``.

        A class without a training label would have its optimum at a bias of minus infinity. Its weights are set to 0 and its bias to
        ``ABSENT_BIAS``. Weights and biases of the other classes sum to zero over classes, so that their largest logit is never negative,
        and an absent class is never predicted whatever the features.
        """
        earlier: list[tuple[float, torch.Tensor]] = []  # the logarithm of a strength, its optimum
        start = self._start(initial)
        classes = len(self.present)
        for place in sorted(range(len(strengths)), key=lambda p: -strengths[p]):
            strength = float(strengths[place])
            found = minimise(
                SoftmaxObjective(self.design, self.compact, classes, strength),
                _extrapolated(earlier, log(strength)) if earlier else start,
                lambda point, strength=strength: ClassCurvature(
                    self.design, point, classes, strength
                ),
                tolerance,
                max_iterations,
                self.plan.history,
            )
            earlier = [*earlier[-1:], (log(strength), found.point)]
            yield place, self._solution(found)

    def _start(self, initial: Solution | None) -> torch.Tensor:
        """(K (R+1),) float64: the optimum of an infinitely strong penalty, or a given solution for the classes it saw."""
        start = torch.zeros(
            len(self.present), self.design.rank + 1, dtype=torch.float64, device=self.design.device
        )
        logs = torch.bincount(self.compact).double().log()
        start[:, -1] = logs - logs.mean()
        if initial is not None:
            weights, bias = (
                part.to(start.device)[self.present] for part in (initial.weights, initial.bias)
            )
            seen = (bias > ABSENT_BIAS / 2)[:, None]
            start = torch.where(seen, self.design.theta(weights, bias, self.shift), start)
        return start.reshape(-1)

    def _solution(self, found) -> Solution:
        theta = centred_classes(found.point.view(len(self.present), -1))
        weights = torch.zeros(self.num_classes, self.design.rows.width, device=theta.device)
        bias = torch.full((self.num_classes,), ABSENT_BIAS, device=theta.device)
        weights[self.present], bias[self.present] = self.design.classifier(theta, self.shift)
        return Solution(weights, bias, found.gradient_norm, found.iterations)


def _extrapolated(earlier: list[tuple[float, torch.Tensor]], at: float) -> torch.Tensor:
    """The start at a logarithm of a strength, from the last one or two optima."""
    if len(earlier) == 1:
        return earlier[0][1]
    (before, first), (last, second) = earlier
    return second + min((at - last) / (last - before), MAX_EXTRAPOLATION) * (second - first)
