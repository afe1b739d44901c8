"""Optimisers by name, with biases and norm parameters kept out of weight decay."""

from collections.abc import Callable

from torch import nn

from fourlenses.core.errors import one_of
from fourlenses.training.optimizers.lars import LARS
from fourlenses.training.optimizers.sgd_adamw import SGD, AdamW, Optimizer

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
    name: str, module: nn.Module, learning_rate: float, momentum: float, weight_decay: float
) -> Optimizer:
    """The optimiser of that name over the module's trainable parameters; ``momentum`` is for sgd, nesterov and lars.

    Two groups: weights of linear and convolutional layers with ``weight_decay``, and without it everything of at most one
    dimension. In a network of this pipeline those are exactly the biases and the norms' scales and shifts, which decay only harms.
    """
    if name not in OPTIMIZERS:
        raise one_of("optimizer", name, OPTIMIZERS)
    trainable = [parameter for parameter in module.parameters() if parameter.requires_grad]
    groups = [
        {
            "params": [parameter for parameter in trainable if parameter.ndim > 1],
            "weight_decay": weight_decay,
        },
        {
            "params": [parameter for parameter in trainable if parameter.ndim <= 1],
            "weight_decay": 0.0,
        },
    ]
    return OPTIMIZERS[name]([group for group in groups if group["params"]], learning_rate, momentum)
