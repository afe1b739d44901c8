"""Supervised training, the study's reference: cross entropy of a linear classifier over the encoder's features."""

from torch import Tensor, nn
from torch.nn import functional as F


class Supervised(nn.Module):
    """Encoder and linear head under cross entropy, with label smoothing as Szegedy et al. (CVPR 2016, section 7) define it."""

    views_needed = 1

    def __init__(self, encoder: nn.Module, feature_width: int, num_classes: int, label_smoothing: float):
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(feature_width, num_classes)
        self.label_smoothing = label_smoothing

    def forward(self, views: list[Tensor], labels: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss and diagnostics of one view (B, 3, S, S) and its int64 labels (B,)."""
        (images,) = views
        logits = self.head(self.encoder(images)).float()  # (B, classes); float32 under autocast too
        loss = F.cross_entropy(logits, labels, label_smoothing=self.label_smoothing)
        return loss, {"train_top1": (logits.detach().argmax(dim=1) == labels).float().mean()}
