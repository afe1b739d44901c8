"""The part of each of two processes in the tests of MoCo.

A separate file, so that they need not import what the tests do.
"""

import torch
from torch import Tensor, nn

from fourlenses.parallel.distributed import all_gather_rows, rank
from tests.helpers.tiny import SplitNorm, tiny, views


def own_share() -> dict[str, dict[str, Tensor]]:
    """Three steps on this process's half of the rows, by running and by batch statistics."""
    share = slice(4 * rank(), 4 * rank() + 4)
    return {kind: three_steps(share, groups) for kind, groups in (("running", 0), ("batch", 1))}


def three_steps(share: slice, groups: int) -> dict[str, Tensor]:
    """Keys, queue and pointer after three steps from this share of every batch.

    ``groups=0``: running statistics alone.
    """
    method = tiny("moco", queue_size=20).eval()
    if groups:
        method.key_encoder = nn.Sequential(method.key_encoder, SplitNorm(groups))
        method.encoder = nn.Sequential(method.encoder, nn.Identity())
    all_keys = []
    for step in range(3):
        (keys,) = method.targets([view[share] for view in views(seed=step)])
        keys = all_gather_rows(keys)
        all_keys.append(keys)
        method.after_step((keys,), step, 3)
    return {"keys": torch.stack(all_keys), "queue": method.queue, "pointer": method.pointer}
