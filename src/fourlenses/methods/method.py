"""The contract of a training method: an encoder with its heads, and a loss over a whole batch."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from torch import Tensor, nn

from fourlenses.parallel.host_values import HostValues

Embeddings = tuple[Tensor, ...]
Diagnostics = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class DataInfo:
    """What a method may need to know of its run besides its settings.

    Attributes:
        images: in the training set.
        batch_size: source images, over all processes.
        seed: of the heads' weights.
    """

    images: int
    num_classes: int
    batch_size: int
    seed: int


class Method(nn.Module):
    """Base of all methods, cut where a batch may be cut.

    `embed` gets some rows of a batch (those of one process, or of one micro-batch), `loss` the
    embeddings of all of them: so a loss that compares rows with each other is the same however many
    processes or micro-batches the batch went through. Rows stand for source images: every embedding
    and target is (rows, ...) with row i belonging to image i of the batch.

    Attributes:
        encoder: the network that is kept.
        head: the layers between its features and the loss.
        notes: sentences for run.json on what was adapted to the data.
        host: where a step takes what the host computes or draws for it.
        updates: how often `after_step` was called, where the method counts it: all that it may
            keep on the host.
    """

    Settings: ClassVar[type]  # a dataclass of the keys of config.yaml that only this method reads
    views_needed: ClassVar[int] = 2
    encoder: nn.Module
    head: nn.Module
    host = HostValues()
    updates = 0

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []

    @classmethod
    def build(
        cls, encoder: nn.Module, feature_width: int, *, settings: Any, info: DataInfo
    ) -> Self:
        """The method around an encoder; its heads' weights are drawn from torch's generator.

        Args:
            encoder: images (B, 3, S, S) to features (B, ``feature_width``).
            settings: an instance of the method's ``Settings``.
        """
        raise NotImplementedError

    def targets(self, views: list[Tensor]) -> Embeddings:
        """What the embeddings are compared with, of this process's rows.

        Called without gradient, before `embed`.
        """
        return ()

    def embed(self, views: list[Tensor]) -> Embeddings:
        """The embeddings of some rows of a batch, with gradient.

        Args:
            views: float32 (rows, 3, S, S) each.
        """
        raise NotImplementedError

    def loss(
        self, embeddings: Embeddings, targets: Embeddings, labels: Tensor
    ) -> tuple[Tensor, Diagnostics]:
        """The loss, a scalar, and diagnostics, scalars without gradient, of a whole batch.

        Args:
            embeddings, targets: of all rows.
            labels: int64 (B,).
        """
        raise NotImplementedError

    def after_step(self, targets: Embeddings, step: int, total_steps: int) -> None:
        """Update what follows the optimiser: momentum encoders, queues.

        Args:
            targets: of the whole batch.
            step: of the optimiser's update, from 0.
        """

    def forward(self, views: list[Tensor], labels: Tensor) -> tuple[Tensor, Diagnostics]:
        """Loss and diagnostics of a batch that is in one piece."""
        return self.loss(self.embed(views), self.targets(views), labels)
