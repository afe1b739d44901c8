"""Images resident in memory: decoded once to one uint8 tensor, from which every view of every epoch is cut."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from fourlenses.data.beton import RAW, Beton, Stored
from fourlenses.data.decode import decode
from fourlenses.errors import UserError
from fourlenses.randomness import mix, named_seed


@dataclass
class Images:
    """images: uint8 (N, 3, S, S). labels: int64 (N,), the finest level. ids: uint64 (N,), of dataset and manifest row: views are
    drawn of them."""

    images: torch.Tensor
    labels: np.ndarray
    ids: np.ndarray
    num_classes: int


def load_images(beton_file: Path, rows: np.ndarray, size: int, dataset: str, workers: int) -> Images:
    """The images of some manifest rows, as squares of ``size`` px: shortest side scaled to it (antialiased), centre cut out.

    Raises:
        UserError: the beton lacks one of the rows.
    """
    beton = Beton(beton_file)
    by_row = np.full(max(int(beton.index.max(initial=0)), int(rows.max(initial=0))) + 1, -1)
    by_row[beton.index] = np.arange(len(beton))
    samples = by_row[rows]
    if (samples < 0).any():
        raise UserError(f"{beton_file} lacks row {rows[samples < 0][0]} of its manifest; write it again (delete it, then run snakemake)")
    pixels = np.empty((len(samples), size, size, 3), np.uint8)

    def fill(position: int) -> None:
        pixels[position] = square(beton.image(samples[position]), size)

    with ThreadPoolExecutor(max(1, workers)) as pool:
        # consuming the results raises what a worker raised
        for _ in pool.map(fill, range(len(samples)), chunksize=64):
            pass
    tensor = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
    ids = mix(named_seed(0, "dataset", dataset), rows)
    return Images(tensor, beton.label[samples], ids, int(beton.label.max(initial=-1)) + 1)


def square(stored: Stored, size: int) -> np.ndarray:
    """uint8 (size, size, 3)."""
    if stored.mode == RAW:
        pixels = stored.data.reshape(stored.height, stored.width, 3)
        if stored.height == stored.width == size:
            return pixels
        picture = Image.fromarray(pixels)
    else:
        picture = decode(stored.data.tobytes())
    width, height = picture.size
    shortest = min(width, height)
    left, top = (width - shortest) / 2, (height - shortest) / 2
    if width == height == size:
        return np.asarray(picture)
    return np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR, box=(left, top, left + shortest, top + shortest)))


def concatenate(parts: list[Images]) -> Images:
    """Several datasets as one; the classes of each follow those of the one before."""
    offsets = np.cumsum([0, *(part.num_classes for part in parts)])
    labels = np.concatenate([part.labels + offset for part, offset in zip(parts, offsets, strict=False)])
    return Images(torch.cat([part.images for part in parts]), labels, np.concatenate([part.ids for part in parts]), int(offsets[-1]))
