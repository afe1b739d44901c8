"""SimCLR: agreement of two views of an image in the space of a projection head.

Chen et al., ICML 2020, Algorithm 1, https://arxiv.org/abs/2002.05709.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from fourlenses.methods.method import DataInfo, Diagnostics, Embeddings, Method
from fourlenses.methods.nt_xent import nt_xent
from fourlenses.models.heads import ProjectionHead, ProjectionSettings


@dataclass(frozen=True, kw_only=True)
class SimCLRSettings(ProjectionSettings):
    """Keys of `methods` in a config that only SimCLR reads."""

    temperature: float  # of the softmax over similarities, above 0
    projection_last_norm: bool  # batch norm behind the last map, as in the authors' code


class SimCLR(Method):
    """Encoder, projection head and NT-Xent; what is kept of it afterwards is the encoder."""

    Settings = SimCLRSettings

    def __init__(self, encoder: nn.Module, head: nn.Module, temperature: float):
        super().__init__()
        self.encoder, self.head, self.temperature = encoder, head, temperature

    @classmethod
    def build(
        cls, encoder: nn.Module, feature_width: int, *, settings: SimCLRSettings, info: DataInfo
    ) -> Self:
        # The paper's text ends the head in a linear map, the authors' code in a batch norm after.
        head = ProjectionHead.from_settings(
            feature_width, settings, last_norm=settings.projection_last_norm
        )
        return cls(encoder, head, settings.temperature)

    def embed(self, views: list[Tensor]) -> Embeddings:
        """Projections of both views, (rows, outputs) each."""
        # One pass over both views, so that batch norm's statistics are those of all 2B of them, as
        # in the authors' code.
        return self.head(self.encoder(torch.cat(views))).chunk(2)

    def loss(
        self, embeddings: Embeddings, targets: Embeddings, labels: Tensor
    ) -> tuple[Tensor, Diagnostics]:
        z1, z2 = embeddings
        loss, accuracy = nt_xent(z1, z2, self.temperature)
        return loss, {"contrastive_accuracy": accuracy}
