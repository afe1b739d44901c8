"""Real processes that talk to each other through gloo, as the processes of a run do."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing


def _process(rank: int, count: int, folder: str, function: Callable, arguments: tuple) -> None:
    torch.set_num_threads(1)
    # a file, not a port, for them to meet: no other program can take it in between
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=count
    )
    try:
        torch.save(function(*arguments), f"{folder}/{rank}.pt")
    finally:
        dist.destroy_process_group()


def run_processes(count: int, function: Callable, *arguments) -> list:
    """What ``function`` (of a module's top level) returns in each of ``count`` processes."""
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(_process, (count, folder, function, arguments), nprocs=count)
        return [torch.load(Path(folder) / f"{rank}.pt", weights_only=True) for rank in range(count)]
