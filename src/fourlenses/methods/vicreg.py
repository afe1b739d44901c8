"""VICReg: embeddings of two views near each other, spread out, their dimensions uncorrelated.

Bardes et al., ICLR 2022, https://arxiv.org/abs/2105.04906.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fourlenses.methods.collapse import embedding_std
from fourlenses.methods.method import DataInfo, Diagnostics, Embeddings, Method
from fourlenses.methods.precision import at_least_float32
from fourlenses.models.heads import ProjectionHead, ProjectionSettings


def vicreg(z1: Tensor, z2: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the invariance, variance and covariance terms, three scalars (equations 1 to 5).

    As in the official code, the invariance is the mean over dimensions too (equation 5 has their
    sum), and the variance term is the mean of both views' (equation 6 has their sum): with the
    paper's weights 25, 25 and 1 this is what its results are from.

    Args:
        z1, z2: embeddings of two views, float (N, D), N at least 2.
    """
    # In single precision even under autocast: the covariances are sums over the batch, squared and
    # summed over D^2 of them.
    with torch.autocast(z1.device.type, enabled=False):
        z1, z2 = map(at_least_float32, (z1, z2))
        variance = (_variance(z1) + _variance(z2)) / 2
        return F.mse_loss(z1, z2), variance, _covariance(z1) + _covariance(z2)


def _variance(z: Tensor) -> Tensor:
    """The distance of the standard deviation of a dimension below 1, mean over the dimensions."""
    return F.relu(1 - (z.var(dim=0) + 1e-4).sqrt()).mean()


def _covariance(z: Tensor) -> Tensor:
    """The squared covariances between different dimensions, summed, over the number of them."""
    centred = z - z.mean(dim=0)
    covariance = centred.T @ centred / (len(z) - 1)  # (D, D)
    return (covariance.square().sum() - covariance.diagonal().square().sum()) / z.shape[1]


@dataclass(frozen=True, kw_only=True)
class VICRegSettings(ProjectionSettings):
    """Keys of `methods` in a config that only VICReg reads: the weights of its three terms."""

    invariance_weight: float
    variance_weight: float
    covariance_weight: float


class VICReg(Method):
    """Encoder and a wide projector, which the paper calls expander.

    It has biases in the inner linear maps, none in the last.
    """

    Settings = VICRegSettings

    def __init__(self, encoder: nn.Module, head: nn.Module, weights: tuple[float, float, float]):
        super().__init__()
        self.encoder, self.head, self.weights = encoder, head, weights

    @classmethod
    def build(
        cls, encoder: nn.Module, feature_width: int, *, settings: VICRegSettings, info: DataInfo
    ) -> Self:
        head = ProjectionHead.from_settings(feature_width, settings, bias=True)
        weights = (
            settings.invariance_weight,
            settings.variance_weight,
            settings.covariance_weight,
        )
        return cls(encoder, head, weights)

    def embed(self, views: list[Tensor]) -> Embeddings:
        """Projections of both views, (rows, outputs) each."""
        # One pass a view, so that batch norm's statistics are those of one view, as in the official
        # code.
        return tuple(self.head(self.encoder(view)) for view in views)

    def loss(
        self, embeddings: Embeddings, targets: Embeddings, labels: Tensor
    ) -> tuple[Tensor, Diagnostics]:
        terms = dict(
            zip(("invariance", "variance", "covariance"), vicreg(*embeddings), strict=True)
        )
        weighted = [w * term for w, term in zip(self.weights, terms.values(), strict=True)]
        loss = weighted[0] + weighted[1] + weighted[2]
        return loss, {
            **{name: term.detach() for name, term in terms.items()},
            "batch_projection_std": embedding_std(embeddings[0]),
        }
