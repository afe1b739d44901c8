"""LeJEPA: views near the centre of an image's global views, embeddings normally distributed.

Balestriero and LeCun: LeJEPA: Provable and Scalable Self-Supervised Learning Without the
Heuristics, 2025, https://arxiv.org/abs/2511.08544. No teacher, no queue, no stopped gradient; one
weight between the two terms.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from fourlenses.core.randomness import named_seed
from fourlenses.methods.collapse import embedding_std
from fourlenses.methods.method import DataInfo, Diagnostics, Embeddings, Method
from fourlenses.methods.precision import at_least_float32
from fourlenses.methods.sigreg import random_directions, sigreg
from fourlenses.models.heads import ProjectionHead, ProjectionSettings


def invariance(views: list[Tensor], global_views: int) -> Tensor:
    """Return the mean squared distance of every view to the centre of the first ``global_views``.

    Args:
        views: embeddings (N, D) of each view.
    """
    stacked = torch.stack([at_least_float32(view) for view in views])  # (V, N, D)
    return (stacked - stacked[:global_views].mean(dim=0)).square().mean()


@dataclass(frozen=True, kw_only=True)
class LeJEPASettings(ProjectionSettings):
    """Keys of `methods` in a config that only LeJEPA reads."""

    global_views: int  # the first views, whose centre all views are drawn to
    sigreg_weight: float  # of the regulariser, in [0, 1]; that of the invariance is the rest
    sigreg_directions: int  # that the embeddings are projected on in each step


class LeJEPA(Method):
    """Encoder and projector; any number of views, the first ``global_views`` of them global.

    The directions of the regulariser are drawn again in each step, from the seed and the step.
    """

    Settings = LeJEPASettings
    step: Tensor

    def __init__(
        self,
        encoder: nn.Module,
        head: nn.Module,
        *,
        global_views: int,
        weight: float,
        directions: int,
        seed: int,
    ) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head
        self.global_views, self.weight, self.directions = global_views, weight, directions
        self.seed = seed
        self.register_buffer("step", torch.zeros((), dtype=torch.int64))  # part of a checkpoint

    @classmethod
    def build(
        cls, encoder: nn.Module, feature_width: int, *, settings: LeJEPASettings, info: DataInfo
    ) -> Self:
        return cls(
            encoder,
            ProjectionHead.from_settings(feature_width, settings),
            global_views=settings.global_views,
            weight=settings.sigreg_weight,
            directions=settings.sigreg_directions,
            seed=info.seed,
        )

    def embed(self, views: list[Tensor]) -> Embeddings:
        """Return the projections of every view, (rows, outputs) each.

        Views of one size go through the encoder together, all of them through the projector: batch
        norm's statistics are those of all views, as in the authors' code.
        """
        rows = len(views[0])
        features: list[Tensor] = []
        start = 0
        while start < len(views):
            end = start
            while end < len(views) and views[end].shape == views[start].shape:
                end += 1
            features.append(self.encoder(torch.cat(views[start:end])))
            start = end
        return self.head(torch.cat(features)).split(rows)

    def loss(
        self, embeddings: Embeddings, targets: Embeddings, labels: Tensor
    ) -> tuple[Tensor, Diagnostics]:
        """Return (1 - weight) x invariance + weight x regulariser, the latter's mean over views."""
        views = list(embeddings)
        seed = named_seed(self.seed, f"sigreg {int(self.step)}")
        width, device = views[0].shape[1], views[0].device
        directions = random_directions(width, self.directions, seed=seed, device=device)
        near = invariance(views, self.global_views)
        normal = torch.stack([sigreg(view, directions) for view in views]).mean()
        return (1 - self.weight) * near + self.weight * normal, {
            "invariance": near.detach(),
            "sigreg": normal.detach(),
            "batch_projection_std": embedding_std(views[0]),
        }

    def after_step(self, targets: Embeddings, step: int, total_steps: int) -> None:
        self.step.fill_(step + 1)
