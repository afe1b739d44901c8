"""The processes of one run: several GPUs of a node, or one process alone, for which everything here is the identity.

Rows are whole: process r of W holds rows r*B/W to (r+1)*B/W of every global batch, so gathering restores the batch's own order.
"""

import contextlib
import os
from collections.abc import Callable, Iterator

import torch
import torch.distributed as dist
from torch import Tensor

from fourlenses.core.errors import UserError


def world_size() -> int:
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    return dist.get_rank() if world_size() > 1 else 0


def gather_rows(rows: Tensor) -> Tensor:
    """All processes' rows (n, ...) as one tensor (W * n, ...), in the order of the global batch; without gradient."""
    if world_size() == 1:
        return rows.detach()
    rows = rows.detach().contiguous()
    everyone = [torch.empty_like(rows) for _ in range(world_size())]
    dist.all_gather(everyone, rows)
    return torch.cat(everyone)


def own_rows(rows: Tensor) -> Tensor:
    """This process's share of a global batch (W * n, ...): (n, ...)."""
    share = len(rows) // world_size()
    return rows[rank() * share : (rank() + 1) * share]


def sum_over_processes(tensors: list[Tensor]) -> None:
    """Replace every tensor by its sum over the processes, in place, in one message."""
    if world_size() == 1 or not tensors:
        return
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    dist.all_reduce(flat)
    for tensor, total in zip(
        tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True
    ):
        tensor.copy_(total.view_as(tensor))


def agree(decision: int, device: torch.device) -> int:
    """The greatest of all processes' decisions: where one is told to stop, all do."""
    if world_size() == 1:
        return decision
    shared = torch.tensor(decision, device=device)
    dist.all_reduce(shared, dist.ReduceOp.MAX)
    return int(shared)


def check_in_first(check: Callable[[], None], error: type[Exception], device: torch.device) -> None:
    """Call ``check`` in the first process; to be called by all. Where it raises ``error`` there, every process does: one alone would leave
    the others waiting."""
    raised = None
    if rank() == 0:
        try:
            check()
        except error as found:
            raised = found
    if agree(int(raised is not None), device):
        raise raised or error("the first process says why")


@contextlib.contextmanager
def joined_processes(device: torch.device) -> Iterator[torch.device]:
    """Within the block this process is one of those that a launcher such as torchrun started (WORLD_SIZE is set); yields its own device.

    They leave together: one that ends while another still waits for its messages would take that one down.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield device
        return
    if device.type == "cuda":
        number = int(os.environ.get("LOCAL_RANK", "0"))
        if number >= torch.cuda.device_count():
            raise UserError(
                f"config key 'training.processes' asks for GPU {number + 1}; torch sees {torch.cuda.device_count()} here"
            )
        device = torch.device("cuda", number)
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield device
        dist.barrier()
    finally:
        dist.destroy_process_group()


def barrier() -> None:
    if world_size() > 1:
        dist.barrier()
