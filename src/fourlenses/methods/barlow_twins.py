"""Barlow Twins: the cross-correlation of two views' embeddings made the identity.

Zbontar et al., ICML 2021, https://arxiv.org/abs/2103.03230.
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


def barlow_twins(z1: Tensor, z2: Tensor, off_diagonal_weight: float) -> Tensor:
    """Return sum_i (1 - C_ii)^2 + lambda sum_i sum_{j != i} C_ij^2, a scalar (equations 1 and 2).

    C (D, D) is the correlation over the batch between the dimensions of z1 and those of z2. As in
    the official code, each dimension is normalised as batch norm does it, by its biased variance +
    1e-5; the paper's Algorithm 1 divides by the unbiased deviation.

    Args:
        z1, z2: embeddings of two views, float (N, D).
        off_diagonal_weight: lambda.
    """
    # In single precision even under autocast: off the diagonal sit D^2 squares of numbers near 0.
    with torch.autocast(z1.device.type, enabled=False):
        z1, z2 = map(at_least_float32, (z1, z2))
        correlation = _standardised(z1).T @ _standardised(z2) / len(z1)
        agreement = correlation.diagonal()
        redundancy = correlation.square().sum() - agreement.square().sum()
        return (1 - agreement).square().sum() + off_diagonal_weight * redundancy


def _standardised(z: Tensor) -> Tensor:
    """Every dimension of (N, D) with mean 0 and variance 1 over the batch."""
    return F.batch_norm(z, None, None, training=True)


@dataclass(frozen=True, kw_only=True)
class BarlowTwinsSettings(ProjectionSettings):
    """Keys of `methods` in a config that only Barlow Twins reads."""

    off_diagonal_weight: float  # lambda of the paper: weight of the redundancy term
    loss_weight: float  # factor on the whole loss


class BarlowTwins(Method):
    """Encoder and a wide projector. ``loss_weight`` multiplies the loss.

    The factor matters to LARS alone, which adapts the step of every weight but not that of biases
    and norm parameters: the paper gives those a smaller learning rate, and a smaller loss is the
    same.
    """

    Settings = BarlowTwinsSettings

    def __init__(
        self,
        encoder: nn.Module,
        head: nn.Module,
        *,
        off_diagonal_weight: float,
        loss_weight: float,
    ):
        super().__init__()
        self.encoder, self.head = encoder, head
        self.off_diagonal_weight, self.loss_weight = off_diagonal_weight, loss_weight

    @classmethod
    def build(
        cls,
        encoder: nn.Module,
        feature_width: int,
        *,
        settings: BarlowTwinsSettings,
        info: DataInfo,
    ) -> Self:
        head = ProjectionHead.from_settings(feature_width, settings)
        return cls(
            encoder,
            head,
            off_diagonal_weight=settings.off_diagonal_weight,
            loss_weight=settings.loss_weight,
        )

    def embed(self, views: list[Tensor]) -> Embeddings:
        """Projections of both views, (rows, outputs) each."""
        # One pass a view, so that batch norm's statistics are those of one view, as in the official
        # code.
        return tuple(self.head(self.encoder(view)) for view in views)

    def loss(
        self, embeddings: Embeddings, targets: Embeddings, labels: Tensor
    ) -> tuple[Tensor, Diagnostics]:
        z1, z2 = embeddings
        loss = self.loss_weight * barlow_twins(z1, z2, self.off_diagonal_weight)
        return loss, {"batch_projection_std": embedding_std(z1)}
