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
    """Return the mean squared distance of every view to the centre of the global ones.

    Args:
        views: embeddings (N, D) of each view.
        global_views: number of views, the first ones, that are global.
    """
    stacked = torch.stack([at_least_float32(view) for view in views])  # (V, N, D)
    return (stacked - stacked[:global_views].mean(dim=0)).square().mean()


@dataclass(frozen=True, kw_only=True)
class LeJEPASettings(ProjectionSettings):
    """Keys of `methods` in a config that only LeJEPA reads."""

    global_views: int  # of the first views, the global ones: all others are drawn to their centre
    sigreg_weight: float  # lambda, in [0, 1]; the invariance has 1 - lambda
    sigreg_directions: int  # random directions of the regulariser, drawn in every step


class LeJEPA(Method):
    """Encoder and projector; any number of views, the first ``global_views`` of them global."""

    Settings = LeJEPASettings

    def __init__(self, encoder: nn.Module, head: nn.Module, settings: LeJEPASettings, *, seed: int):
        super().__init__()
        self.encoder, self.head, self.settings, self.seed = encoder, head, settings, seed

    @classmethod
    def build(
        cls, encoder: nn.Module, feature_width: int, *, settings: LeJEPASettings, info: DataInfo
    ) -> Self:
        # The regulariser pulls the mean of the projections to 0, so the last map has a bias.
        head = ProjectionHead.from_settings(feature_width, settings, last_bias=True)
        return cls(encoder, head, settings, seed=named_seed(info.seed, "sigreg"))

    # The number of updates seeds the directions. It is state, but no buffer: reading a number from
    # a GPU waits for all its work.
    def get_extra_state(self) -> Tensor:
        return torch.tensor(self.updates)

    def set_extra_state(self, state: Tensor) -> None:
        self.updates = int(state)

    def embed(self, views: list[Tensor]) -> Embeddings:
        """The projections of every view, (rows, outputs) each.

        Views of one size go through the encoder together, all of them through the projector: batch
        norm's statistics are those of all views, as in the authors' code.
        """
        features = torch.cat([self.encoder(torch.cat(run)) for run in runs_of_one_size(views)])
        return self.head(features).split(len(views[0]))

    def loss(
        self, embeddings: Embeddings, targets: Embeddings, labels: Tensor
    ) -> tuple[Tensor, Diagnostics]:
        views, weight = list(embeddings), self.settings.sigreg_weight
        width = views[0].shape[1]
        directions = self.host.array(
            "directions",
            lambda: random_directions(
                width,
                self.settings.sigreg_directions,
                seed=named_seed(self.seed, str(self.updates)),
            ).numpy(),
            views[0].device,
        )
        near = invariance(views, self.settings.global_views)
        normal = torch.stack([sigreg(view, directions) for view in views]).mean()
        return (1 - weight) * near + weight * normal, {
            "invariance": near.detach(),
            "sigreg": normal.detach(),
            "batch_projection_std": embedding_std(views[0]),
        }

    def after_step(self, targets: Embeddings, step: int, total_steps: int) -> None:
        """Count the update."""
        self.updates += 1


def runs_of_one_size(views: list[Tensor]) -> list[list[Tensor]]:
    """Return the views in order, those in a row that have one shape together."""
    runs: list[list[Tensor]] = []
    for view in views:
        if runs and runs[-1][0].shape == view.shape:
            runs[-1].append(view)
        else:
            runs.append([view])
    return runs
