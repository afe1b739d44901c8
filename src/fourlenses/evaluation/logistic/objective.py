"""The objective of multinomial logistic regression under an L2 penalty, a sum over blocks of rows.

For weights W (C, R) and bias b (C,), features x_n (R,) and labels y_n:

    f = 1/N sum_n [logsumexp_c(z_nc) - z_n,y_n] + l2 / 2 ||W||^2,    z_n = W x_n + b

The bias is the weight of a constant feature. Blocks bound the memory, and on a CPU keep the logits
in cache between the passes over them.
"""

import torch

from fourlenses.evaluation.logistic.design import Design


def centred_classes(theta: torch.Tensor) -> torch.Tensor:
    """Return the parameters (C, R+1) minus their mean over classes.

    They have the same probabilities for the smallest penalty, and one bias of many.
    """
    return theta - theta.mean(0, keepdim=True)


class SoftmaxObjective:
    """An objective for `lbfgs.minimise`.

    A point is a flattened (C, R+1) float64 matrix whose last column is the bias. Only
    `centred_classes` of a point counts. There the gradient sums to zero over classes, so the
    solver wastes no step on a common shift of all classes.
    """

    def __init__(
        self, design: Design, labels: torch.Tensor, *, num_classes: int, l2: float
    ) -> None:
        """labels: int64 (N,) in [0, C), on the device of the design."""
        self.design, self.labels = design, labels
        self.num_classes, self.l2 = num_classes, l2

    def __call__(self, point: torch.Tensor) -> tuple[float, torch.Tensor]:
        """Return the value and the gradient (C (R+1),) float64 at ``point`` (C (R+1),)."""
        theta = centred_classes(point.view(self.num_classes, -1))
        matrix = self.design.to_given(theta).float()  # (C, the width of a block)
        loss, gradient = 0.0, None
        for first, x in self.design.blocks(self.num_classes):
            y = self.labels[None, first : first + len(x)]  # (1, n)
            # (C, n): over rows of few classes it would be three times slower
            z = torch.log_softmax(matrix @ x.T, 0)
            true = z.gather(0, y)
            loss -= float(true.sum(dtype=torch.float64))
            # residuals: each position is written once, so this is deterministic
            z.exp_().scatter_(0, y, true.expm1_())
            part = z @ x
            gradient = part.double() if gradient is None else gradient.add_(part)
        assert gradient is not None
        count = self.design.count
        gradient = self.design.from_given(gradient.div_(count))  # (C, R+1)
        penalised = theta[:, :-1]
        gradient[:, :-1].add_(penalised, alpha=self.l2)
        penalty = 0.5 * self.l2 * float(penalised.square().sum())
        return loss / count + penalty, gradient.reshape(-1)
