"""Bytes that one image takes in a network, with and without gradients.

Networks of the vocabulary have them here. Another one is built without weights (on torch's meta
device) and run there: nothing is computed, but every tensor has its size.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True)
class ImageBytes:
    """What an image of `side` px takes in a network, float32.

    Args:
        side: px.
        forward: bytes of the most tensors that are alive at once in a pass without gradients.
        training: the same of a pass that keeps what the backward pass needs.
    """

    side: int
    forward: float
    training: float

    def at(self, image_size: int) -> "ImageBytes":
        """Return those of an image of another size; a convolution's grow with its area."""
        area = (image_size / self.side) ** 2
        return ImageBytes(image_size, area * self.forward, area * self.training)


# `measure` of each; a test compares them.
KNOWN = {
    "resnet_small": ImageBytes(32, 65_536, 174_080),
    "resnet_small_wide": ImageBytes(32, 131_072, 348_160),
    "resnet18_cifar": ImageBytes(32, 1_048_576, 4_687_872),
    "resnet18": ImageBytes(224, 6_422_528, 21_577_728),
    "resnet34": ImageBytes(224, 6_422_528, 31_612_928),
    "resnet50": ImageBytes(224, 10_436_608, 85_307_392),
    "resnet101": ImageBytes(224, 10_436_608, 126_251_008),
}


@cache
def image_bytes(architecture: str, image_size: int) -> ImageBytes:
    """Return what an image takes in an architecture.

    Raises:
        UserError: no such architecture, it refuses the size, or its library is not installed.
    """
    if architecture in KNOWN:
        return KNOWN[architecture].at(image_size)
    return measure(architecture, image_size)


FEW, MANY = 2, 8  # images; the difference is theirs alone, without what a pass takes of any batch


def measure(architecture: str, image_size: int) -> ImageBytes:
    """Run an architecture on torch's meta device, and return what an image took.

    Raises:
        UserError: see `image_bytes`.
    """
    import torch

    from fourlenses.models.architectures import build_architecture

    with torch.device("meta"):
        network, _ = build_architecture(architecture, seed=0, image_size=image_size)

    def peak(images: int, *, training: bool) -> int:
        batch = torch.zeros(images, 3, image_size, image_size, device="meta")
        network.train(training)
        alive = _alive()
        with torch.set_grad_enabled(training), alive:
            network(batch)
        return alive.most

    forward, training = (
        (peak(MANY, training=training) - peak(FEW, training=training)) / (MANY - FEW)
        for training in (False, True)
    )
    return ImageBytes(image_size, forward, training)


def _alive() -> Any:
    """Return a context that watches the tensors made in it: `most` are the bytes alive at once."""
    from torch import Tensor
    from torch.multiprocessing.reductions import StorageWeakRef
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    class Alive(TorchDispatchMode):
        def __init__(self) -> None:
            super().__init__()
            self.most = 0
            self._storages: dict[int, tuple[StorageWeakRef, int]] = {}

        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            made = func(*args, **(kwargs or {}))
            for tensor in tree_leaves(made):
                if isinstance(tensor, Tensor):
                    storage = tensor.untyped_storage()
                    self._storages[storage._cdata] = StorageWeakRef(storage), storage.nbytes()
            self._storages = {
                key: pair for key, pair in self._storages.items() if not pair[0].expired()
            }
            self.most = max(self.most, sum(size for _, size in self._storages.values()))
            return made

    return Alive()
