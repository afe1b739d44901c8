"""SimCLR: agreement of two views of an image in the space of a projection head (Chen et al., ICML 2020, Algorithm 1)."""

import torch
from torch import Tensor, nn

from fourlenses.methods.nt_xent import nt_xent
from fourlenses.models.heads import ProjectionHead


class SimCLR(nn.Module):
    """Encoder, projection head and NT-Xent; what is kept of it afterwards is the encoder."""

    views_needed = 2

    def __init__(self, encoder: nn.Module, feature_width: int, hidden: int, outputs: int, layers: int, temperature: float):
        super().__init__()
        self.encoder = encoder
        self.head = ProjectionHead(feature_width, hidden, outputs, layers)
        self.temperature = temperature

    def forward(self, views: list[Tensor], labels: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss and diagnostics of two views (B, 3, S, S) each; the labels are not looked at."""
        first, second = views
        # One pass over both views, so that batch norm's statistics are those of all 2B of them, as in the authors' code.
        projections = self.head(self.encoder(torch.cat([first, second])))  # (2B, outputs)
        loss, accuracy = nt_xent(*projections.chunk(2), self.temperature)
        return loss, {"contrastive_accuracy": accuracy}
