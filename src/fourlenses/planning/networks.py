"""The network of each encoder of a study, at the size of its images, and what it costs.

Those of the vocabulary have their costs there. One of torchvision's or timm's is built without
weights (on torch's meta device) and asked; only then are these libraries imported.
"""

from functools import cache

from fourlenses.planning.backbones import BACKBONES
from fourlenses.study import Run
from fourlenses.study.encoders import split_start
from fourlenses.study.vocabulary import EXTERNAL, Backbone


def network_of(config: dict, run: Run) -> tuple[str, int]:
    """Return the architecture of a single encoder, and the side of its images in px.

    Args:
        config: completed.
        run: one encoder.
    """
    external = run.source if run.method == EXTERNAL else split_start(run.source)[1]
    if not external:
        return config["backbone"], config["image_size"]
    entry = config["encoders"][external]
    architecture = entry["architecture"]
    return architecture, entry.get("image_size") or _own_size(architecture)


@cache
def backbone(architecture: str, image_size: int) -> Backbone:
    """Return the costs of an architecture.

    Raises:
        UserError: no such architecture, it refuses the size, or its library is not installed.
    """
    if architecture in BACKBONES:
        return BACKBONES[architecture]
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from fourlenses.models.architectures import build_architecture

    with torch.device("meta"):
        network, _ = build_architecture(architecture, seed=0, image_size=image_size)
        network.eval()
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            features = network(torch.zeros(1, 3, image_size, image_size))
    return Backbone(
        architecture,
        architecture,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        width=features.shape[1],
        multiply_adds=counter.get_total_flops() / 2,
        side=image_size,
    )


@cache
def _own_size(architecture: str) -> int:
    from fourlenses.models.architectures import own_preprocessing

    preprocessing = own_preprocessing(architecture)
    return preprocessing.image_size if preprocessing else 224
