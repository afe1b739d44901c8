"""Which network of timm an encoder is, and the exported folder read back without any other library.

timm's and torchvision's residual networks have the same names and shapes, others of the same name
have not. So the answer is measured: timm's network is filled with the weights and compared.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json
from fourlenses.models.architectures import build_architecture, split_architecture
from fourlenses.models.weights import load_weights

CONFIG, WEIGHTS = "config.json", "model.safetensors"
AS_EQUAL = 1e-5  # of features: the largest difference that counts as equal
NOT_TIMM = ("resnet_small", "resnet_small_wide", "resnet18_cifar")  # of this project alone


@dataclass(frozen=True)
class TimmNetwork:
    """A network of timm.

    Attributes:
        name: of the architecture, without the tag of its weights.
        arguments: of its constructor.
    """

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)


def probe(image_size: int, images: int = 2) -> torch.Tensor:
    """Return fixed images (``images``, 3, ``image_size``, ``image_size``) of numbers in [0, 1)."""
    generator = torch.Generator().manual_seed(0)
    return torch.rand(images, 3, image_size, image_size, generator=generator)


def in_timm(architecture: str, network: nn.Module, image_size: int) -> TimmNetwork | None:
    """Return the network of timm that is this one; None where there is none.

    Args:
        architecture: its name, see `fourlenses.models.architectures`.
        network: the encoder, in evaluation mode.
        image_size: px.

    Raises:
        UserError: timm is needed and not installed.
    """
    library, inner = split_architecture(architecture)
    if not library and inner in NOT_TIMM:
        return None
    named = f"timm:{inner}"
    try:
        twin, _ = build_architecture(named, seed=0, image_size=image_size)
    except UserError:
        if library == "timm" or not _has_timm():
            raise
        return None
    if library != "timm" and not _equal(network, twin.eval(), image_size):
        return None
    about: Any = twin.pretrained_cfg
    fixed = about.get("fixed_input_size", False)
    return TimmNetwork(inner.partition(".")[0], {"img_size": image_size} if fixed else {})


def _has_timm() -> bool:
    try:
        import timm  # noqa: F401
    except ImportError:
        return False
    return True


def _equal(network: nn.Module, twin: nn.Module, image_size: int) -> bool:
    """Return whether the twin takes the network's weights, and its features are then equal."""
    state = network.state_dict()
    expected = {name: tensor.shape for name, tensor in twin.state_dict().items()}
    if {name: tensor.shape for name, tensor in state.items()} != expected:
        return False
    twin.load_state_dict(state)
    images = probe(image_size)
    with torch.inference_mode():
        difference = (network(images) - twin(images)).abs().max()
    return float(difference) <= AS_EQUAL


def read_exported(folder: Path) -> nn.Module:
    """Return the encoder of an exported folder, in evaluation mode; it needs no other library.

    Args:
        folder: with config.json and model.safetensors.

    Raises:
        UserError: there is no such folder, or the file is no config of an exported encoder.
    """
    file = Path(folder) / CONFIG
    try:
        about = read_json(file)["fourlenses"]
        architecture, image_size = about["architecture"], about["image_size"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{file} is no config of an exported encoder ({type(error).__name__}: {error}); name a "
            "folder that `snakemake export` wrote"
        ) from error
    network, _ = build_architecture(architecture, seed=0, image_size=image_size)
    return load_weights(network, Path(folder) / WEIGHTS).eval()
