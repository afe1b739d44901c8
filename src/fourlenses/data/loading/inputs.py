"""Where the views of a training run come from: images resident in memory, or streamed from their betons; which of the two."""

import logging
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from fourlenses.core.errors import UserError
from fourlenses.core.memory import available_memory
from fourlenses.data.augment.augment import Augment
from fourlenses.data.loading.resident import Images, concatenate, load_images
from fourlenses.parallel.devices import to_device

log = logging.getLogger(__name__)
Part = tuple[Path, np.ndarray, str]  # a beton, the manifest rows to use of it, the dataset's name
# Resident images may take this share of the free memory: the rest is the network's, its gradients' and the views'.
SHARE = 0.4
CHOICES = ("auto", "resident", "streaming")
AHEAD = 8  # batches whose views are drawn together; like the streaming input, this asks for batches that are not trained on yet


def batched(items: Iterable, count: int) -> Iterator[tuple]:
    """Runs of ``count`` items, the last one maybe shorter (itertools has this from Python 3.12 on)."""
    iterator = iter(items)
    while run := tuple(islice(iterator, count)):
        yield run


class Input(Protocol):
    """labels: int64 (N,), the finest level. ids: uint64 (N,), of dataset and manifest row. kind: resident or streaming."""

    kind: str
    labels: np.ndarray
    ids: np.ndarray
    num_classes: int

    def batches(self, chosen: Iterable[tuple[np.ndarray, np.ndarray]]) -> Iterator[list[Tensor]]:
        """For each (positions, epochs), both int64 (B,): the views, each float32 (B, 3, size, size) as `Augment` makes them."""


class ResidentInput:
    """An `Input` whose images are kept on ``device``."""

    kind = "resident"

    def __init__(self, data: Images, views: list[Augment], device: torch.device) -> None:
        self.labels, self.ids, self.num_classes = data.labels, data.ids, data.num_classes
        self.views, self.device = views, torch.device(device)
        self._images = data.images.to(self.device)

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, chosen: Iterable[tuple[np.ndarray, np.ndarray]]) -> Iterator[list[Tensor]]:
        height, width = self._images.shape[2:]
        for some in batched(chosen, AHEAD):
            # of several batches at once: much of what drawing takes is the same for one image as for a thousand
            positions, epochs = (np.concatenate(column) for column in zip(*some, strict=True))
            drawn = [
                view.draw(height, width, self.ids[positions], epochs, number)
                for number, view in enumerate(self.views)
            ]
            start = 0
            for own, _ in some:
                part, start = slice(start, start + len(own)), start + len(own)
                images = self._images[to_device(own, self.device)]
                yield [
                    view.of_images(images, parameters.take(part))
                    for view, parameters in zip(self.views, drawn, strict=True)
                ]


class Subset:
    """An `Input` of some images of another: ``positions`` int64 (n,). Images are kept once and drawn alike, whichever part asks."""

    def __init__(self, whole: Input, positions: np.ndarray) -> None:
        self.kind, self.num_classes = whole.kind, whole.num_classes
        self.labels, self.ids = whole.labels[positions], whole.ids[positions]
        self._whole, self._positions = whole, positions

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, chosen: Iterable[tuple[np.ndarray, np.ndarray]]) -> Iterator[list[Tensor]]:
        return self._whole.batches(
            (self._positions[positions], epochs) for positions, epochs in chosen
        )


def choose_input(
    setting: str,
    parts: list[Part],
    stored_size: int,
    views: list[Augment],
    device: torch.device,
    workers: int,
) -> Input:
    """The input for ``parts`` (beton file, manifest rows, dataset name). ``setting`` is resident, streaming, or auto: resident where the
    images take at most the share ``SHARE`` of the free memory of the host and of the device. Says in the log what was chosen and why.

    Raises:
        UserError: no such setting, or a beton is damaged or lacks one of the rows.
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
        "%s images: %d of %d px would take %.2f GiB of the %.2f GiB that are free (at most %d %% may be taken)%s",
        chosen,
        images,
        stored_size,
        needed / 2**30,
        room / 2**30,
        100 * SHARE,
        "" if setting == "auto" else f"; '{setting}' was asked for",
    )
    if chosen == "resident":
        return ResidentInput(
            concatenate([load_images(*part[:2], stored_size, part[2], workers) for part in parts]),
            views,
            device,
        )
    # not needed by the many small runs, which should start quickly
    from fourlenses.data.loading.streaming import StreamingInput

    return StreamingInput(parts, stored_size, views, device, workers)


def load_squares(parts: list[Part], positions: np.ndarray, size: int, workers: int) -> Tensor:
    """Some of the images themselves, uint8 (M, 3, size, size): ``positions`` count through all parts, ascending."""
    first = np.cumsum([0, *(len(rows) for _, rows, _ in parts)])
    squares = []
    for (beton, rows, dataset), (start, end) in zip(parts, pairwise(first), strict=True):
        cut = positions[(positions >= start) & (positions < end)] - start
        if len(cut):
            squares.append(load_images(beton, rows[cut], size, dataset, workers).images)
    return torch.cat(squares)
