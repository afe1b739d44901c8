"""Images resident in memory: one uint8 tensor, from which every view of every epoch is cut."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from fourlenses.data.beton.reader import RAW, Stored
from fourlenses.data.beton.selection import Selection, join_labels, select
from fourlenses.data.images.decode import decode
from fourlenses.study.preprocessing import BICUBIC, BILINEAR

_FILTERS = {BILINEAR: Image.Resampling.BILINEAR, BICUBIC: Image.Resampling.BICUBIC}


@dataclass(kw_only=True)
class Images:
    """Images in memory.

    Attributes:
        images: uint8 (N, 3, S, S).
        labels: int64 (N,), the finest level.
        ids: uint64 (N,), of dataset and manifest row: they seed the views.
        num_classes: Of the finest level.
    """

    images: torch.Tensor
    labels: np.ndarray
    ids: np.ndarray
    num_classes: int


def load_images(
    beton_file: Path, rows: np.ndarray, size: int, *, dataset: str, workers: int
) -> Images:
    """Load the images of some manifest rows as squares.

    The shortest side is scaled to ``size`` (antialiased), the centre is cut out.

    Args:
        beton_file: The beton.
        rows: int64 (N,), of the manifest.
        size: Side of the squares, px.
        dataset: Its name.
        workers: Threads.

    Raises:
        UserError: The beton lacks one of the rows.
    """
    chosen = select(beton_file, rows, dataset)
    with ThreadPoolExecutor(max(1, workers)) as pool:
        pixels = _squares(chosen, slice(None), size, pool=pool)
    return Images(
        images=pixels, labels=chosen.labels, ids=chosen.ids, num_classes=chosen.num_classes
    )


def image_blocks(
    chosen: Selection, size: int, *, workers: int, block: int, interpolation: str = BILINEAR
) -> Iterator[torch.Tensor]:
    """Yield the same squares, ``block`` of them at a time: for images that do not fit in memory.

    The next block is decoded meanwhile.

    Args:
        interpolation: one of `INTERPOLATIONS`, by which the images are scaled.
    """
    starts = range(0, len(chosen.samples), block)
    with ThreadPoolExecutor(max(1, workers)) as pool, ThreadPoolExecutor(1) as ahead:
        coming = None
        for start in (*starts, None):
            decoded, coming = coming, None
            if start is not None:
                part = slice(start, start + block)
                coming = ahead.submit(
                    _squares, chosen, part, size, pool=pool, interpolation=interpolation
                )
            if decoded is not None:
                yield decoded.result()


def central(squares: torch.Tensor, size: int) -> torch.Tensor:
    """Return the centres (N, 3, size, size) of squares (N, 3, S, S), at whole pixels."""
    margin = (squares.shape[-1] - size) // 2
    middle = slice(margin, margin + size)
    return squares[:, :, middle, middle]


def _squares(
    chosen: Selection,
    part: slice,
    size: int,
    *,
    pool: ThreadPoolExecutor,
    interpolation: str = BILINEAR,
) -> torch.Tensor:
    """Return uint8 (n, 3, size, size) of part of a selection."""
    samples = chosen.samples[part]
    pixels = np.empty((len(samples), 3, size, size), np.uint8)

    def fill(position: int) -> None:
        stored = chosen.beton.image(samples[position])
        pixels[position] = square(stored, size, interpolation).transpose(2, 0, 1)

    # consuming the results raises what a worker raised
    for _ in pool.map(fill, range(len(samples)), chunksize=64):
        pass
    return torch.from_numpy(pixels)


def square(stored: Stored, size: int, interpolation: str = BILINEAR) -> np.ndarray:
    """Return a stored image as uint8 (size, size, 3), scaled by one of `INTERPOLATIONS`."""
    if stored.mode == RAW:
        pixels = stored.data.reshape(stored.height, stored.width, 3)
        if stored.height == stored.width == size:
            return pixels
        picture = Image.fromarray(pixels)
    else:
        picture = decode(stored.data.tobytes())
    width, height = picture.size
    shortest = min(width, height)
    # at whole pixels: half a pixel more, where the sides differ by an odd number, would blur
    left, top = (width - shortest) // 2, (height - shortest) // 2
    if shortest == size:
        return np.asarray(picture.crop((left, top, left + size, top + size)))
    return np.asarray(
        picture.resize(
            (size, size),
            _FILTERS[interpolation],
            box=(left, top, left + shortest, top + shortest),
        )
    )


def concatenate(parts: list[Images]) -> Images:
    """Return several datasets as one; the classes of each follow those of the one before."""
    if len(parts) == 1:  # without a copy: it may fill much of the memory
        return parts[0]
    labels, num_classes = join_labels(
        [part.labels for part in parts], [part.num_classes for part in parts]
    )
    return Images(
        images=torch.cat([part.images for part in parts]),
        labels=labels,
        ids=np.concatenate([part.ids for part in parts]),
        num_classes=num_classes,
    )
