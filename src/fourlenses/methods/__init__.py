"""Training methods by name: one file each, and a line here."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from fourlenses.core.dataclass_keys import check_keys, filled
from fourlenses.core.errors import one_of
from fourlenses.core.randomness import named_seed
from fourlenses.methods.barlow_twins import BarlowTwins
from fourlenses.methods.byol import BYOL
from fourlenses.methods.lejepa import LeJEPA
from fourlenses.methods.method import DataInfo, Method
from fourlenses.methods.moco import MoCo
from fourlenses.methods.simclr import SimCLR
from fourlenses.methods.simsiam import SimSiam
from fourlenses.methods.supervised import Supervised
from fourlenses.methods.vicreg import VICReg

METHODS: dict[str, type[Method]] = {
    "simclr": SimCLR,
    "moco": MoCo,
    "byol": BYOL,
    "simsiam": SimSiam,
    "barlow_twins": BarlowTwins,
    "vicreg": VICReg,
    "lejepa": LeJEPA,
    "supervised": Supervised,
}


def method_class(name: str) -> type[Method]:
    """Return the class of the method of that name.

    Raises:
        UserError: no method has that name.
    """
    if name not in METHODS:
        raise one_of("method", name, METHODS)
    return METHODS[name]


def method_settings(name: str, values: Mapping[str, Any]) -> Any:
    """Return a method's ``Settings``, filled from the values of its keys.

    Raises:
        UserError: an unknown method, or a key that is unknown or missing.
    """
    kind = method_class(name).Settings
    check_keys(values, kind, where=f"method '{name}'")
    return filled(kind, values)


def build_method(
    name: str, encoder: nn.Module, feature_width: int, *, settings: Any, info: DataInfo
) -> Method:
    """Return the method of that name around an encoder.

    Its heads' weights are a function of the seed alone. Their stream of random numbers is named
    apart from the encoder's, which may be built from the same seed.

    Args:
        settings: of the method's own keys (`method_settings`).
    """
    kind = method_class(name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(named_seed(info.seed, "head") & 0x7FFFFFFFFFFFFFFF)
        return kind.build(encoder, feature_width, settings=settings, info=info)
