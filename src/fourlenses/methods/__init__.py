"""Training methods by name. A method owns the encoder and its head, and turns views and labels into a loss.

Each is an ``nn.Module`` with the attributes ``encoder``, ``head`` and ``views_needed``, called as
``method(views: list of float32 (B, 3, S, S), labels: int64 (B,)) -> (scalar loss, {name: scalar diagnostic})``.
"""

from collections.abc import Callable

import torch
from torch import nn

from fourlenses.errors import UserError, one_of
from fourlenses.methods.simclr import SimCLR
from fourlenses.methods.supervised import Supervised
from fourlenses.randomness import named_seed


def _simclr(encoder: nn.Module, feature_width: int, settings: dict, num_classes: int) -> nn.Module:
    return SimCLR(
        encoder,
        feature_width,
        hidden=settings["projection_hidden"],
        outputs=settings["projection_out"],
        layers=settings["projection_layers"],
        temperature=settings["temperature"],
    )


def _supervised(encoder: nn.Module, feature_width: int, settings: dict, num_classes: int) -> nn.Module:
    return Supervised(encoder, feature_width, num_classes, label_smoothing=settings["label_smoothing"])


# Name -> builder and the settings that it reads; others are ignored, so that methods may share one block of a configuration.
METHODS: dict[str, tuple[Callable[[nn.Module, int, dict, int], nn.Module], tuple[str, ...]]] = {
    "simclr": (_simclr, ("temperature", "projection_hidden", "projection_out", "projection_layers")),
    "supervised": (_supervised, ("label_smoothing",)),
}


def build_method(name: str, encoder: nn.Module, feature_width: int, settings: dict, num_classes: int, seed: int) -> nn.Module:
    """The method of that name around an encoder; its head's weights are a function of the seed alone.

    The stream is named apart from the encoder's, which may be built from the same seed.
    """
    if name not in METHODS:
        raise one_of("method", name, METHODS)
    builder, needed = METHODS[name]
    missing = [key for key in needed if key not in settings]
    if missing:
        raise UserError(f"method {name!r} lacks the setting {missing[0]!r}; it needs {', '.join(needed)}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(named_seed(seed, "head") & 0x7FFFFFFFFFFFFFFF)
        return builder(encoder, feature_width, settings, num_classes)
