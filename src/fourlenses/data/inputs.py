"""Where a run's views come from: images resident in memory, or streamed from betons as they are needed."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from fourlenses.data.resident import Images, concatenate, load_images
from fourlenses.data.views import Views

Part = tuple[Path, np.ndarray, str]  # a beton, the manifest rows to use of it, the dataset's name


class Input(Protocol):
    """labels: int64 (N,), the finest level. ids: uint64 (N,), of dataset and manifest row. kind: resident or streaming."""

    labels: np.ndarray
    ids: np.ndarray
    num_classes: int
    kind: str

    def batches(self, chosen: Iterable[tuple[np.ndarray, np.ndarray]]) -> Iterator[list[Tensor]]:
        """For each (positions, epochs), int64 (B,) both, the views: float32 (B, 3, S, S) on the device."""

    def squares(self, positions: np.ndarray, size: int) -> Tensor:
        """The images themselves, uint8 (M, 3, size, size)."""


class ResidentInput:
    kind = "resident"

    def __init__(self, data: Images, views: list[Views], device: torch.device) -> None:
        self.labels, self.ids, self.num_classes = data.labels, data.ids, data.num_classes
        self.views, self.images = views, data.images.to(device)

    def batches(self, chosen: Iterable[tuple[np.ndarray, np.ndarray]]) -> Iterator[list[Tensor]]:
        for positions, epochs in chosen:
            images = self.images[torch.from_numpy(positions).to(self.images.device)]
            yield [view(images, self.ids[positions], epochs, number) for number, view in enumerate(self.views)]


def open_input(kind: str, parts: list[Part], stored_size: int, views: list[Views], device: torch.device, workers: int) -> Input:
    images = concatenate([load_images(beton, rows, stored_size, dataset, workers) for beton, rows, dataset in parts])
    return ResidentInput(images, views, device)
