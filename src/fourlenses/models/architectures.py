"""Networks by an architecture's name, ours, torchvision's or timm's, without their classifier.

A name is ``resnet18`` (one of `fourlenses.models.backbones`), ``torchvision:convnext_tiny`` or
``timm:vit_small_patch16_224``. timm is an extra: a study that names none of its networks starts
without it. Nothing here downloads anything.
"""

from dataclasses import dataclass
from types import ModuleType

import torch
from torch import nn
from torch.nn.modules.dropout import _DropoutNd

from fourlenses.core.errors import UserError, did_you_mean, one_of
from fourlenses.models.backbones import BACKBONES, build_backbone
from fourlenses.study.preprocessing import BILINEAR, resized
from fourlenses.study.vocabulary import LIBRARIES

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """How an encoder wants its images.

    image_size: px, the side of the square it sees. crop: the share of the shorter side that the
    centre crop keeps, 0 to 1. mean, std: of each channel, for images scaled to [0, 1].
    interpolation: one of `INTERPOLATIONS`, by which images are scaled.
    """

    image_size: int
    crop: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str = BILINEAR

    @property
    def resized(self) -> int:
        """Return the px that the shorter side is scaled to, before the centre is cut out."""
        return resized(self.image_size, self.crop)


def split_architecture(name: str) -> tuple[str, str]:
    """Return the library ("" for ours) and the name in it.

    Raises:
        UserError: the library is none of `LIBRARIES`.
    """
    library, colon, inner = name.partition(":")
    if not colon:
        return "", name
    if library not in LIBRARIES:
        raise one_of("library of an architecture", library, LIBRARIES)
    return library, inner


def build_architecture(
    name: str, *, seed: int, image_size: int | None = None, several_sizes: bool = False
) -> tuple[nn.Module, int]:
    """Build a network without its classifier; its weights are a function of the seed alone.

    Dropout and stochastic depth are off: their draws would come from torch's generator, whose
    state is no part of a checkpoint.

    Args:
        name: see the module.
        seed: of the initialisation; the caller's random state is left as it was.
        image_size: px. A vision transformer has a position embedding for that size; None: its own.
        several_sizes: images of other sizes are coming too, as the views of a method may be.

    Returns:
        The network, which maps float32 (B, 3, H, W) to features (B, width) as its library defines
        them before the classifier; and the width.

    Raises:
        UserError: no such architecture; timm is not installed; the image size is refused.
    """
    library, inner = split_architecture(name)
    if not library:
        return build_backbone(inner, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed & 0x7FFFFFFFFFFFFFFF)
        try:
            if library == "torchvision":
                network, width = _build_torchvision(inner, image_size)
            else:
                network, width = _build_timm(inner, image_size, several_sizes=several_sizes)
        except (RuntimeError, AssertionError, ValueError) as error:
            if isinstance(error, UserError) or image_size is None:
                raise
            raise _refused(name, image_size, error) from error
    return _without_draws(network), width


def is_convolutional(network: nn.Module) -> bool:
    """Return whether channels-last memory may help: a vision transformer has one convolution."""
    return sum(isinstance(layer, nn.Conv2d) for layer in network.modules()) > 1


def _without_draws(network: nn.Module) -> nn.Module:
    for layer in network.modules():
        if isinstance(layer, _DropoutNd) or type(layer).__name__ == "StochasticDepth":
            layer.p = 0.0  # type: ignore[assignment]  # torch: modules and tensors only
        elif type(layer).__name__ == "DropPath":  # timm's
            layer.drop_prob = 0.0  # type: ignore[assignment]  # as above
    return network


def own_preprocessing(name: str) -> Preprocessing | None:
    """Return what the weights that the library offers for this architecture expect.

    None where there is no convention: one of ours, or no such weights.
    """
    library, inner = split_architecture(name)
    if library == "torchvision":
        return _torchvision_preprocessing(inner)
    if library == "timm":
        timm = _timm(inner)
        configured = timm.get_pretrained_cfg(inner).to_dict()
        chosen = timm.data.resolve_data_config(pretrained_cfg=configured)
        size = chosen["input_size"][-1]
        return Preprocessing(
            image_size=size,
            crop=chosen["crop_pct"],
            mean=tuple(chosen["mean"]),
            std=tuple(chosen["std"]),
            interpolation=chosen["interpolation"],
        )
    return None


def _build_torchvision(name: str, image_size: int | None) -> tuple[nn.Module, int]:
    torchvision = _torchvision(name)
    sized = {"image_size": image_size} if name.startswith("vit_") and image_size else {}
    # the auxiliary classifiers of GoogLeNet and Inception v3 return tuples in training
    auxiliary = {"aux_logits": False} if name in ("googlenet", "inception_v3") else {}
    network = torchvision.models.get_model(name, weights=None, **sized, **auxiliary)
    return network, _take_classifier_off(network)


def _take_classifier_off(network: nn.Module) -> int:
    """Replace the last linear layer by the identity and return its number of inputs."""
    *_, (path, layer) = (
        (path, layer) for path, layer in network.named_modules() if isinstance(layer, nn.Linear)
    )
    network.set_submodule(path, nn.Identity())
    return layer.in_features


def _torchvision_preprocessing(name: str) -> Preprocessing | None:
    torchvision = _torchvision(name)
    weights = getattr(torchvision.models.get_model_weights(name), "DEFAULT", None)
    if weights is None:
        return None
    transform = weights.transforms()
    crop, resized = transform.crop_size[0], transform.resize_size[0]
    return Preprocessing(
        image_size=crop,
        crop=crop / resized,
        mean=tuple(transform.mean),
        std=tuple(transform.std),
        interpolation=transform.interpolation.value,
    )


def _torchvision(name: str) -> ModuleType:
    import torchvision  # here: takes seconds, and a study of the backbones here needs none of it

    known = torchvision.models.list_models(module=torchvision.models)
    if name not in known:
        raise UserError(
            f"torchvision {torchvision.__version__} has no network for images called '{name}'"
            f"{did_you_mean(name, known)}; torchvision.models.list_models() lists them"
        )
    return torchvision


def _build_timm(name: str, image_size: int | None, *, several_sizes: bool) -> tuple[nn.Module, int]:
    timm = _timm(name)
    default = timm.get_pretrained_cfg(name)
    default_size = default.input_size[-1] if default is not None else None
    fixed = default is not None and default.fixed_input_size
    sized = {"img_size": image_size} if fixed and image_size and image_size != default_size else {}
    if fixed and several_sizes:
        sized["dynamic_img_size"] = True
    try:
        network = timm.create_model(name, pretrained=False, num_classes=0, **sized)
    except TypeError as error:
        raise UserError(
            f"the architecture 'timm:{name}' takes images of one size only ({error}); give all "
            "views that size, or choose another architecture"
        ) from error
    return network, getattr(network, "head_hidden_size", None) or network.num_features


def _timm(name: str) -> ModuleType:
    try:
        import timm
        import timm.data
    except ImportError as error:
        raise UserError(
            f"the architecture 'timm:{name}' needs the package timm, which is not installed here "
            f"({error}); install it: make setup EXTRAS=timm, or pip install timm"
        ) from error
    base = name.partition(".")[0]
    if not timm.is_model(base):
        raise UserError(
            f"timm {timm.__version__} has no network called '{name}'"
            f"{did_you_mean(base, timm.list_models())}; timm.list_models() lists them"
        )
    return timm


def known_architecture(name: str) -> bool:
    """Return whether the name is one of ours or names a library that may have it."""
    library, inner = split_architecture(name)
    return bool(library) or inner in BACKBONES


def _refused(name: str, image_size: int, error: Exception) -> UserError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return UserError(
        f"the architecture '{name}' refuses images of {image_size} px: {reason}; choose an "
        "'image_size' it takes"
    )


def check_image_size(network: nn.Module, image_size: int, *, name: str) -> int:
    """Return the width of the features of an image of that size.

    Raises:
        UserError: the network refuses the size, or does not return one vector an image.
    """
    training = network.training
    network.eval()
    try:
        with torch.inference_mode():
            features = network(torch.zeros(1, 3, image_size, image_size))
    except (RuntimeError, AssertionError, ValueError) as error:
        raise _refused(name, image_size, error) from error
    finally:
        network.train(training)
    if not isinstance(features, torch.Tensor) or features.ndim != 2:
        raise UserError(
            f"the architecture '{name}' does not return one vector of features an image; choose a "
            "network for classification"
        )
    return features.shape[1]
