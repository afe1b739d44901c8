"""The collapse monitor: whether an encoder still distinguishes images while it trains.

It takes a few cheap numbers of a fixed few hundred images. Losses say little about that: to a
method without negatives, one point for all images can have the best loss there is. So the features
themselves are measured, as evaluation would: in evaluation mode, of images without augmentation.
The projections are measured as well, because batch norm keeps features apart that nothing trains: a
collapse begins, and may end, in the head.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from fourlenses.core.randomness import named_seed, permutation
from fourlenses.methods.collapse import embedding_std as spread
from fourlenses.metrics.neighbours import l2_normalize, nearest, vote_shares

NEIGHBOURS = 20

# The limit of a collapse, measured on the synthetic domains. Deviations without one: at least 0.21
# for untrained networks with adapted batch norms (five backbones), 0.24 for resnet_small and its
# heads under SimCLR, SimSiam and supervision, measured from step 30 to 160. Of a collapse: at most
# 0.10 for encoders trained for 160 steps to be constant, 0.07 for heads of SimSiam without its
# stop-gradient after 120.
COLLAPSED_STD = 0.1
# One direction has rank 1. Two classes of equal size in two clusters, where supervised training
# ends, have 1.6 at 25 degrees, 2 at 90.
COLLAPSED_RANK = 1.5
# Batch norms start with statistics of no data, by which the features of an untrained network lie
# together (deviations from 0.05): after 30 updates of momentum 0.1 these weigh 4%.
SETTLED_STEPS = 30


def choose_monitored_images(count: int, total: int, seed: int) -> np.ndarray:
    """Return the positions of the images to measure, int64, ascending.

    They are ``count`` of ``total``, or all where there are fewer; a function of the arguments.
    """
    return np.sort(permutation(total, named_seed(seed, "health"))[:count])


class CollapseMonitor:
    """A measure of encoders on always the same images.

    Args:
        images: uint8 (M, 3, S, S), M > 1.
        labels: integers (M,).
        mean, std: of the normalisation, a number per channel; None for none.
        batch_size: images that are embedded at a time.

    Raises:
        ValueError: other shapes or types.
    """

    def __init__(
        self,
        images: Tensor,
        labels: Tensor | np.ndarray,
        *,
        mean: Sequence[float] | None,
        std: Sequence[float] | None,
        device: torch.device,
        batch_size: int,
    ):
        if (
            images.dtype != torch.uint8
            or images.ndim != 4
            or len(images) < 2
            or len(labels) != len(images)
        ):
            raise ValueError(
                "the collapse monitor needs at least two uint8 images (M, 3, S, S) with as many "
                f"labels, not {tuple(images.shape)}"
            )
        self.images, self.labels = images.to(device), torch.as_tensor(labels)
        self.shift, self.scale = (
            None if v is None else torch.tensor(v, device=device).view(1, 3, 1, 1)
            for v in (mean, std)
        )
        self.batch_size = batch_size

    def measure(self, encoder: nn.Module, head: nn.Module | None = None) -> dict[str, float]:
        """Return embedding_std, effective_rank and knn_top1 (percent) of the features.

        With a head also projection_std and projection_rank. What is not finite measures NaN.
        Encoder and head are left as they were, in mode, buffers and memory format, and no random
        number is drawn. Only this process's network is asked, so that one process may measure while
        the others wait.
        """
        # not by extract_features: that brings an encoder to the memory format it likes best, which
        # would change under the optimiser
        with (
            _evaluating(encoder),
            torch.inference_mode(),
            torch.autocast(self.images.device.type, enabled=False),
        ):
            features = torch.cat(
                [
                    encoder(self._scaled(images)).float()
                    for images in self.images.split(self.batch_size)
                ]
            )
        measured = {
            "embedding_std": embedding_std,
            "effective_rank": effective_rank,
            "knn_top1": lambda f: knn_top1(f, self.labels),
        }
        result = _applied(measured, features)
        if head is not None:
            with (
                _evaluating(head),
                torch.inference_mode(),
                torch.autocast(self.images.device.type, enabled=False),
            ):
                projections = head(features)
            result |= _applied(
                {"projection_std": embedding_std, "projection_rank": effective_rank}, projections
            )
        return result

    def _scaled(self, images: Tensor) -> Tensor:
        batch = images.to(torch.float32, memory_format=torch.channels_last).div_(255)
        if self.shift is None or self.scale is None:
            return batch
        return batch.sub_(self.shift).div_(self.scale)


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """Evaluation mode inside; every module's own mode again outside.

    A frozen part may be in another mode than the rest.
    """
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def _applied(measures: dict[str, Callable[[Tensor], float]], features: Tensor) -> dict[str, float]:
    features = features.cpu()  # the matrices are small, and one decomposition serves all devices
    finite = bool(features.isfinite().all())
    return {name: measure(features) if finite else math.nan for name, measure in measures.items()}


def collapse(measured: dict[str, float], steps: int, feature_width: int) -> str | None:
    """Return a sentence on what no longer distinguishes images; None also after too few steps.

    Features or projections that are not finite are no collapse: the loss will tell.

    Args:
        measured: by `CollapseMonitor.measure`; it may have other keys too, as rows of a history do.
        steps: updates before it was measured.
        feature_width: of the encoder.
    """
    if steps < SETTLED_STEPS:
        return None
    spread, rank = measured["embedding_std"], measured["effective_rank"]
    if spread < COLLAPSED_STD:
        return (
            "The encoder collapsed: its features hardly differ between images (embedding_std "
            f"{spread:.3g} after {steps} steps, where {COLLAPSED_STD} is the least of an encoder "
            "that distinguishes them)."
        )
    if rank < COLLAPSED_RANK and feature_width > 2:
        return (
            f"The encoder collapsed: its {feature_width} features vary along one direction "
            f"(effective_rank {rank:.3g} after {steps} steps)."
        )
    if measured.get("projection_std", math.nan) < COLLAPSED_STD:
        return (
            "The head collapsed: its projections hardly differ between images (projection_std "
            f"{measured['projection_std']:.3g} after {steps} steps), so the loss no longer trains "
            "the encoder to distinguish them."
        )
    return None


def embedding_std(features: Tensor) -> float:
    """Return the spread of features (M, D): the deviation over the images of features of length 1.

    It is averaged over the dimensions, in units of 1 / sqrt(D): 1 where directions are spread
    evenly over the sphere and 0 where all images have one (Chen, He, CVPR 2021, section 4.1,
    https://arxiv.org/abs/2011.10566). Features behind a ReLU share a common direction, so theirs
    stays below 1.
    """
    return spread(features.double(), correction=0).item()


def effective_rank(features: Tensor, epsilon: float = 1e-7) -> float:
    """Return RankMe: the number of directions that features (M, D) use, from 1 to min(M, D).

    exp(-sum p log p) with p = s / sum(s) + epsilon over the singular values s of the features as
    they are, uncentred (Garrido et al., ICML 2023, equations 1 and 2,
    https://arxiv.org/abs/2210.02885).
    """
    singular = torch.linalg.svdvals(features.double())
    shares = singular / singular.sum().clamp_min(torch.finfo(singular.dtype).tiny) + epsilon
    return torch.exp(-(shares * shares.log()).sum()).item()


def knn_top1(features: Tensor, labels: Tensor) -> float:
    """Return the percentage of images that their nearest others give the right label.

    Each image is classified by the 20 nearest of the others, or by all where there are fewer, with
    the votes of `fourlenses.metrics.neighbours`.
    """
    unit = l2_normalize(features)
    similarities, neighbours = nearest(
        (unit @ unit.T).fill_diagonal_(-torch.inf), min(NEIGHBOURS, len(features) - 1)
    )
    classes, labels = labels.unique(return_inverse=True)
    votes = vote_shares(similarities, labels[neighbours], len(classes))
    return 100 * (votes.argmax(1) == labels).double().mean().item()
