"""The order of the images: one endless stream of shuffled passes, cut into batches."""

import numpy as np

from fourlenses.core.randomness import named_seed, permutation


class Stream:
    """Sample number g of a run is image ``permutation(epoch)[g mod N]`` of epoch ``g div N``.

    Batches may cross the end of a pass, as in SimCLR's own code (a shuffled, repeated dataset), so
    small datasets lose no images and every batch has the same size. The position of a run in the
    stream is its step number: nothing else needs to be saved to resume.
    """

    def __init__(self, images: int, batch_size: int, seed: int) -> None:
        self.images, self.batch_size, self.seed = images, batch_size, seed
        self._orders: dict[int, np.ndarray] = {}

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Return positions in the dataset and their epochs, both int64 (batch_size,)."""
        samples = np.arange(step * self.batch_size, (step + 1) * self.batch_size)
        epochs, offsets = np.divmod(samples, self.images)
        positions = np.empty_like(offsets)
        needed = np.unique(epochs).tolist()
        for epoch in needed:
            of_epoch = epochs == epoch
            positions[of_epoch] = self._order(epoch)[offsets[of_epoch]]
        self._orders = {epoch: order for epoch, order in self._orders.items() if epoch >= needed[0]}
        return positions, epochs

    def _order(self, epoch: int) -> np.ndarray:
        if epoch not in self._orders:
            self._orders[epoch] = permutation(self.images, named_seed(self.seed, "order"), epoch)
        return self._orders[epoch]
