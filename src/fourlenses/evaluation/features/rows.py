"""Some rows of a feature matrix, read block by block: the matrix may be larger than memory, or half the precision."""

from collections.abc import Iterator

import numpy as np
import torch

from fourlenses.core.errors import UserError

BLOCK_ELEMENTS = {"cpu": 2**20, "cuda": 2**26}


class FeatureRows:
    """Rows of features (N, D): an array, a memmap or a tensor of any floating-point type; blocks are float32 on ``device``."""

    def __init__(
        self,
        features: np.ndarray | torch.Tensor,
        positions: np.ndarray | None,
        device: torch.device,
    ):
        """positions: int64 (n,), ascending, which is kind to a disk; None for all rows."""
        self.features, self.positions, self.device = features, positions, device
        self.count = len(features) if positions is None else len(positions)
        self.width = features.shape[1]

    def among(self, chosen: np.ndarray) -> "FeatureRows":
        """The rows at places ``chosen`` (k,) int64, ascending, of these rows."""
        return FeatureRows(
            self.features, chosen if self.positions is None else self.positions[chosen], self.device
        )

    def read(self, first: int, last: int) -> torch.Tensor:
        """Rows first to last, as they are: float32 (n, D)."""
        where = slice(first, last) if self.positions is None else self.positions[first:last]
        if isinstance(self.features, torch.Tensor):
            if not isinstance(where, slice):
                where = torch.as_tensor(where, device=self.features.device)
            return self.features[where].to(self.device).float()
        part = np.array(
            self.features[where]
        )  # off the disk, and the caller's array is never shared
        return torch.from_numpy(part).to(self.device).float()

    def blocks(self, rows: int | None = None) -> Iterator[tuple[int, torch.Tensor]]:
        """(first row, block (n, D)) over all rows."""
        rows = rows or max(1, BLOCK_ELEMENTS.get(self.device.type, 2**20) // self.width)
        for first in range(0, self.count, rows):
            yield first, self.read(first, min(first + rows, self.count))

    def require_finite(self, name: str) -> None:
        """UserError naming the array and its rows that hold a NaN or an infinity."""
        bad = []
        for first, x in self.blocks():
            rows = torch.nonzero(~torch.isfinite(x).all(1))[:, 0].cpu().numpy() + first
            bad.append(rows if self.positions is None else self.positions[rows])
        bad = np.concatenate(bad)
        if len(bad):
            shown = ", ".join(map(str, bad[:10])) + (", ..." if len(bad) > 10 else "")
            raise UserError(
                f"{name}: {len(bad)} of {self.count} rows hold NaN or infinite values (rows {shown})"
            )

    def mean(self) -> torch.Tensor:
        """Float64 (D,)."""
        return sum(x.sum(0, dtype=torch.float64) for _, x in self.blocks()) / self.count

    def standardisation(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and population deviation, float32 (D,); the deviation of a constant feature counts as 1."""
        mean = self.mean()
        squares = torch.zeros_like(mean)
        low = torch.full_like(mean, float("inf"))
        high = -low
        for _, x in self.blocks():
            squares += (x - mean).square().sum(0)
            low, high = torch.minimum(low, x.amin(0)), torch.maximum(high, x.amax(0))
        deviation = (squares / self.count).sqrt()
        # By its range: the deviation of a constant that is not a short binary fraction comes out as rounding, not as zero.
        constant = (low == high) | (deviation.float() == 0)
        return mean.float(), torch.where(constant, torch.ones_like(deviation), deviation).float()
