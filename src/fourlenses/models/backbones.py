"""Residual encoders by name, under torchvision's parameter names.

He et al.: Deep Residual Learning, CVPR 2016, https://arxiv.org/abs/1512.03385. Every encoder maps
float32 images (B, 3, H, W) to pooled features (B, width). The names follow
``torchvision.models.resnet`` throughout, so that a stored encoder loads into torchvision and
torchvision's own weights load here.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from fourlenses.core.errors import one_of


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut: torchvision's block, name for name.

    Written out because importing torchvision takes 5 s (it pulls in torch's compiler), as long as a
    small job takes to do its work.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(outputs),
            )

    def forward(self, maps: Tensor) -> Tensor:
        shortcut = maps if self.downsample is None else self.downsample(maps)
        maps = self.relu(self.bn1(self.conv1(maps)))
        return self.relu(self.bn2(self.conv2(maps)) + shortcut)


class SmallResNet(nn.Module):
    """A ResNet-10 whose cost suits 32-64 px on a CPU.

    One BasicBlock a stage after a 3x3 stem of stride 2 and no max-pool. The stem's stride, not a
    pool, takes the first halving: at 32 px the four stages then have 16, 8, 4 and 2 px.
    """

    def __init__(self, widths: tuple[int, int, int, int]):
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], kernel_size=3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = nn.Sequential(BasicBlock(widths[0], widths[0]))
        self.layer2 = nn.Sequential(BasicBlock(widths[0], widths[1], stride=2))
        self.layer3 = nn.Sequential(BasicBlock(widths[1], widths[2], stride=2))
        self.layer4 = nn.Sequential(BasicBlock(widths[2], widths[3], stride=2))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        _initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.relu(self.bn1(self.conv1(images)))  # (B, widths[0], H/2, W/2)
        maps = self.layer2(self.layer1(maps))
        maps = self.layer4(self.layer3(maps))  # (B, widths[3], H/16, W/16)
        return self.avgpool(maps).flatten(1)  # (B, widths[3])


def _initialise(module: nn.Module) -> None:
    """Initialise as torchvision does for residual networks.

    Kaiming normal over fan-out for convolutions, 1 and 0 for batch norms.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.constant_(layer.weight, 1)
            nn.init.constant_(layer.bias, 0)


def _torchvision(name: str) -> tuple[nn.Module, int]:
    """torchvision's network with its classifier replaced by the identity."""
    import torchvision  # here, not above: see BasicBlock

    network = getattr(torchvision.models, name)(weights=None)
    width = network.fc.in_features
    network.fc = nn.Identity()
    return network, width


def _resnet18_cifar() -> tuple[nn.Module, int]:
    """ResNet-18 for 32 px, as in SimCLR's appendix B.9: a 3x3 stem of stride 1 and no max-pool."""
    network, width = _torchvision("resnet18")
    network.conv1 = nn.Conv2d(3, 64, kernel_size=3, stride=1, padding=1, bias=False)
    network.maxpool = nn.Identity()
    _initialise(network)
    return network, width


BACKBONES: dict[str, Callable[[], tuple[nn.Module, int]]] = {
    "resnet18": lambda: _torchvision("resnet18"),
    "resnet34": lambda: _torchvision("resnet34"),
    "resnet50": lambda: _torchvision("resnet50"),
    "resnet101": lambda: _torchvision("resnet101"),
    "resnet18_cifar": _resnet18_cifar,
    "resnet_small": lambda: (SmallResNet((16, 32, 64, 128)), 128),
    "resnet_small_wide": lambda: (SmallResNet((32, 64, 128, 256)), 256),
}


def build_backbone(name: str, seed: int) -> tuple[nn.Module, int]:
    """Return the encoder of that name and the width of its features.

    Its weights are a function of the seed alone. It is built on the CPU under a generator of its
    own, so the caller's random state is left as it was.

    Raises:
        UserError: an unknown name.
    """
    if name not in BACKBONES:
        raise one_of("backbone", name, BACKBONES)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed & 0x7FFFFFFFFFFFFFFF)
        return BACKBONES[name]()
