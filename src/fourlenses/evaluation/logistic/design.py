"""The features of one regression: centred, scaled, and rotated to their principal axes.

Two exact changes of variables. Centring: the free bias absorbs it. A rotation: it leaves ||W|| as
it is; in the principal axes the Hessian at W = 0 is diagonal in the features, hence a diagonal
curvature, or one of the leading axes, is a good one. Axes along which no feature varies are left
out, as the penalty sets their weights to zero: with fewer rows than features the problem shrinks
to the rows.
"""

from collections.abc import Iterator

import numpy as np
import torch

from fourlenses.evaluation.features.rows import FeatureRows
from fourlenses.evaluation.logistic.memory_budget import MemoryPlan

BLOCK_ELEMENTS = {"cpu": 2**18, "cuda": 2**26}
MIN_BLOCK_ROWS = 1024
AXES_ROWS = 16384  # as many show the principal axes well enough; so do eight rows a feature
# Relative to the largest: axes whose standard deviation is below 1e-6 of the largest hold only the
# rounding of float32 features.
MIN_EIGENVALUE = 1e-12


class Design:
    """Rows (x - mean) / scale in R axes, with a last column of ones: N rows of width R+1.

    Held as float32 where the plan says so. Otherwise a block is read, centred and scaled each
    time, and it is the weights that are rotated (`to_given`), once an evaluation: the rows are
    never rotated, which would cost as much as an evaluation.
    """

    def __init__(self, rows: FeatureRows, scale: torch.Tensor, plan: MemoryPlan) -> None:
        """scale: float32 (D,)."""
        self.rows, self.plan, self.count = rows, plan, rows.count
        # Whatever a mean loses as float32, the bias corrects.
        self.mean, self.scale = rows.mean().float(), scale
        enough = min(self.count, max(AXES_ROWS, 8 * rows.width))
        some = self._read_some(enough if plan.resident else plan.sample)  # (S, D)
        complete = len(some) == self.count
        self.axes = _principal_axes(some, complete) if plan.rotated else None  # (D, R) float64
        self.rank = rows.width if self.axes is None else self.axes.shape[1]
        # (S, R+1), what the curvature is taken from
        if plan.resident and not complete:
            self.sample = self._read_all()
        else:
            self.sample = _with_ones(self._rotated(some))
        self.resident = self.sample if plan.resident else None
        self.second_moment = self.sample.square().mean(0, dtype=torch.float64)  # (R+1,)

    @property
    def device(self) -> torch.device:
        """The device of the blocks."""
        return self.rows.device

    def blocks(self, classes: int) -> Iterator[tuple[int, torch.Tensor]]:
        """Return (first row, block) over all rows.

        Blocks are (n, R+1) if resident, (n, D+1) in the given axes if not.

        Args:
            classes: logits of a row, which n depends on.
        """
        rows = block_rows(self.device, classes=classes, width=self.rows.width)
        resident = self.resident
        if resident is not None:
            return ((first, resident[first : first + rows]) for first in range(0, self.count, rows))
        return ((first, _with_ones(self._standardised(x))) for first, x in self.rows.blocks(rows))

    def to_given(self, theta: torch.Tensor) -> torch.Tensor:
        """Return parameters (C, R+1) as those of a block."""
        if self.resident is not None or self.axes is None:
            return theta
        return torch.cat([theta[:, :-1] @ self.axes.T, theta[:, -1:]], 1)

    def from_given(self, gradient: torch.Tensor) -> torch.Tensor:
        """Return the gradient by the parameters of a block as one by (C, R+1)."""
        if self.resident is not None or self.axes is None:
            return gradient
        return torch.cat([gradient[:, :-1] @ self.axes, gradient[:, -1:]], 1)

    def theta(self, weights: torch.Tensor, bias: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
        """Return the parameters (C, R+1) float64 of the classifier W (x - shift) / scale + b.

        Args:
            weights: W, (C, D).
            bias: b, (C,).
            shift: float32 (D,).
        """
        weights, bias = weights.double(), bias.double()
        bias = bias + weights @ self._moved(shift)
        return torch.cat([weights if self.axes is None else weights @ self.axes, bias[:, None]], 1)

    def classifier(
        self, theta: torch.Tensor, shift: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return weights (C, D) and bias (C,), float32: the inverse of `theta`."""
        weights = theta[:, :-1] if self.axes is None else theta[:, :-1] @ self.axes.T
        return weights.float(), (theta[:, -1] - weights @ self._moved(shift)).float()

    def _moved(self, shift: torch.Tensor) -> torch.Tensor:
        """The mean as a classifier of (x - shift) / scale has it: float64 (D,)."""
        return (self.mean.double() - shift.double()) / self.scale.double()

    def _standardised(self, x: torch.Tensor) -> torch.Tensor:
        return (x - self.mean).div_(self.scale)

    def _rotated(self, x: torch.Tensor) -> torch.Tensor:
        axes = self.axes
        if axes is None:
            return x
        return torch.cat([(part.double() @ axes).float() for part in x.split(2**12)])

    def _read_some(self, size: int) -> torch.Tensor:
        """Rows at even distances, standardised: (size, D) float32."""
        even = np.arange(size) * self.count // size
        rows = self.rows if size == self.count else self.rows.among(even)
        return torch.cat([self._standardised(x) for _, x in rows.blocks()])

    def _read_all(self) -> torch.Tensor:
        rotated = torch.ones(self.count, self.rank + 1, device=self.device)
        for first, x in self.rows.blocks():
            rotated[first : first + len(x), :-1] = self._rotated(self._standardised(x))
        return rotated


def block_rows(device: torch.device, *, classes: int, width: int) -> int:
    """Return the rows of a block.

    As many that neither their logits nor their features outgrow a cache or a GPU's memory.

    Args:
        device: of the block.
        classes: logits of a row.
        width: features of a row.
    """
    elements = BLOCK_ELEMENTS.get(device.type, 2**22)
    return max(MIN_BLOCK_ROWS, min(elements // classes, 4 * elements // width))


def _with_ones(x: torch.Tensor) -> torch.Tensor:
    return torch.cat([x, x.new_ones(len(x), 1)], 1)


def _principal_axes(centred: torch.Tensor, complete: bool) -> torch.Tensor:
    """Orthonormal axes (D, R) float64 by ascending variance.

    Args:
        centred: features (N, D).
        complete: these are all the rows. Then axes of negligible variance are left out; a sample
            must not leave out any, as other rows may vary along it.
    """
    if len(centred) < centred.shape[1]:  # the axes from the smaller of the two Gram matrices
        wide = centred.double()
        values, vectors = torch.linalg.eigh(wide @ wide.T)
        varying = values > MIN_EIGENVALUE * values[-1].clamp_min(1e-300)
        return wide.T @ (vectors[:, varying] / values[varying].sqrt())
    gram = centred.new_zeros((centred.shape[1],) * 2, dtype=torch.float64)
    for part in centred.split(2**12):
        gram += part.double().T @ part.double()
    values, vectors = torch.linalg.eigh(gram)
    if not complete:
        return vectors
    return vectors[:, values > MIN_EIGENVALUE * values[-1].clamp_min(1e-300)]
