"""Methods around an encoder so small that a step takes a millisecond."""

import torch
from torch import Tensor, nn

from fourlenses.methods import build_method, method_settings
from fourlenses.methods.method import DataInfo, Method

WIDTH = 8
TWO_LAYERS = {"projection_hidden": 16, "projection_out": 6}
PROJECTION = TWO_LAYERS | {"projection_layers": 2}
SETTINGS = {
    "simclr": PROJECTION | {"temperature": 0.5, "projection_last_norm": True},
    "moco": PROJECTION
    | {
        "temperature": 0.2,
        "queue_size": 16,
        "ema_momentum": 0.9,
        "ema_momentum_final": 0.9,
        "symmetric": False,
    },
    "byol": TWO_LAYERS | {"prediction_hidden": 16, "ema_momentum": 0.9},
    "simsiam": PROJECTION | {"prediction_hidden": 12},
    "barlow_twins": PROJECTION | {"off_diagonal_weight": 0.005, "loss_weight": 1.0},
    "vicreg": PROJECTION
    | {"invariance_weight": 25.0, "variance_weight": 25.0, "covariance_weight": 1.0},
    "lejepa": PROJECTION | {"global_views": 2, "sigreg_weight": 0.1, "sigreg_directions": 16},
    "supervised": {"label_smoothing": 0.0},
}


def encoder(seed: int = 0) -> nn.Module:
    """(B, 3, 6, 6) to (B, 8)."""
    torch.manual_seed(seed)
    convolution = nn.Conv2d(3, WIDTH, 3, stride=2, bias=False)
    return nn.Sequential(
        convolution, nn.BatchNorm2d(WIDTH), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


def tiny(name: str, images: int = 100, batch_size: int = 8, seed: int = 0, **settings) -> Method:
    info = DataInfo(images=images, num_classes=5, batch_size=batch_size, seed=seed)
    method_keys = method_settings(name, SETTINGS[name] | settings)
    return build_method(name, encoder(), WIDTH, settings=method_keys, info=info)


def views(count: int = 2, batch: int = 8, seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.rand(batch, 3, 6, 6, generator=generator) for _ in range(count)]


def rows(batch: int, width: int, seed: int) -> Tensor:
    return torch.randn(batch, width, generator=torch.Generator().manual_seed(seed))


def trainable(method: Method) -> list[nn.Parameter]:
    return [parameter for parameter in method.parameters() if parameter.requires_grad]


def train(
    method: Method, steps: range, total: int, batch: int = 8, rate: float = 0.1
) -> list[float]:
    """Plain gradient descent, a new batch for every step; the losses."""
    losses = []
    for step in steps:
        images = views(method.views_needed, batch, seed=step)
        targets = method.targets(images)
        loss, _ = method.loss(method.embed(images), targets, torch.arange(batch) % 5)
        gradients = torch.autograd.grad(loss, trainable(method))
        with torch.no_grad():
            for parameter, gradient in zip(trainable(method), gradients, strict=True):
                parameter -= rate * gradient
        method.after_step(targets, step, total)
        losses.append(loss.item())
    return losses


class SplitNorm(nn.Module):
    """Batch norm without scale and shift, over ``groups`` runs of consecutive rows."""

    def __init__(self, groups: int):
        super().__init__()
        self.groups = groups

    def forward(self, rows: Tensor) -> Tensor:
        parts = rows.unflatten(0, (self.groups, -1))
        return (
            (parts - parts.mean(1, keepdim=True)) / (parts.std(1, keepdim=True) + 1e-3)
        ).flatten(0, 1)
