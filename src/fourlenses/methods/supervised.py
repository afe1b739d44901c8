"""Supervised training, the study's reference: cross entropy of a linear classifier."""

from dataclasses import dataclass
from typing import ClassVar, Self

from torch import Tensor, nn
from torch.nn import functional as F

from fourlenses.methods.method import DataInfo, Diagnostics, Embeddings, Method


@dataclass(frozen=True, kw_only=True)
class SupervisedSettings:
    """Keys of `methods` in a config that only the supervised method reads."""

    label_smoothing: float  # share of the target spread over all classes, in [0, 1)


class Supervised(Method):
    """Encoder and linear head under cross entropy, with label smoothing.

    As Szegedy et al. define it (CVPR 2016, section 7, https://arxiv.org/abs/1512.00567).
    """

    Settings = SupervisedSettings
    views_needed = 1
    head: nn.Linear
    cuts_batches: ClassVar[bool] = False  # whether `embed` itself cuts a batch into pieces

    def __init__(
        self, encoder: nn.Module, feature_width: int, num_classes: int, *, label_smoothing: float
    ):
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(feature_width, num_classes)
        self.label_smoothing = label_smoothing

    @classmethod
    def build(
        cls, encoder: nn.Module, feature_width: int, *, settings: SupervisedSettings, info: DataInfo
    ) -> Self:
        smoothing = settings.label_smoothing
        return cls(encoder, feature_width, info.num_classes, label_smoothing=smoothing)

    def embed(self, views: list[Tensor]) -> Embeddings:
        """The logits, (rows, classes)."""
        (images,) = views
        return (self.head(self.encoder(images)),)

    def loss(
        self, embeddings: Embeddings, targets: Embeddings, labels: Tensor
    ) -> tuple[Tensor, Diagnostics]:
        logits = embeddings[0].float()  # float32 under autocast too
        loss = F.cross_entropy(logits, labels, label_smoothing=self.label_smoothing)
        return loss, {"train_top1": (logits.detach().argmax(dim=1) == labels).float().mean()}
