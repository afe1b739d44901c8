"""BYOL: predict the moving average's projection of the other view; no negatives.

Grill et al., NeurIPS 2020, https://arxiv.org/abs/2006.07733.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from fourlenses.methods.collapse import embedding_std
from fourlenses.methods.cosine import negative_cosine
from fourlenses.methods.method import DataInfo, Diagnostics, Embeddings, Method
from fourlenses.methods.momentum_encoder import follow, momentum_at, momentum_copy
from fourlenses.models.heads import ProjectionHead


def regression_loss(predictions: Tensor, targets: Tensor) -> Tensor:
    """Return 2 - 2 cos, mean over rows, a scalar (equation 2): |p/|p| - t/|t||^2.

    Args:
        predictions, targets: float (N, D).
    """
    return 2 + 2 * negative_cosine(predictions, targets)


@dataclass(frozen=True, kw_only=True)
class BYOLSettings:
    """Keys of `methods` in a config that only BYOL reads."""

    projection_hidden: int  # width inside the projector
    projection_out: int  # width of the projections
    prediction_hidden: int  # width inside the predictor
    ema_momentum: float  # of the target network at the first step, in [0, 1]; it rises to 1


class BYOL(Method):
    """Online network, and target network: the moving average of its encoder and head.

    Projector and predictor are Linear, batch norm, ReLU, Linear, with a bias in the first map
    alone, as in the official code.
    """

    Settings = BYOLSettings

    def __init__(
        self, encoder: nn.Module, head: nn.Module, predictor: nn.Module, *, ema_momentum: float
    ):
        super().__init__()
        self.encoder, self.head, self.predictor = encoder, head, predictor
        self.target_encoder, self.target_head = momentum_copy(encoder), momentum_copy(head)
        self.ema_momentum = ema_momentum

    @classmethod
    def build(
        cls, encoder: nn.Module, feature_width: int, *, settings: BYOLSettings, info: DataInfo
    ) -> Self:
        hidden, outputs = settings.projection_hidden, settings.projection_out
        head = ProjectionHead(feature_width, hidden, outputs, layers=2, bias=True)
        hidden = settings.prediction_hidden
        predictor = ProjectionHead(outputs, hidden, outputs, layers=2, bias=True)
        return cls(encoder, head, predictor, ema_momentum=settings.ema_momentum)

    @torch.no_grad()
    def targets(self, views: list[Tensor]) -> Embeddings:
        """The target network's projections of both views, (rows, outputs) each."""
        return tuple(self.target_head(self.target_encoder(view)) for view in views)

    def embed(self, views: list[Tensor]) -> Embeddings:
        """The online network's predictions of both views, (rows, outputs) each."""
        # One pass a view, so that batch norm's statistics are those of one view, as in the official
        # code.
        return tuple(self.predictor(self.head(self.encoder(view))) for view in views)

    def loss(
        self, embeddings: Embeddings, targets: Embeddings, labels: Tensor
    ) -> tuple[Tensor, Diagnostics]:
        """The sum of both directions (section 3.1), from 0 to 8.

        It is 4 for predictions at right angles to their targets. The diagnostic is of the target
        network's projections.
        """
        (first, second), (target_first, target_second) = embeddings, targets
        loss = regression_loss(first, target_second) + regression_loss(second, target_first)
        return loss, {"batch_projection_std": embedding_std(target_first)}

    def after_step(self, targets: Embeddings, step: int, total_steps: int) -> None:
        """Move the target network; the momentum rises to 1 over the run."""
        share = self.host.number(
            "share",
            lambda step: 1 - momentum_at(step, total_steps, base=self.ema_momentum, final=1.0),
            step,
        )
        follow([self.target_encoder, self.target_head], [self.encoder, self.head], share)
