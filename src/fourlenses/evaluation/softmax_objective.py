"""The objective of multinomial logistic regression for P strengths of the L2 penalty on one feature matrix.

For problem p with weights W_p (C, R) and bias b_p (C,), and features x_n (R,) with labels y_n:

    f_p = 1/N sum_n [logsumexp_c(z_npc) - z_np,y_n] + strength_p / 2 ||W_p||^2,    z_np = W_p x_n + b_p

The logits of all problems are one matrix product, (P C, R+1) @ (R+1, n), the bias being the weight of a constant feature. Rows are
taken in blocks: that bounds memory, and on a CPU keeps the logits of a block in cache between the passes over them.
"""

import torch

BLOCK_ELEMENTS = {"cpu": 2**18, "cuda": 2**26}
MIN_BLOCK_ROWS = 256


def centred_classes(theta: torch.Tensor) -> torch.Tensor:
    """The parameters (P, C, R+1) minus their mean over classes: the same probabilities for the least penalty, and one bias of many."""
    return theta - theta.mean(1, keepdim=True)


class SoftmaxObjective:
    """Callable for ``lbfgs.minimise``; a point is a flattened (C, R+1) float64 matrix whose last column is the bias.

    Only ``centred_classes`` of a point counts. There the gradient sums to zero over classes, so the solver wastes no step on a common
    shift of all classes.
    """

    def __init__(self, features: torch.Tensor, labels: torch.Tensor, num_classes: int, strengths: torch.Tensor):
        """features (N, R) float32; labels (N,) int64 in [0, C); strengths (P,) float64."""
        self.count, self.rank = features.shape
        self.num_classes = num_classes
        self.strengths = strengths
        self.features = torch.cat([features, features.new_ones(self.count, 1)], 1)  # (N, R+1)
        self.labels = labels
        self.frequency = torch.bincount(labels, minlength=num_classes).double() / self.count  # (C,)
        self.second_moment = self.features.double().square().mean(0)  # (R+1,)

    def __call__(self, points: torch.Tensor, which: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """points (A, C (R+1)), which (A,) -> value (A,), gradient (A, C (R+1)), curvature (A, C (R+1)); float64."""
        problems, classes, width = len(points), self.num_classes, self.rank + 1
        theta = centred_classes(points.view(problems, classes, width))
        matrix = theta.reshape(-1, width).float()  # (A C, R+1)
        value = points.new_zeros(problems)
        gradient = points.new_zeros(problems * classes, width)
        squares = points.new_zeros(problems, classes)
        rows = max(MIN_BLOCK_ROWS, BLOCK_ELEMENTS.get(points.device.type, 2**22) // (problems * classes))
        for first in range(0, self.count, rows):
            x, y = self.features[first : first + rows], self.labels[first : first + rows]  # (n, R+1), (n,)
            z = (matrix @ x.T).view(problems, classes, -1)  # (A, C, n)
            z -= z.amax(1, keepdim=True)
            true = y.expand(problems, 1, -1)  # (A, 1, n)
            z_true = z.gather(1, true)
            z.exp_()
            total = z.sum(1, keepdim=True)  # (A, 1, n)
            value += (total.log() - z_true).sum((1, 2), dtype=torch.float64)
            z /= total  # probabilities
            squares += torch.einsum("pcn,pcn->pc", z, z)
            z.scatter_(1, true, z.gather(1, true) - 1)  # residuals: each position is written once, so this is deterministic
            gradient += z.view(problems * classes, -1) @ x
        gradient = gradient.view(problems, classes, width) / self.count
        strength = self.strengths[which]  # (A,)
        penalised = theta[..., :-1]
        value = value / self.count + 0.5 * strength * penalised.square().sum((1, 2))
        # Mean of q(1 - q) over images, q a class's probability; its mean is the bias gradient plus the class's frequency.
        spread = (gradient[..., -1] + self.frequency - squares / self.count).clamp_min(1e-6 / classes)  # (A, C)
        gradient[..., :-1] += strength[:, None, None] * penalised
        curvature = spread[..., None] * self.second_moment  # (A, C, R+1): exact at W = 0 in a basis of uncorrelated features
        curvature[..., :-1] += strength[:, None, None]
        return value, gradient.reshape(problems, -1), curvature.reshape(problems, -1)
