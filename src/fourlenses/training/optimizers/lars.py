"""LARS, layer-wise adaptive rate scaling (You, Gitman, Ginsburg, 2017).

Large Batch Training of Convolutional Networks, https://arxiv.org/abs/1708.03888, as SimCLR uses it:
heavy-ball momentum, and neither weight decay nor adaptation for biases and norm parameters.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from fourlenses.training.optimizers.sgd_adamw import Optimizer, add_scaled_


class LARS(Optimizer):
    """Heavy-ball momentum with a rate for each layer (Algorithm 1 of the paper).

    For each parameter w with gradient g, weight decay b and trust coefficient t:
    g' = g + b w, r = t |w| / |g'| (1 where either norm is 0), v <- m v + lr r g', w <- w - v.

    The paper divides by |g| + b |w|; like SimCLR's implementation this takes the norm of the sum,
    the step's true direction.
    Parameters of at most one dimension, and all of a group with ``adapted`` False, take g' = g and
    r = 1. All tensors of a group go through torch's _foreach operations, and the norms stay on the
    device, so that a step neither loops over kernels nor waits for the device.
    """

    def __init__(
        self,
        params: Iterable,
        *,
        lr: float,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        trust_coefficient: float = 0.001,
    ):
        if lr < 0 or not 0 <= momentum < 1 or weight_decay < 0 or trust_coefficient <= 0:
            raise ValueError(
                "LARS needs lr >= 0, 0 <= momentum < 1, weight_decay >= 0 and trust_coefficient > "
                f"0, not {lr}, {momentum}, {weight_decay}, {trust_coefficient}"
            )
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "weight_decay": weight_decay,
                "trust_coefficient": trust_coefficient,
                "adapted": True,
            },
        )

    def update(self, parameters: list[Tensor], gradients: list[Tensor], group: dict) -> None:
        pairs = list(zip(parameters, gradients, strict=True))
        adapted = [pair for pair in pairs if group["adapted"] and pair[0].ndim > 1]
        plain = [pair for pair in pairs if not group["adapted"] or pair[0].ndim <= 1]
        if adapted:
            weights = [parameter for parameter, _ in adapted]
            updates = [gradient for _, gradient in adapted]
            updates = list(torch._foreach_add(updates, weights, alpha=group["weight_decay"]))
            torch._foreach_mul_(
                updates, _trust_ratios(weights, updates, group["trust_coefficient"])
            )
            self._descend(weights, updates, group)
        if plain:
            self._descend(
                [parameter for parameter, _ in plain], [gradient for _, gradient in plain], group
            )

    def _descend(self, parameters: list[Tensor], updates: list[Tensor], group: dict) -> None:
        """Update: v <- m v + lr u, w <- w - v.

        The rate is inside v, so that a change of it acts gradually, as in the paper.
        """
        velocities = self.buffers(parameters, "velocity")
        torch._foreach_mul_(velocities, group["momentum"])
        add_scaled_(velocities, updates, self.number(group, "rate", lambda: group["lr"]))
        torch._foreach_sub_(parameters, velocities)


def _trust_ratios(
    parameters: list[Tensor], updates: list[Tensor], coefficient: float
) -> list[Tensor]:
    """Return coefficient * |w| / |u| of each pair, a scalar tensor.

    It is 1 where a norm is 0, which leaves a layer at zero free to move.
    """
    weights = torch.stack(torch._foreach_norm(parameters))  # (tensors,)
    steps = torch.stack(torch._foreach_norm(updates))
    ratios = torch.where(
        (weights > 0) & (steps > 0), coefficient * weights / steps, torch.ones_like(weights)
    )
    return list(ratios.unbind())
