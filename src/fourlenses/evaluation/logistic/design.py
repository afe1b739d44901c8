"""The features of one regression: centred, scaled, and turned to their principal axes.

Two exact changes of variables. Centring, which the free bias absorbs. A rotation, which leaves ||W|| as it is; in the principal axes the
Hessian at W = 0 is diagonal in the features, hence a diagonal curvature, or one of the leading axes, is a good one. Axes along which no
feature varies are left out, as the penalty sets their weights to zero: with fewer rows than features the problem shrinks to the rows.
"""

from collections.abc import Iterator

import numpy as np
import torch

from fourlenses.evaluation.features.rows import FeatureRows
from fourlenses.evaluation.logistic.memory_budget import Plan

BLOCK_ELEMENTS = {"cpu": 2**18, "cuda": 2**26}
MIN_BLOCK_ROWS = 1024
AXES_ROWS = 16384  # as many show the principal axes well enough; so do eight rows a feature
# Relative to the largest: axes whose standard deviation is below 1e-6 of the largest hold only the rounding of float32 features.
MIN_EIGENVALUE = 1e-12


class Design:
    """Rows (x - mean) / scale in R axes, with a last column of ones: N rows of width R+1.

    Held as float32 where the plan says so. Otherwise a block is read, centred and scaled each time, and it is the weights that are
    turned (``to_given``), once an evaluation: the rows are never turned, which would cost as much as an evaluation.
    """

    def __init__(self, rows: FeatureRows, scale: torch.Tensor, plan: Plan):
        """scale (D,) float32."""
        self.rows, self.plan, self.count = rows, plan, rows.count
        # Whatever a mean loses as float32, the bias makes good.
        self.mean, self.scale = rows.mean().float(), scale
        some = self._read_some(
            min(self.count, max(AXES_ROWS, 8 * rows.width)) if plan.resident else plan.sample
        )  # (S, D)
        self.axes = (
            _principal_axes(some, len(some) == self.count) if plan.rotated else None
        )  # (D, R) float64
        self.rank = rows.width if self.axes is None else self.axes.shape[1]
        more = plan.resident and len(some) < self.count
        self.sample = (
            self._read_all() if more else _with_ones(self._turned(some))
        )  # (S, R+1), what the curvature is taken from
        self.resident = self.sample if plan.resident else None
        self.second_moment = self.sample.square().mean(0, dtype=torch.float64)  # (R+1,)

    @property
    def device(self) -> torch.device:
        return self.rows.device

    def blocks(self, classes: int) -> Iterator[tuple[int, torch.Tensor]]:
        """(first row, block): (n, R+1) if resident, (n, D+1) in the given axes if not; n from what C logits a row take."""
        rows = block_rows(self.device, classes, self.rows.width)
        if self.resident is not None:
            return (
                (first, self.resident[first : first + rows]) for first in range(0, self.count, rows)
            )
        return ((first, _with_ones(self._standardised(x))) for first, x in self.rows.blocks(rows))

    def to_given(self, theta: torch.Tensor) -> torch.Tensor:
        """Parameters (C, R+1) as those of a block."""
        if self.resident is not None or self.axes is None:
            return theta
        return torch.cat([theta[:, :-1] @ self.axes.T, theta[:, -1:]], 1)

    def from_given(self, gradient: torch.Tensor) -> torch.Tensor:
        """The gradient by the parameters of a block as one by (C, R+1)."""
        if self.resident is not None or self.axes is None:
            return gradient
        return torch.cat([gradient[:, :-1] @ self.axes, gradient[:, -1:]], 1)

    def theta(self, weights: torch.Tensor, bias: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
        """Parameters (C, R+1) float64 of the classifier W (x - shift) / scale + b; W (C, D), b (C,)."""
        weights, bias = weights.double(), bias.double()
        bias = bias + weights @ self._moved(shift)
        return torch.cat([weights if self.axes is None else weights @ self.axes, bias[:, None]], 1)

    def classifier(
        self, theta: torch.Tensor, shift: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The inverse of ``theta``: weights (C, D), bias (C,) float32."""
        weights = theta[:, :-1] if self.axes is None else theta[:, :-1] @ self.axes.T
        return weights.float(), (theta[:, -1] - weights @ self._moved(shift)).float()

    def _moved(self, shift: torch.Tensor) -> torch.Tensor:
        """Where the mean lies for a classifier of (x - shift) / scale: float64 (D,)."""
        return (self.mean.double() - shift.double()) / self.scale.double()

    def _standardised(self, x: torch.Tensor) -> torch.Tensor:
        return (x - self.mean).div_(self.scale)

    def _turned(self, x: torch.Tensor) -> torch.Tensor:
        return (
            x
            if self.axes is None
            else torch.cat([(part.double() @ self.axes).float() for part in x.split(2**12)])
        )

    def _read_some(self, size: int) -> torch.Tensor:
        """Rows at even distances, standardised: (size, D) float32."""
        rows = (
            self.rows
            if size == self.count
            else self.rows.among(np.arange(size) * self.count // size)
        )
        return torch.cat([self._standardised(x) for _, x in rows.blocks()])

    def _read_all(self) -> torch.Tensor:
        held = torch.ones(self.count, self.rank + 1, device=self.device)
        for first, x in self.rows.blocks():
            held[first : first + len(x), :-1] = self._turned(self._standardised(x))
        return held


def block_rows(device: torch.device, classes: int, width: int) -> int:
    """Rows of a block: so many that neither their logits nor their features outgrow a cache or a GPU's memory."""
    elements = BLOCK_ELEMENTS.get(device.type, 2**22)
    return max(MIN_BLOCK_ROWS, min(elements // classes, 4 * elements // width))


def _with_ones(x: torch.Tensor) -> torch.Tensor:
    return torch.cat([x, x.new_ones(len(x), 1)], 1)


def _principal_axes(centred: torch.Tensor, complete: bool) -> torch.Tensor:
    """Orthonormal axes (D, R) float64 of centred features (N, D), by ascending variance.

    complete: these are all the rows there are. Then axes of negligible variance are left out; a sample must not leave out any, as other
    rows may vary along it.
    """
    if len(centred) < centred.shape[1]:  # the axes from the smaller of the two Gram matrices
        wide = centred.double()
        values, vectors = torch.linalg.eigh(wide @ wide.T)
        keep = values > MIN_EIGENVALUE * values[-1].clamp_min(1e-300)
        return wide.T @ (vectors[:, keep] / values[keep].sqrt())
    gram = sum(part.double().T @ part.double() for part in centred.split(2**12))
    values, vectors = torch.linalg.eigh(gram)
    return (
        vectors[:, values > MIN_EIGENVALUE * values[-1].clamp_min(1e-300)] if complete else vectors
    )
