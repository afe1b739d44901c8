"""Four synthetic image domains, drawn offline and deterministically from a seed.

Each stands for a dataset of the study: ``objects`` for ImageNet, ``species`` for iNat21, ``scenes``
for Places365 and ``landcover`` for GLC20. Each has a class hierarchy of three levels, whose fine
classes look alike under one middle parent. An image is a pure function of domain, seed, index and
size; every random number in it comes from ``fourlenses.core.randomness``.
"""

from types import ModuleType

import numpy as np

from fourlenses.core.errors import UserError
from fourlenses.core.randomness import mix, named_seed
from fourlenses.data.synthetic import landcover, objects, scenes, species
from fourlenses.data.synthetic.canvas import SUPERSAMPLE
from fourlenses.data.synthetic.draws import Draws

LEVELS: tuple[str, ...] = ("coarse", "middle", "fine")
_MODULES: dict[str, ModuleType] = {
    "objects": objects,
    "species": species,
    "scenes": scenes,
    "landcover": landcover,
}
DOMAINS: tuple[str, ...] = tuple(_MODULES)


def _module(domain: str) -> ModuleType:
    if domain not in _MODULES:
        raise UserError(f"unknown synthetic domain {domain!r}; known: {', '.join(DOMAINS)}")
    return _MODULES[domain]


def classes(domain: str) -> list[tuple[str, str, str]]:
    """Return the (coarse, middle, fine) names of every fine class of a domain.

    The position of a fine class is its label. Names are unique at each level.
    """
    return list(_module(domain).CLASSES)


def label(domain: str, seed: int, index: int | np.ndarray) -> int | np.ndarray:
    """Return the fine class of an image, drawn evenly by hash.

    Args:
        domain: Of DOMAINS.
        seed: Of the dataset.
        index: Of the image, or an array of indices.

    Returns:
        An int for an int, int64 of the same shape for an array.

    Raises:
        UserError: The domain is unknown.
    """
    count = np.uint64(len(_module(domain).CLASSES))
    # The hash has 64 bits, so the bias of the remainder is below 2**-58.
    drawn = mix(named_seed(seed, "synthetic", domain, "label"), index) % count
    return int(drawn) if np.ndim(index) == 0 else drawn.astype(np.int64)


def draw(domain: str, seed: int, index: int, *, size: int = 32) -> np.ndarray:
    """Return an image of the class that `label` gives: RGB, uint8 (size, size, 3).

    Args:
        domain: Of DOMAINS.
        seed: Of the dataset.
        index: Of the image.
        size: Pixels of a side, at least 8.

    Raises:
        UserError: The domain is unknown or the size too small.
    """
    module = _module(domain)
    if size < 8:
        raise UserError(f"size must be at least 8 pixels, not {size}")
    key = int(mix(named_seed(seed, "synthetic", domain, "image"), int(index)))
    return module.render(Draws(key), label(domain, seed, int(index)), SUPERSAMPLE * size)
