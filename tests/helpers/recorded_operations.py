"""A recorder of a step for the CPU: what a CUDA graph does, operation by operation.

A recording holds the operations with their numbers, and every tensor at its address. A replay
executes the operations alone: no line of the step's Python runs.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

from fourlenses.training.step.operations import storage
from fourlenses.training.step.replayed import Result, Work


class Recorded(TorchDispatchMode):
    """The operations inside; `undo` puts back what they changed."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[tuple[Any, tuple, dict, list[Tensor]]] = []
        self.made: dict[int, Tensor] = {}  # kept, so that no address is used twice
        self.before: dict[int, tuple[Tensor, Tensor]] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        kwargs = kwargs or {}
        given = [value for value in tree_flatten((args, kwargs))[0] if isinstance(value, Tensor)]
        for value in given:
            if storage(value) not in self.made and storage(value) not in self.before:
                memory = torch.empty(0, dtype=torch.uint8).set_(value.untyped_storage())
                self.before[storage(value)] = (memory, memory.clone())
        result = func(*args, **kwargs)
        addresses = {storage(value) for value in given}
        fresh = []
        for value in tree_flatten(result)[0]:
            if isinstance(value, Tensor) and storage(value) not in addresses:
                self.made[storage(value)] = value
                fresh.append(value.detach())
            else:
                fresh.append(None)
        self.operations.append((func, args, kwargs, fresh))
        return result

    def undo(self) -> None:
        for memory, content in self.before.values():
            memory.copy_(content)

    @torch.no_grad()
    def replay(self) -> None:
        for func, args, kwargs, fresh in self.operations:
            result = tree_flatten(func(*args, **kwargs))[0]
            for place, value in zip(fresh, result, strict=True):
                if place is not None:
                    place.copy_(value)


class OperationRecorder:
    """Like a GPU's recorder: a recording computes nothing.

    Attributes:
        ran, recorded: how often.
    """

    def __init__(self, error: str | None = None) -> None:
        self.error, self.ran, self.recorded, self.replayed = error, 0, 0, 0

    def run(self, work: Work) -> Result:
        self.ran += 1
        return work()

    def record(self, work: Work) -> tuple[Callable[[], None], Result]:
        recorded = Recorded()
        with recorded:
            result = work()
        recorded.undo()
        self.recorded += 1
        if self.error:
            raise RuntimeError(self.error)

        def replay() -> None:
            self.replayed += 1
            recorded.replay()

        return replay, result
