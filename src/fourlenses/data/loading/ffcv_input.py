"""Views of images that FFCV's own Loader reads and decodes, for those who tuned it for their disks.

It gives whole squares, each once for all views; what is drawn, and the order, are ours, as for
resident images: a run is the same however it is interrupted. https://docs.ffcv.io
"""

import time
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from fourlenses.core.errors import UserError
from fourlenses.data.augment.augment import Augment
from fourlenses.data.beton.selection import select

if TYPE_CHECKING:
    from ffcv.loader import Loader

# Batches that the Loader is given at a time: its "epoch", whose thread starts and ends.
RUN = 64
_POLL_SECONDS = 0.001
_Batch = tuple[np.ndarray, np.ndarray]  # positions and epochs, both int64 (B,)


class FfcvInput:
    """An `Input` that FFCV's Loader reads.

    The squares are those of `ResidentInput` where the stored image's shortest side is
    ``stored_size``, but for FFCV's JPEG decoder; where it must be scaled FFCV's INTER_AREA does it.

    Args:
        part: Beton file, manifest rows and name of the dataset. One: the Loader reads one file.
        stored_size: Side of the images, px.
        views: The augmentation of each view.
        device: Where the views are made.
        workers: Threads of the Loader.

    Raises:
        UserError: The beton is damaged or lacks a row.
    """

    kind = "ffcv"

    def __init__(
        self,
        part: tuple[Path, np.ndarray, str],
        stored_size: int,
        views: list[Augment],
        *,
        device: torch.device,
        workers: int,
    ) -> None:
        selection = select(*part)
        self.labels, self.num_classes = selection.labels, selection.num_classes
        self.ids = selection.ids
        self.stored_size, self.views, self.device = stored_size, views, torch.device(device)
        self._path, self._samples = part[0], selection.samples.astype(np.uint64)
        self._workers = max(1, workers)
        self._loader: Loader | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, chosen: Iterable[_Batch]) -> Generator[list[Tensor], None, None]:
        """Yield the views of each batch, each float32 (B, 3, size, size) as `Augment` makes them.

        Args:
            chosen: Per batch positions and epochs, both int64 (B,).

        Raises:
            UserError: The Loader's thread gave up.
        """
        for run in _runs(chosen):
            positions = np.concatenate([batch for batch, _ in run])
            squares = self._squares(self._samples[positions], len(run[0][0]))
            # zip would ask for one more square than there are batches
            for (rows, epochs), images in zip(run, squares, strict=True):
                yield [
                    view.of_images(
                        images,
                        view.draw(
                            self.stored_size,
                            self.stored_size,
                            self.ids[rows],
                            epoch=epochs,
                            view=number,
                        ),
                    )
                    for number, view in enumerate(self.views)
                ]

    def _squares(self, samples: np.ndarray, batch_size: int) -> Iterator[Tensor]:
        """Yield uint8 (B, 3, size, size) on the device, in the order of the samples."""
        loader = self._loader or self._new_loader(batch_size)
        self._loader = loader
        # one Loader for all runs: each takes seconds to compile
        loader.batch_size = batch_size
        loader.indices = loader.traversal_order.indices = loader.first_traversal_order = samples
        epoch = iter(loader)
        try:
            while (squares := self._next(epoch)) is not None:
                # a copy: the Loader's memory is used again
                yield squares.permute(0, 3, 1, 2).contiguous().to(self.device)
        finally:
            epoch.close()

    def _next(self, epoch) -> Tensor | None:  # type: ignore[no-untyped-def]  # FFCV's EpochIterator
        """Return the next squares, None after the last; an error in the thread ends the wait."""
        while epoch.output_queue.empty():
            if not epoch.is_alive() and epoch.output_queue.empty():
                raise UserError(
                    f"{self._path}: FFCV's Loader gave up without a word (its thread has ended); "
                    "use training.input: auto, or look for its error above in this log"
                )
            time.sleep(_POLL_SECONDS)
        batch = next(epoch, None)
        return None if batch is None else batch[0]

    def _new_loader(self, batch_size: int) -> "Loader":
        from ffcv.fields.rgb_image import CenterCropRGBImageDecoder
        from ffcv.loader import Loader, OrderOption
        from ffcv.transforms import ToTensor

        side = self.stored_size
        image = [CenterCropRGBImageDecoder((side, side), ratio=1), ToTensor()]
        return Loader(
            str(self._path),
            batch_size=batch_size,
            num_workers=self._workers,
            order=OrderOption.SEQUENTIAL,
            drop_last=False,
            pipelines={"image": image, "label": None, "index": None},
        )


def _runs(chosen: Iterable[_Batch]) -> Iterator[list[_Batch]]:
    """Yield up to RUN batches of one size, in their order."""
    run: list[_Batch] = []
    for batch in chosen:
        if len(batch[0]) == 0:
            continue
        if run and (len(run) == RUN or len(batch[0]) != len(run[0][0])):
            yield run
            run = []
        run.append(batch)
    if run:
        yield run
