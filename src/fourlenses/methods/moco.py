"""MoCo v2: an image among a queue of other images' keys.

He et al., CVPR 2020, https://arxiv.org/abs/1911.05722; Chen et al., https://arxiv.org/abs/2003.04297.
"""

import logging
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fourlenses.core.randomness import named_seed, permutation
from fourlenses.methods.method import DataInfo, Diagnostics, Embeddings, Method
from fourlenses.methods.momentum_encoder import follow, momentum_at, momentum_copy
from fourlenses.methods.precision import at_least_float32
from fourlenses.models.heads import ProjectionHead, ProjectionSettings
from fourlenses.parallel.distributed import all_gather_rows, shard_of

log = logging.getLogger(__name__)


def info_nce(
    queries: Tensor, keys: Tensor, queue: Tensor, *, temperature: float
) -> tuple[Tensor, Tensor]:
    """Return loss and contrastive accuracy of N queries, two scalars (He et al., equation 1).

    Each query is classified among its own key and the K keys of the queue by cosine similarity /
    temperature. The accuracy (without gradient) is the share of queries nearest to their key.

    Args:
        queries: float (N, D); they are normalised here.
        keys, queue: float (N, D) and (K, D), rows of length 1.
        temperature: above 0; 0.07 to 0.2 is usual.
    """
    if temperature <= 0:
        raise ValueError(f"info_nce needs a temperature above 0, not {temperature}")
    # In single precision even under autocast: at a temperature of 0.1 a half-precision similarity
    # is off by 0.01 nats.
    with torch.autocast(queries.device.type, enabled=False):
        queries = F.normalize(at_least_float32(queries), dim=1)
        keys, queue = keys.to(queries.dtype), queue.to(queries.dtype)
        positives = (queries * keys).sum(dim=1, keepdim=True)  # (N, 1)
        logits = torch.cat([positives, queries @ queue.T], dim=1) / temperature  # (N, 1 + K)
        classes = torch.zeros(len(logits), dtype=torch.int64, device=logits.device)
        loss = F.cross_entropy(logits, classes)
    accuracy = (logits.detach().argmax(dim=1) == 0).float().mean()
    return loss, accuracy


@dataclass(frozen=True, kw_only=True)
class MoCoSettings(ProjectionSettings):
    """Keys of `methods` in a config that only MoCo reads."""

    temperature: float  # of the softmax over the key and the queue, above 0
    queue_size: int  # keys; less where half of the images are fewer (`queue_size`)
    ema_momentum: float  # of the key network at the first step, in [0, 1]
    ema_momentum_final: float  # and at the last; a cosine between
    symmetric: bool  # either view is query and key, the two losses added


class MoCo(Method):
    """Query network, key network (its moving average) and a queue of past keys.

    ``symmetric`` uses either view as query and as key and adds the two losses, as the authors'
    CIFAR demo and MoCo v3 do; both views' keys enter the one queue.

    The key network moves after the optimiser's update, whereas the official code moves it before
    the keys of the next batch are computed. Nothing lies between the two, and before the first
    batch both networks are equal, so every key is the same; only the key network that is left over
    at the end has had one update more here.

    Keys are encoded in another order than queries (shuffling batch norm, He et al., section 3.3):
    where batch norm takes its statistics over parts of a batch, a key then shares them with other
    images than its query does, and cannot be distinguished from them.
    """

    Settings = MoCoSettings
    queue: Tensor
    pointer: Tensor

    def __init__(
        self,
        encoder: nn.Module,
        head: nn.Module,
        queue: Tensor,
        *,
        temperature: float,
        momentum: tuple[float, float],
        symmetric: bool,
        seed: int,
    ):
        super().__init__()
        self.encoder, self.head = encoder, head
        self.key_encoder, self.key_head = momentum_copy(encoder), momentum_copy(head)
        self.register_buffer("queue", queue)  # (K, D) float32, rows of length 1
        # the row that the next key goes to
        self.register_buffer("pointer", torch.zeros((), dtype=torch.int64))
        self.temperature, self.momentum = temperature, momentum
        self.symmetric, self.seed = symmetric, seed

    @classmethod
    def build(
        cls, encoder: nn.Module, feature_width: int, *, settings: MoCoSettings, info: DataInfo
    ) -> Self:
        head = ProjectionHead.from_settings(
            feature_width, settings, batch_norm=False, bias=True, last_bias=True
        )
        size, note = queue_size(settings.queue_size, info)
        generator = torch.Generator().manual_seed(
            named_seed(info.seed, "queue") & 0x7FFFFFFFFFFFFFFF
        )
        queue = F.normalize(torch.randn(size, settings.projection_out, generator=generator), dim=1)
        method = cls(
            encoder,
            head,
            queue,
            temperature=settings.temperature,
            momentum=(settings.ema_momentum, settings.ema_momentum_final),
            symmetric=settings.symmetric,
            seed=named_seed(info.seed, "shuffle"),
        )
        method.notes += note
        return method

    # The number of updates counts the permutations. It is state, but no buffer: reading a number
    # from a GPU waits for all its work.
    def get_extra_state(self) -> Tensor:
        return torch.tensor(self.updates)

    def set_extra_state(self, state: Tensor) -> None:
        self.updates = int(state)

    @torch.no_grad()
    def targets(self, views: list[Tensor]) -> Embeddings:
        """The keys of view 2, float32 (rows, outputs) of length 1.

        When symmetric also those of view 1, as second entry.
        """
        first, second = views
        return (
            (self._keys(second, 1), self._keys(first, 0))
            if self.symmetric
            else (self._keys(second, 1),)
        )

    def _keys(self, images: Tensor, view: int) -> Tensor:
        """Encoded in an order that mixes the rows of all processes, and returned in order."""
        everyone = all_gather_rows(images)
        order = self.host.array(
            f"order of view {view}",
            lambda: permutation(len(everyone), self.seed, self.updates, view),
            images.device,
        )
        outputs = self.key_head(self.key_encoder(everyone[shard_of(order)]))
        with torch.autocast(images.device.type, enabled=False):
            shuffled = all_gather_rows(F.normalize(outputs.float(), dim=1))
        keys = torch.empty_like(shuffled)
        keys[order] = shuffled
        return shard_of(keys)

    def embed(self, views: list[Tensor]) -> Embeddings:
        """The queries of view 1, (rows, outputs), not normalised.

        When symmetric also those of view 2.
        """
        # One pass a view, so that batch norm's statistics are those of one view, as for the keys.
        return tuple(
            self.head(self.encoder(view)) for view in (views if self.symmetric else views[:1])
        )

    def loss(
        self, embeddings: Embeddings, targets: Embeddings, labels: Tensor
    ) -> tuple[Tensor, Diagnostics]:
        pairs = [
            info_nce(q, k, self.queue, temperature=self.temperature)
            for q, k in zip(embeddings, targets, strict=True)
        ]
        losses, accuracies = (torch.stack(column) for column in zip(*pairs, strict=True))
        return losses.sum(), {"contrastive_accuracy": accuracies.mean()}

    @torch.no_grad()
    def after_step(self, targets: Embeddings, step: int, total_steps: int) -> None:
        """Move the key network, and replace the oldest keys by this batch's."""
        base, final = self.momentum
        share = self.host.number(
            "share", lambda step: 1 - momentum_at(step, total_steps, base=base, final=final), step
        )
        follow([self.key_encoder, self.key_head], [self.encoder, self.head], share)
        self.updates += 1
        keys = torch.cat(targets)
        size = len(self.queue)
        skipped = max(len(keys) - size, 0)  # of a batch larger than the queue only the end stays
        places = (self.pointer + torch.arange(skipped, len(keys), device=keys.device)) % size
        self.queue[places] = keys[skipped:].to(self.queue.dtype)
        self.pointer.add_(len(keys)).remainder_(size)


def queue_size(wanted: int, info: DataInfo) -> tuple[int, list[str]]:
    """Return the queue's length for this many images, and a note if that is not the one wanted.

    An image's key stays in the queue until as many other keys have come. Were the queue longer than
    a pass over the images, the image would always find its own last key among the negatives; at a
    share f of the images it does so in f^2/2 of all cases (0.1 % for the paper's 65,536 keys of
    1.28 million images, half at f = 1). So the queue holds at most half a pass (12.5 %), or one
    batch where half a pass is less.
    """
    if wanted < 1:
        raise ValueError(f"queue_size is at least 1, not {wanted}")
    most = max(info.images // 2 // info.batch_size, 1) * info.batch_size
    if wanted <= most:
        return wanted, []
    note = (
        f"queue_size {wanted} clamped to {most}: the whole batches of {info.batch_size} that half "
        f"of the {info.images} images fill"
    )
    log.warning(note)
    return most, [note]
