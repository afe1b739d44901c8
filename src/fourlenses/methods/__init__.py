"""Training methods by name: one file each, and a line here."""

import torch
from torch import nn

from fourlenses.core.errors import UserError, one_of
from fourlenses.core.randomness import named_seed
from fourlenses.methods.barlow_twins import BarlowTwins
from fourlenses.methods.byol import BYOL
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
    "supervised": Supervised,
}


def build_method(
    name: str, encoder: nn.Module, feature_width: int, settings: dict, facts: DataInfo
) -> Method:
    """The method of that name around an encoder; its heads' weights are a function of the seed alone.

    The stream is named apart from the encoder's, which may be built from the same seed.
    """
    if name not in METHODS:
        raise one_of("method", name, METHODS)
    needed = METHODS[name].settings
    missing = [key for key in needed if key not in settings]
    if missing:
        raise UserError(
            f"method {name!r} lacks the setting {missing[0]!r}; it needs {', '.join(needed)}"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(named_seed(facts.seed, "head") & 0x7FFFFFFFFFFFFFFF)
        return METHODS[name].build(encoder, feature_width, settings, facts)
