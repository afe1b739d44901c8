"""Numbers and arrays that the host computes for each training step: rates, momenta, drawn orders.

An operation that takes them as plain numbers holds for one step alone. Held on the device, each in
a tensor that keeps its place, they let the same operations serve every step, which may then be
recorded once and replayed.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from fourlenses.parallel.devices import to_device

MOST_NUMBERS = 64  # of a step: a few for each group of an optimiser


class HostValues:
    """Values computed where they are used, in every step."""

    def number(self, name: str, compute: Callable[[int], float], step: int = 0) -> float | Tensor:
        """Return a number of this step.

        Args:
            name: one and the same in every step.
            compute: from the step; what else it reads has to be of the current step.
        """
        return compute(step)

    def array(self, name: str, compute: Callable[[], np.ndarray], device: torch.device) -> Tensor:
        """Return an array of this step on the device; its shape is that of every step."""
        return to_device(compute(), device)


class HeldValues(HostValues):
    """Values in tensors that keep their place on the device; `renew` computes their content.

    Numbers are float32, as those that operations on float32 tensors take.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.numbers = torch.zeros(MOST_NUMBERS, device=device)
        self.slots: dict[str, tuple[Tensor, Callable[[int], float]]] = {}
        self.arrays: dict[str, tuple[Tensor, Callable[[], np.ndarray]]] = {}

    def number(self, name: str, compute: Callable[[int], float], step: int = 0) -> Tensor:
        if name not in self.slots:
            slot = self.numbers[len(self.slots)]  # raises beyond the most
            self.slots[name] = (slot.fill_(compute(step)), compute)
        return self.slots[name][0]

    def array(self, name: str, compute: Callable[[], np.ndarray], device: torch.device) -> Tensor:
        if name not in self.arrays:
            # a copy: on a CPU a tensor shares the memory of the array that it is made from
            self.arrays[name] = (to_device(compute(), device).clone(), compute)
        return self.arrays[name][0]

    def renew(self, step: int) -> None:
        """Compute all values of a step, without waiting for the device."""
        if self.slots:
            computed = [compute(step) for _, compute in self.slots.values()]
            values = to_device(np.array(computed, dtype=np.float32), self.device)
            self.numbers[: len(computed)].copy_(values)
        for held, compute_array in self.arrays.values():
            held.copy_(to_device(compute_array(), self.device))
