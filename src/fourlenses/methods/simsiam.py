"""SimSiam: BYOL without the moving average, the other view's projection with a stopped gradient.

Chen & He, CVPR 2021, https://arxiv.org/abs/2011.10566.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from fourlenses.methods.collapse import embedding_std
from fourlenses.methods.cosine import negative_cosine
from fourlenses.methods.method import DataInfo, Diagnostics, Embeddings, Method
from fourlenses.models.heads import ProjectionHead, ProjectionSettings


@dataclass(frozen=True, kw_only=True)
class SimSiamSettings(ProjectionSettings):
    """Keys of `methods` in a config that only SimSiam reads."""

    prediction_hidden: int  # width inside the predictor


class SimSiam(Method):
    """Encoder, projector with batch norm on its output too, and a narrow predictor (section 3)."""

    Settings = SimSiamSettings

    def __init__(self, encoder: nn.Module, head: nn.Module, predictor: nn.Module):
        super().__init__()
        self.encoder, self.head, self.predictor = encoder, head, predictor

    @classmethod
    def build(
        cls, encoder: nn.Module, feature_width: int, *, settings: SimSiamSettings, info: DataInfo
    ) -> Self:
        outputs = settings.projection_out
        head = ProjectionHead.from_settings(feature_width, settings, last_norm=True)
        hidden = settings.prediction_hidden
        predictor = ProjectionHead(outputs, hidden, outputs, layers=2, last_bias=True)
        return cls(encoder, head, predictor)

    def embed(self, views: list[Tensor]) -> Embeddings:
        """Prediction and projection of both views, (rows, 2, outputs) each.

        The projection takes no gradient.
        """
        # One pass a view, so that batch norm's statistics are those of one view, as in the official
        # code.
        projections = [self.head(self.encoder(view)) for view in views]
        return tuple(torch.stack([self.predictor(z), z.detach()], dim=1) for z in projections)

    def loss(
        self, embeddings: Embeddings, targets: Embeddings, labels: Tensor
    ) -> tuple[Tensor, Diagnostics]:
        """The mean of both directions (equation 2), from -1 to 1."""
        (p1, z1), (p2, z2) = (pair.unbind(dim=1) for pair in embeddings)
        loss = (negative_cosine(p1, z2) + negative_cosine(p2, z1)) / 2
        return loss, {"batch_projection_std": embedding_std(z1)}
