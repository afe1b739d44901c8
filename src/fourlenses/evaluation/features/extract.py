"""Features of uint8 images from a frozen encoder."""

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from fourlenses.core.progress import progress_bar

QUIET_BATCHES = 8  # a bar for fewer batches than this says nothing


def extract_features(
    encoder: torch.nn.Module,
    images: Tensor,
    batch_size: int,
    device: str | torch.device,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Tensor:
    """Features (N, D) float32 on the CPU of images (N, 3, S, S) uint8 in memory; the rest is as in `feature_batches`."""
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3 or len(images) == 0:
        raise ValueError(
            f"images must be uint8 (N, 3, S, S) with N > 0, not {images.dtype} of shape {tuple(images.shape)}"
        )
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, not {batch_size}")
    batches = images.split(batch_size)
    shown = len(batches) >= QUIET_BATCHES
    bar = progress_bar("features", "image", len(images), inner=True, shown=shown)
    features, done = None, 0
    with bar:
        for part in feature_batches(encoder, batches, device, mean, std):
            if features is None:
                features = torch.empty(len(images), part.shape[1], dtype=torch.float32)
            features[done : done + len(part)] = part
            done += len(part)
            bar.update(len(part))
    return features


def feature_batches(
    encoder: torch.nn.Module,
    batches: Iterable[Tensor],
    device: str | torch.device,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Iterator[Tensor]:
    """Features (n, D) float32 on the CPU of each batch (n, 3, S, S) uint8, scaled to [0, 1], then (x - mean) / std per channel if given.

    The encoder is moved to ``device`` and run in evaluation mode; its mode is put back afterwards. On a CPU it runs channels-last, which
    convolutions there prefer. The features are a function of the images, the batch size and the device: the last bits may change with
    the batch size, as libraries choose their kernels by it, but an image's features do not depend on its companions otherwise.
    """
    if (mean is None) != (std is None):
        raise ValueError("mean and std must be given together")
    device = torch.device(device)
    layout = torch.channels_last if device.type == "cpu" else torch.contiguous_format
    encoder = encoder.to(device, memory_format=layout)
    shift, scale = (
        torch.tensor(v, dtype=torch.float32, device=device).view(1, 3, 1, 1)
        if v is not None
        else None
        for v in (mean, std)
    )
    modes = [
        (module, module.training) for module in encoder.modules()
    ]  # a frozen part of a training model may be in another mode
    encoder.eval()
    try:
        for images in batches:
            batch = (
                images.to(device).to(torch.float32, memory_format=layout).div_(255)
            )  # (n, 3, S, S)
            if shift is not None:
                batch.sub_(shift).div_(scale)
            with (
                torch.inference_mode()
            ):  # the encoder alone: what is returned shall be an ordinary tensor
                part = encoder(batch)  # (n, D)
            if part.ndim != 2 or len(part) != len(batch):
                raise ValueError(
                    f"the encoder must return (n, D) features, not {tuple(part.shape)} for {len(batch)} images"
                )
            yield torch.empty(part.shape, dtype=torch.float32).copy_(part)
    finally:
        for module, training in modes:
            module.training = training
