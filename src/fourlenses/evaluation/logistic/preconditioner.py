"""The curvature of multinomial logistic regression, class by class: the solver's preconditioner.

The Hessian's block of class c is mean_n[q (1 - q)] x x^T + l2 I, q being the probability of c for
row n. Between classes it is left out. A block is taken over the leading principal axes and the
bias, the other axes being its diagonal, and from the rows where q (1 - q) is largest: a classifier
that is sure of itself has few of those. The other rows count with the mean second moment.

It is an approximation made at one point, and changes the path to the optimum, not the optimum.
"""

import torch

from fourlenses.evaluation.logistic.design import Design, block_rows
from fourlenses.evaluation.logistic.objective import centred_classes

CHUNK_ELEMENTS = {"cpu": 2**18, "cuda": 2**22}  # of the rows of some classes, in a cache
ROWS_PER_AXIS = 4
JITTER = 1e-5  # of a diagonal: float32 factors need it


class ClassCurvature:
    """A preconditioner: vector (C (R+1),) float32 -> the inverse curvature times it."""

    def __init__(
        self,
        design: Design,
        point: torch.Tensor,
        *,
        num_classes: int,
        l2: float,
        axes: int | None = None,
    ) -> None:
        """
        Args:
            design: of the features.
            point: flattened (C, R+1) float64.
            num_classes: C.
            l2: the strength.
            axes: leading ones of a block; by default those of the plan.
        """
        theta = centred_classes(point.view(num_classes, -1)).float()
        # the last ones: axes ascend, and the bias is behind them
        self.lead = min(design.plan.curvature_axes if axes is None else axes, design.rank + 1)
        count = min(ROWS_PER_AXIS * self.lead, len(design.sample))
        weights, rows, spread = _heaviest_rows(design, theta, count)
        penalty = torch.full((design.rank + 1,), l2, dtype=torch.float64, device=theta.device)
        penalty[-1] = 0
        spread = spread.clamp_min(1e-6 / num_classes)
        self.diagonal = (spread[:, None] * design.second_moment + penalty).float()  # (C, R+1)
        if self.lead == 0:
            return
        moment, penalty = design.second_moment[-self.lead :].float(), penalty[-self.lead :].float()
        rest = (spread - weights.sum(1)).clamp_min(0).float()  # the weight of the rows left out
        features = design.sample[:, -self.lead :]
        self.inverse = theta.new_empty(num_classes, self.lead, self.lead)
        elements = CHUNK_ELEMENTS.get(theta.device.type, 2**22)
        step = max(1, elements // (self.lead * rows.shape[1]))
        for first in range(0, num_classes, step):
            part = slice(first, first + step)
            x = features[rows[part]]  # (c, m, r)
            block = (x * weights[part, :, None]).mT @ x
            block.diagonal(dim1=1, dim2=2).add_(rest[part, None] * moment + penalty)
            self.inverse[part] = _inverse(block)

    def __call__(self, vector: torch.Tensor) -> torch.Tensor:
        vector = vector.view(self.diagonal.shape)
        out = vector / self.diagonal
        if self.lead:
            # a row times it: it is symmetric
            leading = vector[:, None, -self.lead :]
            out[:, -self.lead :] = torch.bmm(leading, self.inverse)[:, 0]
        return out.view(-1)


def _heaviest_rows(
    design: Design, theta: torch.Tensor, count: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The ``count`` rows of the sample with the largest q (1 - q), of every class.

    Returns:
        Weights (C, count) float32, divided by the sample's size; rows (C, count) int64; and the
        mean of q (1 - q) over the sample, (C,) float64.
    """
    classes, size = len(theta), len(design.sample)
    spread = torch.zeros(classes, dtype=torch.float64, device=theta.device)
    weights = theta.new_empty(classes, 0)
    rows = torch.empty(classes, 0, dtype=torch.int64, device=theta.device)
    step = max(count, block_rows(theta.device, classes=classes, width=theta.shape[1]))
    for first in range(0, size, step):
        q = torch.softmax(theta @ design.sample[first : first + step].T, 0)  # (C, n)
        q *= 1 - q
        spread += q.sum(1, dtype=torch.float64)
        if count == 0:
            continue
        numbers = torch.arange(first, first + q.shape[1], device=theta.device).expand(classes, -1)
        weights, rows = torch.cat([weights, q], 1), torch.cat([rows, numbers], 1)
        if weights.shape[1] > count:
            weights, columns = weights.topk(count, 1, sorted=False)
            rows = rows.gather(1, columns)
    return weights / size, rows, spread / size


def _inverse(blocks: torch.Tensor) -> torch.Tensor:
    """Inverses of positive definite blocks (c, r, r) float32, their diagonals raised a little."""
    blocks.diagonal(dim1=1, dim2=2).clamp_(min=1e-30).mul_(1 + JITTER)
    return torch.cholesky_inverse(torch.linalg.cholesky(blocks))
