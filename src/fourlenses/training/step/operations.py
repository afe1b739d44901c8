"""What a step does, operation by operation: may it be recorded once and replayed?

A replay repeats operations with the plain numbers and at the addresses of the recording, without
the host. So a step may be replayed if two steps in a row have the same operations, numbers and
addresses, and if none of them needs the host.
"""

from collections.abc import Iterable
from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

# the host waits for their result: a number, or how large it is
WAITING = frozenset(
    {
        "aten::_local_scalar_dense",
        "aten::equal",
        "aten::is_nonzero",
        "aten::masked_select",
        "aten::nonzero",
        "aten::repeat_interleave.Tensor",
        "aten::unique_consecutive",
        "aten::_unique",
        "aten::_unique2",
        "aten::unique_dim",
    }
)
Operation = tuple[Any, ...]


class OperationLog(TorchDispatchMode):
    """Operations of what runs inside, with their plain numbers, shapes and addresses.

    A tensor that was made inside has no address here: a recording keeps a place for it.

    Attributes:
        operations: name and arguments of each.
        waiting: names of operations that need the host.
        outside: the storages' addresses of tensors that were not made inside.
    """

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self.device = device
        self.operations: list[Operation] = []
        self.waiting: list[str] = []
        self.outside: set[int] = set()
        self._made: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        name = func.name()
        given, _ = tree_flatten((args, kwargs or {}))
        self.operations.append((name, *(self._described(value) for value in given)))
        result = func(*args, **(kwargs or {}))
        made = [value for value in tree_flatten(result)[0] if isinstance(value, Tensor)]
        tensors = [value for value in given if isinstance(value, Tensor)]
        if name in WAITING or _is_mask(name, tensors) or not self._stays(tensors + made):
            self.waiting.append(name)
        self._made |= {storage(value) for value in made} - self.outside
        return result

    def _described(self, value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value if isinstance(value, bool | int | float | None) else str(value)
        known = storage(value) in self._made
        if not known:
            self.outside.add(storage(value))
        place = None if known else value.data_ptr()
        return (tuple(value.shape), value.stride(), value.dtype, place)

    def _stays(self, tensors: Iterable[Tensor]) -> bool:
        """Whether all are on the device that is computed on."""
        return all(value.device.type == self.device.type for value in tensors)


def storage(tensor: Tensor) -> int:
    """Return the address of the memory that a tensor is a view of."""
    return tensor.untyped_storage().data_ptr()


def _is_mask(name: str, tensors: list[Tensor]) -> bool:
    """Whether it indexes by a mask, which has to be counted first."""
    return name.startswith("aten::index") and any(
        value.dtype in (torch.bool, torch.uint8) for value in tensors[1:]
    )


def why_not_replayed(first: OperationLog, second: OperationLog) -> str | None:
    """Return why steps cannot be replayed, by the logs of two in a row; None if they can."""
    for number, (one, other) in enumerate(
        zip_longest(first.operations, second.operations, fillvalue=("nothing",))
    ):
        if one != other:
            return (
                f"operation {number + 1} differs between two steps: {one[0]}, then {other[0]}"
                if one[0] != other[0]
                else f"operation {number + 1} ({one[0]}) takes other numbers or tensors in the "
                "next step"
            )
    if second.waiting:
        return f"{second.waiting[0]} needs the host"
    return None
