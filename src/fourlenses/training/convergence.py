"""Whether a training's loss still fell when it ended, by its mean over each twentieth of the
steps.

The rule: the mean loss over the last fifth of the steps is below that over the fifth before by more
than noise (one-sided 5 %) and by more than 2 % of the loss's whole fall (from its highest twentieth
to the last fifth). Then twice as many steps would lower the loss further; whether that raises an
accuracy on other images, it does not say.

Why fifths: the rate follows half a cosine to 0, so the last tenth of the steps has 0.16 % of the
sum of all rates, and hardly any loss falls there, trained enough or not. Measured (default study's
images, docs/measured/evaluation.md): from scratch on 1,000 labels, 600 steps, 1.2 % of the fall in
the last tenth, within noise, though twice the steps gained 8.5 points on test images. The last
fifth has 1.3 % of the rates and the fifth before 8.4 %: that training fell 5.9 % between them, and
ones of 3,000 to 5,000 steps 0.8 to 1.3 %.

What it errs at: falling rates lower the loss by themselves where the images cannot be learned by
heart, so a long training on very many images may be called not converged.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

PARTS = 20  # of the steps
FIFTH = PARTS // 5
Z = 1.645  # one-sided, 5 %
LEAST_SHARE = 0.02  # of the loss's whole fall


@dataclass(frozen=True)
class LossSummary:
    """Of each twentieth of the steps, in order: steps, how many; mean, of the loss over them;
    standard_error, of that mean by the spread of the losses within it. mean is None where there is
    no step (a training of fewer than 20, or one resumed from a checkpoint of an earlier version),
    standard_error where there are fewer than two."""

    steps: list[int] = field(default_factory=list)
    mean: list[float | None] = field(default_factory=list)
    standard_error: list[float | None] = field(default_factory=list)


class LossRecord:
    """Number, sum and sum of squares of the losses in each twentieth of the steps.

    They are on the device, so that no step waits for them. ``state`` is all of it: a resumed run
    has the same bits.

    Args:
        state: of an interrupted run, float64 (PARTS, 3); None where it had none.
    """

    def __init__(
        self, total_steps: int, device: torch.device | str, state: Tensor | None = None
    ) -> None:
        self.total_steps = total_steps
        self.state = (
            torch.zeros(PARTS, 3, dtype=torch.float64) if state is None else state.clone()
        ).to(device)

    def add(self, step: int, loss: Tensor) -> None:
        """Add the loss of update ``step`` (0-based), a scalar."""
        value = loss.detach().double()
        self.state[step * PARTS // self.total_steps] += torch.stack(
            [torch.ones_like(value), value, value * value]
        )

    def summary(self) -> LossSummary:
        """Return means and standard errors."""
        summary = LossSummary()
        for count, total, squares in self.state.tolist():
            # the sum of squared deviations; rounding may leave it below 0 where all are alike
            spread = max(squares - total * total / count, 0.0) if count > 1 else None
            summary.steps.append(int(count))
            summary.mean.append(total / count if count else None)
            summary.standard_error.append(
                None if spread is None else (spread / (count - 1) / count) ** 0.5
            )
        return summary


def not_converged(losses: LossSummary) -> str | None:
    """Return a sentence if the loss still fell at the end of the training, by the rule above.

    None if it did not, and where that is unknown: nothing was trained, or in fewer than 40
    steps.
    """
    if len(losses.steps) < PARTS or None in losses.standard_error[-2 * FIFTH :]:
        return None
    before, before_error = _mean(losses, slice(-2 * FIFTH, -FIFTH))
    last, last_error = _mean(losses, slice(-FIFTH, None))
    fall, noise = before - last, (before_error**2 + last_error**2) ** 0.5
    whole = max(mean for mean in losses.mean if mean is not None) - last
    if fall <= Z * noise or fall <= LEAST_SHARE * whole:
        return None
    return (
        f"the loss still fell at the end of the {sum(losses.steps)} steps: {last:.4g} over their "
        f"last fifth, {fall:.2g} below the fifth before, which is {100 * fall / whole:.1f} % of "
        "its whole fall; train longer"
    )


def _mean(losses: LossSummary, parts: slice) -> tuple[float, float]:
    """The mean loss over the steps of some twentieths, and its standard error."""
    steps, means, errors = losses.steps[parts], losses.mean[parts], losses.standard_error[parts]
    weights = [count / sum(steps) for count in steps]
    mean = square = 0.0
    for weight, value, error in zip(weights, means, errors, strict=True):
        assert value is not None  # of parts with two steps or more
        assert error is not None
        mean += weight * value
        square += (weight * error) ** 2
    return mean, square**0.5
