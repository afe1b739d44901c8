"""Rows of a feature matrix, read block by block.

The matrix may be larger than memory, or of half precision.
"""

from collections.abc import Iterator

import numpy as np
import torch

from fourlenses.core.errors import UserError

BLOCK_ELEMENTS = {"cpu": 2**20, "cuda": 2**26}
SHOWN = 10  # rows in a message


class FeatureRows:
    """Some rows of features (N, D); blocks of them are float32 on one device."""

    def __init__(
        self,
        features: np.ndarray | torch.Tensor,
        positions: np.ndarray | None,
        device: torch.device,
    ) -> None:
        """
        Args:
            features: an array, a memmap or a tensor of any floating-point type.
            positions: of the rows, int64 (n,), ascending, which a disk reads fastest; None for
                all.
            device: of the blocks.
        """
        self.features, self.positions, self.device = features, positions, device
        self.count = len(features) if positions is None else len(positions)
        self.width = features.shape[1]

    def among(self, chosen: np.ndarray) -> "FeatureRows":
        """Return some of these rows.

        Args:
            chosen: their positions among these rows, int64 (k,), ascending.
        """
        positions = chosen if self.positions is None else self.positions[chosen]
        return FeatureRows(self.features, positions, self.device)

    def read(self, first: int, last: int) -> torch.Tensor:
        """Return rows ``first`` to ``last``, as they are: float32 (n, D)."""
        if self.positions is None:
            return self._read(slice(first, last))
        return self._read(self.positions[first:last])

    def _read(self, rows: slice | np.ndarray) -> torch.Tensor:
        if isinstance(self.features, torch.Tensor):
            if isinstance(rows, slice):
                return self.features[rows].to(self.device).float()
            on_device = torch.as_tensor(rows, device=self.features.device)
            return self.features[on_device].to(self.device).float()
        # a copy: off the disk, and the caller's array is never shared
        return torch.from_numpy(np.array(self.features[rows])).to(self.device).float()

    def blocks(self, rows: int | None = None) -> Iterator[tuple[int, torch.Tensor]]:
        """Yield (first row, block (n, D)) over all rows, in blocks of ``rows``."""
        size = rows or max(1, BLOCK_ELEMENTS.get(self.device.type, 2**20) // self.width)
        for first in range(0, self.count, size):
            yield first, self.read(first, min(first + size, self.count))

    def require_finite(self, name: str) -> None:
        """
        Raises:
            UserError: rows hold a NaN or an infinity; the message lists them for the array
                ``name``.
        """
        parts = []
        for first, x in self.blocks():
            rows = torch.nonzero(~torch.isfinite(x).all(1))[:, 0].cpu().numpy() + first
            parts.append(rows if self.positions is None else self.positions[rows])
        bad = np.concatenate(parts)
        if len(bad):
            shown = ", ".join(map(str, bad[:SHOWN])) + (", ..." if len(bad) > SHOWN else "")
            raise UserError(
                f"{name}: {len(bad)} of {self.count} rows hold NaN or infinite values "
                f"(rows {shown})"
            )

    def mean(self) -> torch.Tensor:
        """Return the mean row, float64 (D,)."""
        total = torch.zeros(self.width, dtype=torch.float64, device=self.device)
        for _, x in self.blocks():
            total += x.sum(0, dtype=torch.float64)
        return total / self.count

    def standardisation(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the mean and the population deviation, float32 (D,).

        The deviation of a constant feature counts as 1.
        """
        mean = self.mean()
        squares = torch.zeros_like(mean)
        low = torch.full_like(mean, float("inf"))
        high = -low
        for _, x in self.blocks():
            squares += (x - mean).square().sum(0)
            low, high = torch.minimum(low, x.amin(0)), torch.maximum(high, x.amax(0))
        deviation = (squares / self.count).sqrt()
        # By its range: the deviation of a constant that is not a short binary fraction comes out
        # as rounding, not as zero.
        constant = (low == high) | (deviation.float() == 0)
        return mean.float(), torch.where(constant, torch.ones_like(deviation), deviation).float()
