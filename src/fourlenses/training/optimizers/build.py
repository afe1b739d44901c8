"""Optimisers by name, with the parameters that should not decay kept out of weight decay."""

from collections.abc import Callable

from torch import nn

from fourlenses.core.errors import one_of
from fourlenses.training.optimizers.lars import LARS
from fourlenses.training.optimizers.sgd_adamw import SGD, AdamW, Optimizer

# Class token, position embedding and table of a vision transformer, as torchvision calls them.
TOKENS = ("class_token", "pos_embedding", "relative_position_bias_table")
# (parameter groups, learning rate, momentum) -> optimiser; the groups carry their weight decay.
OPTIMIZERS: dict[str, Callable[[list[dict], float, float], Optimizer]] = {
    "sgd": lambda groups, rate, momentum: SGD(groups, lr=rate, momentum=momentum),
    "nesterov": lambda groups, rate, momentum: SGD(
        groups, lr=rate, momentum=momentum, nesterov=True
    ),
    # AdamW's two decay rates take the place of the momentum, whose setting it leaves alone.
    "adamw": lambda groups, rate, momentum: AdamW(groups, lr=rate),
    "lars": lambda groups, rate, momentum: LARS(groups, lr=rate, momentum=momentum),
}


def build_optimizer(
    name: str,
    module: nn.Module,
    *,
    learning_rate: float,
    momentum: float,
    weight_decay: float,
    late: nn.Module | None = None,
) -> Optimizer:
    """Return the optimiser of that name over the module's trainable parameters.

    It has two groups: what decays, and what does not (`without_decay`); ``late`` has two more.

    Args:
        momentum: of sgd, nesterov and lars.
        weight_decay: of the parameters that decay.
        late: a part of the module that is frozen at first. AdamW counts the updates of a group, and
            corrects its averages by the count: that of a late part begins when it is updated.

    Raises:
        UserError: an unknown name.
    """
    if name not in OPTIMIZERS:
        raise one_of("optimizer", name, OPTIMIZERS)
    spared = without_decay(module)
    trainable = [
        (key, parameter) for key, parameter in module.named_parameters() if parameter.requires_grad
    ]
    waiting = set() if late is None else {id(parameter) for parameter in late.parameters()}
    groups = []
    for waits in (False, True):
        part = [
            (key, parameter) for key, parameter in trainable if (id(parameter) in waiting) == waits
        ]
        decaying = [parameter for key, parameter in part if key not in spared]
        others = [parameter for key, parameter in part if key in spared]
        groups += [
            {"params": decaying, "weight_decay": weight_decay},
            {"params": others, "weight_decay": 0.0, "adapted": False},
        ]
    return OPTIMIZERS[name]([group for group in groups if group["params"]], learning_rate, momentum)


def without_decay(module: nn.Module) -> set[str]:
    """Return the names of the parameters that should not decay.

    These are biases and the scales and shifts of norms, which are all that have at most one
    dimension; and what a part of the module names itself, by a method ``no_weight_decay()`` that
    returns names of parameters, as timm's networks have it: a vision transformer's class
    token and position embedding. torchvision's have no such method, but names for them (`TOKENS`).
    """
    names = {
        key
        for key, parameter in module.named_parameters()
        if parameter.ndim <= 1 or key.rpartition(".")[2] in TOKENS
    }
    for prefix, part in module.named_modules():
        ask = getattr(part, "no_weight_decay", None)
        if callable(ask):
            names |= {f"{prefix}.{name}" if prefix else name for name in ask()}
    return names
