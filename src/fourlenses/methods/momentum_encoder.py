"""A network that follows another one as its moving average: the key network of MoCo, the target network of BYOL."""

import copy
import math

import torch
from torch import nn


def momentum_at(step: int, total_steps: int, base: float, final: float) -> float:
    """The averaging coefficient at update ``step`` (0-based) of ``total_steps``: base at 0, final at total_steps, half a cosine between.

    BYOL's schedule (Grill et al., NeurIPS 2020, implementation details): 1 - (1 - base)(cos(pi k / K) + 1)/2 for final = 1. It is constant
    where base equals final.
    """
    return final - (final - base) * (math.cos(math.pi * step / total_steps) + 1) / 2


def momentum_copy(network: nn.Module) -> nn.Module:
    """A copy that starts with the same weights and takes no gradient."""
    return copy.deepcopy(network).requires_grad_(False)


@torch.no_grad()
def follow(followers: list[nn.Module], leaders: list[nn.Module], momentum: float) -> None:
    """w' <- m w' + (1 - m) w for every parameter w' of a follower and its counterpart w, all tensors at once.

    Buffers are not averaged, as in the official code of MoCo and BYOL: the follower's batch norms count their own running statistics.
    """
    averages = [parameter for network in followers for parameter in network.parameters()]
    values = [parameter for network in leaders for parameter in network.parameters()]
    torch._foreach_lerp_(averages, values, 1 - momentum)
