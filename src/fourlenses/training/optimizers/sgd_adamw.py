"""SGD and AdamW over all tensors at once, and the base that LARS shares with them.

Why not torch.optim: the first step of any of its optimisers imports torch's compiler, which takes
5 s, as long as a small job takes to do its work. These hold the same arithmetic in torch's _foreach
operations; the tests compare them with torch.optim, step by step.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


class Optimizer:
    """An optimiser with parameter groups as torch.optim has them.

    A group is a dictionary with ``params``, ``lr`` and the settings of the optimiser.
    """

    def __init__(self, params: Iterable[nn.Parameter] | Iterable[dict], defaults: dict):
        given: list[Any] = list(params)
        groups = given if isinstance(given[0], dict) else [{"params": given}]
        self.param_groups: list[dict[str, Any]] = [
            {**defaults, **group, "params": list(group["params"])} for group in groups
        ]
        self.state: dict[Tensor, dict[str, Tensor]] = {}

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """One update of every parameter that has a gradient."""
        for group in self.param_groups:
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            if parameters:
                self.update(parameters, [parameter.grad for parameter in parameters], group)

    def update(self, parameters: list[Tensor], gradients: list[Tensor], group: dict) -> None:
        """Update the parameters of a group that have gradients, in place."""
        raise NotImplementedError

    def buffers(self, parameters: list[Tensor], name: str) -> list[Tensor]:
        """Return a running tensor of that name per parameter, of its shape, zero at first."""
        for parameter in parameters:
            state = self.state.setdefault(parameter, {})
            if name not in state:
                state[name] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
        return [self.state[parameter][name] for parameter in parameters]

    def state_dict(self) -> dict:
        """Return plain values and tensors; parameters go by their number in the groups."""
        parameters = [parameter for group in self.param_groups for parameter in group["params"]]
        return {
            "state": {
                number: self.state[parameter]
                for number, parameter in enumerate(parameters)
                if parameter in self.state
            },
            "groups": [
                {name: value for name, value in group.items() if name != "params"}
                for group in self.param_groups
            ],
        }

    def load_state_dict(self, state: dict) -> None:
        """Take over what `state_dict` returned for the same parameters."""
        parameters = [parameter for group in self.param_groups for parameter in group["params"]]
        for group, settings in zip(self.param_groups, state["groups"], strict=True):
            group.update(settings)
        self.state = {
            parameters[number]: {
                name: value.to(parameters[number].device, copy=True)
                if isinstance(value, Tensor)
                else value
                for name, value in values.items()
            }
            for number, values in state["state"].items()
        }


class SGD(Optimizer):
    """Heavy-ball momentum: v <- m v + g + b w, w <- w - lr v, with momentum m and weight decay b.

    Args:
        nesterov: w <- w - lr (g + b w + m v) with the new v, the form of Sutskever et al. (ICML
            2013) that torch and TensorFlow have.
    """

    def __init__(
        self,
        params: Iterable,
        *,
        lr: float,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ):
        super().__init__(
            params,
            {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "nesterov": nesterov},
        )

    def update(self, parameters: list[Tensor], gradients: list[Tensor], group: dict) -> None:
        velocities = self.buffers(parameters, "velocity")
        torch._foreach_mul_(velocities, group["momentum"])
        torch._foreach_add_(velocities, gradients)
        torch._foreach_add_(velocities, parameters, alpha=group["weight_decay"])
        updates = velocities
        if group["nesterov"]:
            updates = list(torch._foreach_add(gradients, parameters, alpha=group["weight_decay"]))
            torch._foreach_add_(updates, velocities, alpha=group["momentum"])
        torch._foreach_add_(parameters, updates, alpha=-group["lr"])


class AdamW(Optimizer):
    """Adam with decoupled weight decay, betas 0.9 and 0.999, epsilon 1e-8.

    Loshchilov and Hutter, ICLR 2019, algorithm 2, https://arxiv.org/abs/1711.05101.
    """

    BETAS, EPSILON = (0.9, 0.999), 1e-8

    def __init__(self, params: Iterable, *, lr: float, weight_decay: float = 0.0):
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "steps": 0})

    def update(self, parameters: list[Tensor], gradients: list[Tensor], group: dict) -> None:
        first = self.buffers(parameters, "first_moment")
        second = self.buffers(parameters, "second_moment")
        group["steps"] += 1
        beta1, beta2 = self.BETAS
        correction1, correction2 = 1 - beta1 ** group["steps"], 1 - beta2 ** group["steps"]
        torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
        torch._foreach_lerp_(first, gradients, 1 - beta1)
        torch._foreach_mul_(second, beta2)
        torch._foreach_addcmul_(second, gradients, gradients, value=1 - beta2)
        denominators = torch._foreach_sqrt(second)
        torch._foreach_div_(denominators, correction2**0.5)
        torch._foreach_add_(denominators, self.EPSILON)
        torch._foreach_addcdiv_(parameters, first, denominators, value=-group["lr"] / correction1)
