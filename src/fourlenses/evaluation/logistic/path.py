"""Multinomial logistic regression along a path of L2 strengths.

Problem p minimises  mean cross-entropy + l2_p / 2 ||W_p||^2; the bias is not penalised, and
scikit-learn's C is 1 / (N l2_p).

The problems are solved one after another, the strongest penalty first: an optimum is a good start
for the next one, and the preconditioner of the last search a fair one. From the third on the start
is the straight line through the last two optima over the logarithm of the strength.
Every problem is solved to the same tolerance wherever it started.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import log

import torch

from fourlenses.evaluation.features.rows import FeatureRows
from fourlenses.evaluation.logistic.design import Design
from fourlenses.evaluation.logistic.lbfgs import Memory, Minimum, minimise
from fourlenses.evaluation.logistic.memory_budget import default_budget, plan_memory
from fourlenses.evaluation.logistic.objective import SoftmaxObjective, centred_classes
from fourlenses.evaluation.logistic.preconditioner import ClassCurvature

ABSENT_BIAS = -1e4
MAX_EXTRAPOLATION = 2.0
MAX_ITERATIONS = 500


@dataclass(kw_only=True)
class Solution:
    """A classifier W x + b of standardised features x.

    By strong convexity the weight matrix is within gradient_norm / l2 of the optimum.

    Attributes:
        weights: float32 (C, D).
        bias: float32 (C,).
        gradient_norm: Euclidean, over weights and bias, in the centred coordinates. The problem
            converged if it is at most the tolerance.
        iterations: of the search.
    """

    weights: torch.Tensor
    bias: torch.Tensor
    gradient_norm: float
    iterations: int


class Regression:
    """One set of labelled rows, for any number of L2 strengths."""

    def __init__(
        self,
        rows: FeatureRows,
        labels: torch.Tensor,
        *,
        num_classes: int,
        standardisation: tuple[torch.Tensor, torch.Tensor],
        memory: int | None = None,
    ) -> None:
        """Read the rows, and rotate them if the plan says so.

        Args:
            rows: N rows of D features.
            labels: int64 (N,) in [0, num_classes).
            num_classes: C of the target.
            standardisation: shift and scale, float32 (D,), of the features of a classifier.
            memory: bytes that features, solver and curvature may take together; by default
                `default_budget`.
        """
        self.labels = labels.to(rows.device)
        self.present, self.compact = torch.unique(self.labels, return_inverse=True)  # (K,), (N,)
        self.num_classes, (self.shift, scale) = num_classes, standardisation
        self.plan = plan_memory(
            rows.count,
            width=rows.width,
            classes=len(self.present),
            memory=memory or default_budget(rows.device),
        )
        self.design = Design(rows, scale, self.plan)

    def path(
        self,
        l2: Sequence[float],
        *,
        tolerance: float,
        max_iterations: int = MAX_ITERATIONS,
        initial: Solution | None = None,
    ) -> Iterator[tuple[int, Solution]]:
        """Solve for every strength, the strongest first.

        A class without a training label would have its optimum at a bias of minus infinity. Its
        weights are set to 0 and its bias to `ABSENT_BIAS`. Weights and biases of the other
        classes sum to zero over classes, so that their largest logit is never negative, and an
        absent class is never predicted whatever the features.

        Args:
            l2: the strengths, above 0, in any order.
            tolerance: on the Euclidean norm of the gradient (scikit-learn's is on the largest
                entry). Separable data under a weak penalty need 1e-5 for predictions that no
                longer change; far below that lies the rounding of float32. On a GPU, float32
                products must be full float32 (torch's default), not TF32: its rounding is above
                the tolerance.
            max_iterations: of one search.
            initial: where the first search starts; by default at the optimum of an infinitely
                strong penalty.

        Yields:
            The index in ``l2`` and its solution.
        """
        earlier: list[tuple[float, torch.Tensor]] = []  # the logarithm of a strength, its optimum
        start = self._start(initial)
        classes = len(self.present)
        curvature = partial(ClassCurvature, self.design, num_classes=classes)
        memory = Memory(self.plan.history, len(start), start.device)
        # Close to zero weights the Hessian is nearly diagonal in the principal axes: strong
        # penalties need no blocks, and one search's serve the next one for a while.
        diagonal = None
        for index in sorted(range(len(l2)), key=lambda at: -l2[at]):
            strength = float(l2[index])
            first = _extrapolated(earlier, log(strength)) if earlier else start
            if initial is None and memory.precondition is diagonal:  # none yet, or without blocks
                diagonal = memory.precondition = curvature(first, l2=strength, axes=0)
            minimum = minimise(
                SoftmaxObjective(self.design, self.compact, num_classes=classes, l2=strength),
                first,
                partial(curvature, l2=strength),
                memory=memory,
                tolerance=tolerance,
                max_iterations=max_iterations,
            )
            earlier = [*earlier[-1:], (log(strength), minimum.point)]
            yield index, self._solution(minimum)

    def _start(self, initial: Solution | None) -> torch.Tensor:
        """(K (R+1),) float64: the optimum of an infinitely strong penalty, or a given solution.

        The latter for the classes that it was trained on.
        """
        start = torch.zeros(
            len(self.present), self.design.rank + 1, dtype=torch.float64, device=self.design.device
        )
        logs = torch.bincount(self.compact).double().log()
        start[:, -1] = logs - logs.mean()
        if initial is not None:
            weights, bias = (
                part.to(start.device)[self.present] for part in (initial.weights, initial.bias)
            )
            trained = (bias > ABSENT_BIAS / 2)[:, None]
            start = torch.where(trained, self.design.theta(weights, bias, self.shift), start)
        return start.reshape(-1)

    def _solution(self, minimum: Minimum) -> Solution:
        theta = centred_classes(minimum.point.view(len(self.present), -1))
        weights = torch.zeros(self.num_classes, self.design.rows.width, device=theta.device)
        bias = torch.full((self.num_classes,), ABSENT_BIAS, device=theta.device)
        weights[self.present], bias[self.present] = self.design.classifier(theta, self.shift)
        return Solution(
            weights=weights,
            bias=bias,
            gradient_norm=minimum.gradient_norm,
            iterations=minimum.iterations,
        )


def _extrapolated(earlier: list[tuple[float, torch.Tensor]], at: float) -> torch.Tensor:
    """The start at a logarithm of a strength, from the last one or two optima."""
    if len(earlier) == 1:
        return earlier[0][1]
    (before, first), (last, second) = earlier
    return second + min((at - last) / (last - before), MAX_EXTRAPOLATION) * (second - first)
