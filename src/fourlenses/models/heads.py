"""The MLP between an encoder's features and a loss: projection heads, and predictors."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class ProjectionSettings:
    """The keys of a config that describe a projection head."""

    projection_hidden: int  # width of the inner layers
    projection_out: int  # width of the projections
    projection_layers: int  # linear maps


class ProjectionHead(nn.Module):
    """``layers`` linear maps with ReLU between them, to projections (B, outputs).

    As it stands this is the head g(h) of SimCLR (Chen et al., ICML 2020, section 4.2,
    https://arxiv.org/abs/2002.05709): batch norm before every ReLU, and linear maps without biases,
    because the batch norm after the inner ones has its own, and a common offset of all projections
    would only pull together the directions that the loss compares. With ``layers=1`` the head is
    the linear one of that paper's figure 8.

    Other papers' heads differ in four places: ``batch_norm=False`` leaves it out, ``bias`` gives
    the inner maps one, ``last_bias`` the last one, and ``last_norm`` puts a batch norm without
    scale and shift after the last map.
    """

    def __init__(
        self,
        inputs: int,
        hidden: int,
        outputs: int,
        *,
        layers: int,
        batch_norm: bool = True,
        bias: bool = False,
        last_bias: bool = False,
        last_norm: bool = False,
    ):
        super().__init__()
        if layers < 1:
            raise ValueError(f"a projection head needs at least one layer, not {layers}")
        widths = [inputs, *[hidden] * (layers - 1), outputs]
        modules: list[nn.Module] = []
        for before, after in pairwise(widths[:-1]):
            modules.append(nn.Linear(before, after, bias=bias))
            if batch_norm:
                modules.append(nn.BatchNorm1d(after))
            modules.append(nn.ReLU(inplace=True))
        modules.append(nn.Linear(widths[-2], widths[-1], bias=last_bias))
        if last_norm:
            modules.append(nn.BatchNorm1d(outputs, affine=False))
        self.layers = nn.Sequential(*modules)

    @classmethod
    def from_settings(cls, inputs: int, settings: ProjectionSettings, **options: bool) -> Self:
        """The head on features (B, ``inputs``); ``options``: as of the constructor."""
        return cls(
            inputs,
            settings.projection_hidden,
            settings.projection_out,
            layers=settings.projection_layers,
            **options,
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return projections (B, outputs) of features (B, inputs)."""
        return self.layers(features)
