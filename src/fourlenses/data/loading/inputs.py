"""Inputs of a training: views of images that are resident in memory, or streamed from betons."""

import logging
from collections.abc import Generator, Iterable, Iterator
from itertools import islice, pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from fourlenses.core.errors import UserError
from fourlenses.core.machine.memory import available_memory
from fourlenses.core.units import format_bytes
from fourlenses.data.augment.augment import Augment
from fourlenses.data.loading.resident import Images, concatenate, load_images
from fourlenses.parallel.devices import to_device

log = logging.getLogger(__name__)
Part = tuple[Path, np.ndarray, str]  # a beton, the manifest rows to use of it, the dataset's name
# Resident images may take this share of the free memory: the rest is for the network, its gradients
# and the views.
SHARE = 0.4
CHOICES = ("auto", "resident", "streaming", "ffcv")
# Batches whose views are drawn together. Like the streaming input, this asks for batches that are
# not trained on yet.
AHEAD = 8
Chosen = Iterable[tuple[np.ndarray, np.ndarray]]  # per batch: positions and epochs, int64 (B,)


def batched(items: Iterable, count: int) -> Iterator[tuple]:
    """Yield runs of ``count`` items, the last one maybe shorter (itertools' in Python 3.12)."""
    iterator = iter(items)
    while run := tuple(islice(iterator, count)):
        yield run


class Input(Protocol):
    """An input of N images.

    Attributes:
        kind: resident, streaming or ffcv.
        labels: int64 (N,), the finest level.
        ids: uint64 (N,), of dataset and manifest row.
        num_classes: Of the finest level.
    """

    kind: str
    labels: np.ndarray
    ids: np.ndarray
    num_classes: int

    def batches(self, chosen: Chosen) -> Generator[list[Tensor], None, None]:
        """Yield the views of each batch, each float32 (B, 3, size, size) as `Augment` makes them.

        Args:
            chosen: Per batch positions and epochs, both int64 (B,).
        """
        ...


class ResidentInput:
    """An `Input` whose images are kept on ``device``."""

    kind = "resident"

    def __init__(self, data: Images, views: list[Augment], device: torch.device) -> None:
        self.labels, self.ids, self.num_classes = data.labels, data.ids, data.num_classes
        self.views, self.device = views, torch.device(device)
        self._images = data.images.to(self.device)

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, chosen: Chosen) -> Generator[list[Tensor], None, None]:
        height, width = self._images.shape[2:]
        for some in batched(chosen, AHEAD):
            # of several batches at once: much of it costs the same for an image as for a thousand
            positions, epochs = (np.concatenate(column) for column in zip(*some, strict=True))
            drawn = [
                view.draw(height, width, self.ids[positions], epoch=epochs, view=number)
                for number, view in enumerate(self.views)
            ]
            start = 0
            for rows, _ in some:
                part, start = slice(start, start + len(rows)), start + len(rows)
                # indexing copies byte by byte, and takes 25 times as long
                images = self._images.index_select(0, to_device(rows, self.device))
                yield [
                    view.of_images(images, parameters.take(part))
                    for view, parameters in zip(self.views, drawn, strict=True)
                ]


class Subset:
    """An `Input` of some images of another one, which keeps the images.

    Args:
        whole: The other one.
        positions: int64 (n,), in it.
    """

    def __init__(self, whole: Input, positions: np.ndarray) -> None:
        self.kind, self.num_classes = whole.kind, whole.num_classes
        self.labels, self.ids = whole.labels[positions], whole.ids[positions]
        self._whole, self._positions = whole, positions

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, chosen: Chosen) -> Generator[list[Tensor], None, None]:
        return self._whole.batches(
            (self._positions[positions], epochs) for positions, epochs in chosen
        )


class ViewedInput(Input, Protocol):
    """An input that makes its views itself.

    Attributes:
        views: The augmentation of each view; another list holds from the next call of `batches` on.
    """

    views: list[Augment]


def choose_input(
    setting: str,
    parts: list[Part],
    *,
    stored_size: int,
    views: list[Augment],
    device: torch.device,
    workers: int,
) -> ViewedInput:
    """Return the input for some images; the log says which kind was chosen, and why.

    Args:
        setting: resident, streaming, ffcv, or auto: resident where the images take at most the
            share ``SHARE`` of the free memory of the host and of the device, else streaming.
        parts: Beton file, manifest rows and name of each dataset.
        stored_size: Side of the images, px.
        views: The augmentation of each view.
        device: Where the views are made.
        workers: Threads that decode.

    Raises:
        UserError: There is no such setting, or a beton is damaged or lacks one of the rows.
    """
    if setting not in CHOICES:
        raise UserError(f"the input is one of {', '.join(CHOICES)}, not {setting!r}")
    images = sum(len(rows) for _, rows, _ in parts)
    needed = images * 3 * stored_size**2
    # all pass through the host; several datasets are twice there while they are joined
    room = available_memory() // (2 if len(parts) > 1 else 1)
    if device.type == "cuda":
        room = min(room, torch.cuda.mem_get_info(device)[0])
    chosen = setting if setting != "auto" else "resident" if needed <= SHARE * room else "streaming"
    log.info(
        "%s images: %d of %d px would take %s of the %s that are free (at most %d %% are taken)%s",
        chosen,
        images,
        stored_size,
        format_bytes(needed, binary=True),
        format_bytes(room, binary=True),
        100 * SHARE,
        "" if setting == "auto" else f"; '{setting}' was asked for",
    )
    if chosen == "resident":
        loaded = [
            load_images(beton, rows, stored_size, dataset=dataset, workers=workers)
            for beton, rows, dataset in parts
        ]
        return ResidentInput(concatenate(loaded), views, device)
    if chosen == "ffcv":
        part = _only_part(parts)
        from fourlenses.data.loading.ffcv_input import FfcvInput

        return FfcvInput(part, stored_size, views, device=device, workers=workers)
    # not needed by the many small runs, which should start quickly
    from fourlenses.data.loading.streaming import StreamingInput

    return StreamingInput(parts, stored_size, views, device=device, workers=workers)


def _only_part(parts: list[Part]) -> Part:
    if len(parts) > 1:
        raise UserError(
            "config key 'training.input' is 'ffcv', whose Loader reads one beton, but this "
            f"pretraining has {len(parts)} ({', '.join(name for *_, name in parts)}); use auto "
            "for pools"
        )
    return parts[0]


def load_squares(parts: list[Part], positions: np.ndarray, size: int, *, workers: int) -> Tensor:
    """Return some of the images themselves, uint8 (M, 3, size, size).

    Args:
        parts: As in `choose_input`.
        positions: int64 (M,), ascending; they count through all parts.
        size: Side, px.
        workers: Threads that decode.
    """
    first = np.cumsum([0, *(len(rows) for _, rows, _ in parts)])
    squares = []
    for (beton, rows, dataset), (start, end) in zip(parts, pairwise(first), strict=True):
        cut = positions[(positions >= start) & (positions < end)] - start
        if len(cut):
            images = load_images(beton, rows[cut], size, dataset=dataset, workers=workers)
            squares.append(images.images)
    return torch.cat(squares)
