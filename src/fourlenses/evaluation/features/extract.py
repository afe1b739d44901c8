"""Features of uint8 images from a frozen encoder."""

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from fourlenses.core.progress import progress_bar

QUIET_BATCHES = 8  # fewer batches than this need no progress bar


def extract_features(
    encoder: torch.nn.Module,
    images: Tensor,
    batch_size: int,
    *,
    device: str | torch.device,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Tensor:
    """Return features (N, D) float32 on the CPU of images in memory; see `feature_batches`.

    Args:
        encoder: images -> features (n, D).
        images: uint8 (N, 3, S, S), N > 0.
        batch_size: images of one forward pass.
        device: where to compute.
        mean: per channel, of images in [0, 1].
        std: the same.

    Raises:
        ValueError: see above.
    """
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3 or len(images) == 0:
        raise ValueError(
            f"images must be uint8 (N, 3, S, S) with N > 0, not {images.dtype} of shape "
            f"{tuple(images.shape)}"
        )
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, not {batch_size}")
    batches = images.split(batch_size)
    shown = len(batches) >= QUIET_BATCHES
    parts = []
    with progress_bar("features", "image", len(images), inner=True, shown=shown) as bar:
        for part in feature_batches(encoder, batches, device=device, mean=mean, std=std):
            parts.append(part)
            bar.update(len(part))
    return torch.cat(parts)


def feature_batches(
    encoder: torch.nn.Module,
    batches: Iterable[Tensor],
    *,
    device: str | torch.device,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Iterator[Tensor]:
    """Yield the features (n, D) float32 on the CPU of each batch.

    The encoder is moved to ``device`` and run in evaluation mode; its mode is restored afterwards.
    On a CPU it runs channels-last, which convolutions there prefer. The features are a function of
    the images, the batch size and the device: the last bits may change with the batch size, as
    libraries choose their kernels by it, but an image's features do not depend on the others
    otherwise.

    Args:
        encoder: images -> features (n, D).
        batches: uint8 (n, 3, S, S), scaled to [0, 1].
        device: where to compute.
        mean: then (x - mean) / std per channel; None for neither.
        std: the same.

    Raises:
        ValueError: one of mean and std is missing; the features are not (n, D).
    """
    if (mean is None) != (std is None):
        raise ValueError("mean and std must be given together")
    device = torch.device(device)
    layout = torch.channels_last if device.type == "cpu" else torch.contiguous_format
    # torch's stub of Module.to lacks the overload with a memory format alone
    encoder.to(device, memory_format=layout)  # type: ignore[call-overload]
    shift, scale = _per_channel(mean, device), _per_channel(std, device)
    # a frozen part of a training model may be in another mode
    modes = [(module, module.training) for module in encoder.modules()]
    encoder.eval()
    try:
        for images in batches:
            batch = images.to(device).to(torch.float32, memory_format=layout).div_(255)
            if shift is not None and scale is not None:
                batch.sub_(shift).div_(scale)
            # the encoder alone: what is returned must be an ordinary tensor
            with torch.inference_mode():
                part = encoder(batch)  # (n, D)
            if part.ndim != 2 or len(part) != len(batch):
                raise ValueError(
                    f"the encoder must return (n, D) features, not {tuple(part.shape)} for "
                    f"{len(batch)} images"
                )
            yield torch.empty(part.shape, dtype=torch.float32).copy_(part)
    finally:
        for module, training in modes:
            module.training = training


def _per_channel(values: Sequence[float] | None, device: torch.device) -> Tensor | None:
    if values is None:
        return None
    return torch.tensor(values, dtype=torch.float32, device=device).view(1, 3, 1, 1)
