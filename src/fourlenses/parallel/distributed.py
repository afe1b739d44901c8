"""The processes of one run: several GPUs, or one process alone, for which all here is the identity.

Rows are whole: process r of W holds rows r*B/W to (r+1)*B/W of every global batch, so gathering
restores the batch's own order.
"""

import contextlib
import os
import socket
from collections.abc import Callable, Iterator

import torch
import torch.distributed as dist
from torch import Tensor

from fourlenses.core.errors import UserError
from fourlenses.parallel.devices import check_gpu


class ProcessLost(UserError):
    """Another process of this run has ended, or its node cannot be reached."""


def world_size() -> int:
    """The number of processes of this run."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """The number of this process, from 0."""
    return dist.get_rank() if world_size() > 1 else 0


def all_gather_rows(rows: Tensor) -> Tensor:
    """Return all processes' rows (n, ...) as one tensor (W * n, ...), without gradient.

    They are in the order of the global batch.
    """
    if world_size() == 1:
        return rows.detach()
    rows = rows.detach().contiguous()
    gathered = [torch.empty_like(rows) for _ in range(world_size())]
    dist.all_gather(gathered, rows)
    return torch.cat(gathered)


def shard_of(rows: Tensor) -> Tensor:
    """Return this process's rows (n, ...) of a global batch (W * n, ...)."""
    share = len(rows) // world_size()
    return rows[rank() * share : (rank() + 1) * share]


def all_reduce_sum(tensors: list[Tensor]) -> None:
    """Replace every tensor by its sum over the processes, in place, in one message."""
    if world_size() == 1 or not tensors:
        return
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    dist.all_reduce(flat)
    totals = flat.split([tensor.numel() for tensor in tensors])
    for tensor, total in zip(tensors, totals, strict=True):
        tensor.copy_(total.view_as(tensor))


def all_reduce_max(decision: int, device: torch.device) -> int:
    """Return the greatest of all processes' decisions: where one has to stop, all do."""
    if world_size() == 1:
        return decision
    shared = torch.tensor(decision, device=device)
    dist.all_reduce(shared, dist.ReduceOp.MAX)
    return int(shared)


def check_in_first(check: Callable[[], None], error: type[Exception], device: torch.device) -> None:
    """Make a check in the first process; to be called by all.

    Where it raises ``error`` there, every process does: one alone would leave the others waiting.
    """
    raised = None
    if rank() == 0:
        try:
            check()
        except error as failure:
            raised = failure
    if all_reduce_max(int(raised is not None), device):
        raise raised or error("the first process says why")


@contextlib.contextmanager
def joined_processes(device: torch.device) -> Iterator[torch.device]:
    """Join the processes that a launcher such as torchrun started (WORLD_SIZE is set).

    They leave together: one that ends while another still waits for its messages would take that
    one down.

    Yields:
        This process's own device.

    Raises:
        UserError: there are fewer GPUs than processes, or this one's cannot be used.
        ProcessLost: a message to another process or from it failed.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield device
        return
    if device.type == "cuda":
        number = int(os.environ.get("LOCAL_RANK", "0"))
        if number >= torch.cuda.device_count():
            raise UserError(
                f"config key 'training.processes' asks for GPU {number + 1}; torch sees "
                f"{torch.cuda.device_count()} here"
            )
        device = torch.device("cuda", number)
        torch.cuda.set_device(device)
        check_gpu(device)
    else:
        _check_interface(os.environ.get("GLOO_SOCKET_IFNAME", ""))
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield device
        dist.barrier()
    except RuntimeError as error:
        if not _of_a_message(error):
            raise
        reason = str(error).strip().partition("\n")[0]
        raise ProcessLost(
            f"process {rank() + 1} of {world_size()} (on {socket.gethostname()}) cannot reach the "
            f"others any more ({reason}): one has ended, which says why if it could, or its node "
            "is lost. This one ends too. Run the same command again to continue from the newest "
            "checkpoint"
        ) from error
    finally:
        dist.destroy_process_group()


def _check_interface(names: str) -> None:
    """Check that the network devices that gloo is to use are there.

    Args:
        names: of devices, with commas; "" leaves the choice to gloo.

    Raises:
        UserError: one is not.
    """
    known = [name for _, name in socket.if_nameindex()]
    for name in filter(None, names.split(",")):
        if name not in known:
            raise UserError(
                f"GLOO_SOCKET_IFNAME is '{names}', but {socket.gethostname()} has no network "
                f"device '{name}'; it has {', '.join(known)}. Set one of these, or "
                "unset the variable"
            )


def _of_a_message(error: RuntimeError) -> bool:
    """Return whether an error is one of messages between processes; gloo's have no class."""
    return isinstance(error, dist.DistError) or "gloo" in str(error)


def barrier() -> None:
    """Wait for all processes."""
    if world_size() > 1:
        dist.barrier()
