"""A network that is the moving average of another: MoCo's key network, BYOL's target network."""

import copy
import math

import torch
from torch import Tensor, nn


def momentum_at(step: int, total_steps: int, *, base: float, final: float) -> float:
    """Return the averaging coefficient at update ``step`` (0-based) of ``total_steps``.

    It is ``base`` at 0 and ``final`` at ``total_steps``, with half a cosine between: BYOL's
    schedule (Grill et al., NeurIPS 2020, implementation details), 1 - (1 - base)(cos(pi k / K) +
    1)/2 for final = 1. It is constant where base equals final.
    """
    return final - (final - base) * (math.cos(math.pi * step / total_steps) + 1) / 2


def momentum_copy(network: nn.Module) -> nn.Module:
    """Return a copy that starts with the same weights and takes no gradient."""
    return copy.deepcopy(network).requires_grad_(False)


@torch.no_grad()
def follow(followers: list[nn.Module], leaders: list[nn.Module], share: float | Tensor) -> None:
    """Update w' <- m w' + (1 - m) w for every parameter w' of a follower and its counterpart w.

    Buffers are not averaged, as in the official code of MoCo and BYOL: the follower's batch norms
    count their own running statistics.

    Args:
        share: 1 - m; as a tensor (scalar, float32) rounding differs in the last bits.
    """
    averages: list[Tensor] = [weight for network in followers for weight in network.parameters()]
    values: list[Tensor] = [weight for network in leaders for weight in network.parameters()]
    if isinstance(share, Tensor):
        steps = torch._foreach_sub(values, averages)
        torch._foreach_mul_(steps, share)
        torch._foreach_add_(averages, steps)
    else:
        torch._foreach_lerp_(averages, values, share)
