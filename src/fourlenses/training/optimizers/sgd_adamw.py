"""SGD and AdamW over all tensors at once, and the base that LARS shares with them.

Why not torch.optim: the first step of any of its optimisers imports torch's compiler, which takes
5 s, as long as a small job takes to do its work. These hold the same arithmetic in torch's _foreach
operations; the tests compare them with torch.optim, step by step.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from fourlenses.parallel.host_values import HostValues


class Optimizer:
    """An optimiser with parameter groups as torch.optim has them.

    A group is a dictionary with ``params``, ``lr`` and the settings of the optimiser.

    Attributes:
        host: where an update takes its numbers from, those that change from step to step.
    """

    host = HostValues()

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

    def step(self) -> None:
        """One update of every parameter that has a gradient."""
        self.apply()
        self.count()

    @torch.no_grad()
    def apply(self) -> None:
        """What a step does on the device; `count` is what it does on the host."""
        for group in self.param_groups:
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            if parameters:
                self.update(parameters, [parameter.grad for parameter in parameters], group)

    def count(self) -> None:
        """Count an update that was made."""

    def number(self, group: dict, name: str, compute: Callable[[], float]) -> float | Tensor:
        """Return a number of this step's update of a group."""
        return self.host.number(f"{name} of group {id(group)}", lambda _: compute())

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
        """Take over what `state_dict` returned for the same parameters.

        Where there is a tensor already it takes the content, and keeps its place on the device.
        """
        parameters = [parameter for group in self.param_groups for parameter in group["params"]]
        for group, settings in zip(self.param_groups, state["groups"], strict=True):
            group.update(settings)
        former, self.state = self.state, {}
        for number, values in state["state"].items():
            parameter = parameters[number]
            kept = former.get(parameter, {})
            self.state[parameter] = {
                name: kept[name].copy_(value)
                if name in kept
                else value.to(parameter.device, copy=True)
                for name, value in values.items()
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
        rate = self.number(group, "rate", lambda: -group["lr"])
        add_scaled_(parameters, updates, rate)


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
        beta1, beta2 = self.BETAS
        decay = self.number(group, "decay", lambda: 1 - group["lr"] * group["weight_decay"])
        root = self.number(group, "root", lambda: (1 - beta2 ** (group["steps"] + 1)) ** 0.5)
        rate = self.number(
            group, "rate", lambda: -group["lr"] / (1 - beta1 ** (group["steps"] + 1))
        )
        torch._foreach_mul_(parameters, decay)
        torch._foreach_lerp_(first, gradients, 1 - beta1)
        torch._foreach_mul_(second, beta2)
        torch._foreach_addcmul_(second, gradients, gradients, value=1 - beta2)
        denominators = torch._foreach_sqrt(second)
        torch._foreach_div_(denominators, root)
        torch._foreach_add_(denominators, self.EPSILON)
        if isinstance(rate, Tensor):
            add_scaled_(parameters, list(torch._foreach_div(first, denominators)), rate)
        else:
            torch._foreach_addcdiv_(parameters, first, denominators, value=rate)

    def count(self) -> None:
        for group in self.param_groups:
            if any(parameter.grad is not None for parameter in group["params"]):
                group["steps"] += 1


def add_scaled_(tensors: list[Tensor], others: list[Tensor], factor: float | Tensor) -> None:
    """Add others * factor to the tensors, in place.

    Args:
        factor: a tensor (scalar) takes a second pass over them, and rounds once more: as a plain
            number of an operation it would have to be read from the device.
    """
    if isinstance(factor, Tensor):
        torch._foreach_add_(tensors, torch._foreach_mul(others, factor))
    else:
        torch._foreach_add_(tensors, others, alpha=factor)
