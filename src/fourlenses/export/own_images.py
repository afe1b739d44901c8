"""Features of one's own images by an encoder of a study, as the study makes them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from fourlenses.core.errors import UserError
from fourlenses.evaluation.encoder import Encoder

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
BATCH = 32  # images at a time


def images_in(folder: Path) -> list[Path]:
    """Return the images of a folder, sorted by name.

    Raises:
        UserError: there is no such folder, or no image in it.
    """
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    images = [file for file in files if file.suffix.lower() in ENDINGS]
    if not images:
        raise UserError(f"{folder} has no images ({', '.join(ENDINGS)}); name a folder of images")
    return images


def features_of(run: Path, images: Sequence[Path]) -> np.ndarray:
    """Return the features of images: float32 (images, width).

    Args:
        run: the directory of an encoder, with encoder.safetensors and run.json.
        images: files.

    Raises:
        UserError: there is no such encoder.
    """
    encoder = Encoder.read(run)
    network, _ = encoder.pretrained()
    network.eval()
    found = []
    with torch.inference_mode():
        for start in range(0, len(images), BATCH):
            batch = [_prepared(file, encoder) for file in images[start : start + BATCH]]
            found.append(network(torch.stack(batch)).numpy())
    return np.concatenate(found)


def _prepared(file: Path, encoder: Encoder) -> Tensor:
    """Return an image as the encoder sees it: float32 (3, size, size)."""
    from torchvision.transforms import InterpolationMode, v2  # takes seconds to import

    with Image.open(file) as opened:
        picture = opened.convert("RGB")
    steps = [
        v2.Resize(encoder.resized, InterpolationMode(encoder.interpolation)),
        v2.CenterCrop(encoder.image_size),
        v2.ToImage(),
        v2.ToDtype(torch.float32, scale=True),
    ]
    colours = encoder.normalisation()
    steps += [v2.Normalize(**colours)] if colours else []
    return v2.Compose(steps)(picture)


def nearest(features: np.ndarray) -> np.ndarray:
    """Return for each image the row of its nearest other one, by cosine: int64 (images,).

    Args:
        features: (images, width), of two images or more.
    """
    directions = features / np.linalg.norm(features, axis=1, keepdims=True).clip(1e-12)
    likeness = directions @ directions.T
    np.fill_diagonal(likeness, -np.inf)
    return likeness.argmax(axis=1)
