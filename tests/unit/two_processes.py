"""What each of two processes does in the tests of MoCo; a file of its own, so that they need not import what the tests do."""

from pathlib import Path

import torch
from tests.unit.tiny import SplitNorm, tiny, views
from torch import Tensor, nn
from torch import distributed as dist

from fourlenses.distributed import gather_rows


def process(rank: int, port: int, folder: Path) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    share = slice(4 * rank, 4 * rank + 4)
    for kind, groups in (("running", 0), ("batch", 1)):
        torch.save(three_steps(share, groups), folder / f"{kind}{rank}.pt")
    dist.destroy_process_group()


def three_steps(share: slice, groups: int) -> dict[str, Tensor]:
    """Keys, queue and pointer after three steps from this share of every batch; ``groups=0``: running statistics alone."""
    method = tiny("moco", queue_size=20).eval()
    if groups:
        method.key_encoder = nn.Sequential(method.key_encoder, SplitNorm(groups))
        method.encoder = nn.Sequential(method.encoder, nn.Identity())
    seen = []
    for step in range(3):
        (keys,) = method.targets([view[share] for view in views(seed=step)])
        keys = gather_rows(keys)
        seen.append(keys)
        method.after_step((keys,), step, 3)
    return {"keys": torch.stack(seen), "queue": method.queue, "pointer": method.pointer}
