"""Random numbers of one image, read in order from its own counter-based stream."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from fourlenses.core.randomness import uniform

T = TypeVar("T")
# numbers hashed at a time: most images need fewer, so most images pay for one hash call
_BLOCK = 2048


class Draws:
    """A reading position in the stream of one key.

    The numbers are a pure function of the key; only the position moves. Each image starts with new
    ``Draws``, so it never depends on what was drawn before it.
    """

    def __init__(self, key: int) -> None:
        self._key = key
        self._block = 0
        self._at = 0
        self._row = uniform(key, 0, draws=_BLOCK)

    def array(self, count: int, low: float = 0.0, high: float = 1.0) -> np.ndarray:
        """Return uniform float32 in [low, high): (count,)."""
        if self._at + count > self._row.size:
            self._block += 1
            self._at = 0
            self._row = uniform(self._key, self._block, draws=max(_BLOCK, count))
        self._at += count
        return (low + (high - low) * self._row[self._at - count : self._at]).astype(np.float32)

    def real(self, low: float = 0.0, high: float = 1.0) -> float:
        """Return a uniform number in [low, high)."""
        if self._at >= self._row.size:
            self._block += 1
            self._at = 0
            self._row = uniform(self._key, self._block, draws=_BLOCK)
        self._at += 1
        return low + (high - low) * float(self._row[self._at - 1])

    def whole(self, low: int, high: int) -> int:
        """Return a uniform integer in [low, high], both ends included."""
        return low + int(self.real() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """Return True with a probability."""
        return self.real() < probability

    def sign(self) -> float:
        """Return -1.0 or 1.0, evenly."""
        return 1.0 if self.real() < 0.5 else -1.0

    def pick(self, options: Sequence[T]) -> T:
        """Return an option, evenly."""
        return options[int(self.real() * len(options))]
