"""Views of images that do not fit in memory.

Threads read and decode ahead of the training, each image once for all its views.

By hand, not FFCV's Loader, whose files these are: it decodes an image once a view, draws crops that
depend on the order of work, swallows the errors of its thread, leaks it when an epoch is broken
off, and compiles for 8 s. Two views of 224 px take less than half of its time on the host
(docs/measured/benchmarks.md). Here a thread reads, decodes, cuts, mirrors and scales in C code that
lets the others run; what is drawn, and the order, are counted as for resident images. Crops leave
as uint8; the rest of the augmentation is computed on the training device.
"""

import collections
import contextlib
import threading
import time
from collections.abc import Generator, Iterable
from dataclasses import KW_ONLY, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fourlenses.core.errors import UserError
from fourlenses.core.patience import PatientFile
from fourlenses.data.augment.augment import Augment
from fourlenses.data.augment.parameters import Parameters
from fourlenses.data.beton.selection import join_labels, select
from fourlenses.data.images.content import Undecodable
from fourlenses.data.images.scaling import picture_room
from fourlenses.data.images.turbojpeg import JpegDecoder
from fourlenses.data.loading.compiled_crops import crops_function
from fourlenses.data.loading.crops import Cropper, Crops
from fourlenses.data.loading.worker_threads import Worker, WorkerThreads

REWRITE = "delete it and its .json and run snakemake, which writes it again"
# Samples a worker takes at a time: few enough that all are busy to the end of a batch.
_CHUNK = 8
_Workers = WorkerThreads[Cropper]


class StreamingInput:
    """An `Input` that reads its images as they are needed.

    Several datasets are one, as in `resident.concatenate`. The crops are those of `ResidentInput`
    within a grey level (0.3 on average: they are rounded, there they are not), 3.3 where the stored
    picture must be scaled to ``stored_size`` first; after SimCLR's whole augmentation 0.2 on
    average and 6 at most, of photographs. They do not depend on the number of workers, on the batch
    or on where a run starts.

    Args:
        parts: Beton file, manifest rows and name of each dataset.
        stored_size: Side of the images, px.
        views: The augmentation of each view.
        device: Where the views are made.
        workers: Threads.
        ahead: Batches in work while another is trained on; held as uint8, 4 bytes a pixel.
        patience_seconds: An image on which a worker has been for longer is an error.

    Raises:
        UserError: A beton is damaged or lacks a row, or FFCV's library is not installed.
    """

    kind = "streaming"

    def __init__(
        self,
        parts: list[tuple[Path, np.ndarray, str]],
        stored_size: int,
        views: list[Augment],
        *,
        device: torch.device,
        workers: int,
        ahead: int = 3,
        patience_seconds: float = 120.0,
    ) -> None:
        self._selections = selections = [select(*part) for part in parts]
        self.labels, self.num_classes = join_labels(
            [each.labels for each in selections], [each.num_classes for each in selections]
        )
        self.ids = np.concatenate([each.ids for each in selections])
        self._first = np.cumsum([0, *(len(each.samples) for each in selections)])
        self._mode, self._width, self._height, self._start, self._size = (
            np.concatenate([getattr(each.beton, name)[each.samples] for each in selections])
            for name in ("mode", "width", "height", "start", "size")
        )
        self.stored_size, self.views, self.device = stored_size, views, torch.device(device)
        self._workers, self._ahead = max(1, workers), max(1, ahead)
        self._patience = patience_seconds
        # Copies to a GPU run parallel to the training, and are waited for without waiting for it.
        self._copies = torch.cuda.Stream(self.device) if self.device.type == "cuda" else None
        JpegDecoder()  # what is not installed is missed here and not in a thread
        crops_function()  # and what is not compiled yet is compiled once, not in every thread

    def __len__(self) -> int:
        return len(self.labels)

    def batches(
        self, chosen: Iterable[tuple[np.ndarray, np.ndarray]]
    ) -> Generator[list[Tensor], None, None]:
        """Yield the views of each batch, each float32 (B, 3, size, size) as `Augment` makes them.

        Work begins when the first batch is asked for, and ends when the generator is exhausted or
        closed.

        Args:
            chosen: Per batch positions and epochs, both int64 (B,).

        Raises:
            UserError: An image cannot be read or decoded, or a worker hangs; the message names the
                file and the sample.
        """
        with contextlib.closing(self.crops(chosen)) as cut:
            for crops, parameters in cut:
                crops = self._on_device(crops)
                yield [
                    view.of_crops(crop, drawn)
                    for view, crop, drawn in zip(self.views, crops, parameters, strict=True)
                ]

    def crops(
        self, chosen: Iterable[tuple[np.ndarray, np.ndarray]]
    ) -> Generator[tuple[list[Tensor], list[Parameters]], None, None]:
        """Yield what `batches` makes the views of: for each view its crops and parameters.

        The crops are uint8 (B, 4, size, size) on the host, the fourth channel without meaning. They
        are overwritten after the next batch is asked for.
        """
        coming, pending = iter(chosen), collections.deque[_Batch]()
        free: list[_Buffers] = []
        with contextlib.ExitStack() as opened:
            files = [opened.enter_context(_open(each.beton.path)) for each in self._selections]
            threads = _Workers(self._workers, Cropper)
            # a worker ends with its current image; a hanging one is not waited for
            opened.callback(lambda: threads.stop(0.0 if self._stuck(threads) else 10.0))
            while True:
                while len(pending) < self._ahead and (item := next(coming, None)) is not None:
                    pending.append(self._begin(*item, files=files, free=free, threads=threads))
                if not pending:
                    return
                batch = pending.popleft()
                self._await(batch, threads)
                if (item := next(coming, None)) is not None:
                    pending.append(self._begin(*item, files=files, free=free, threads=threads))
                yield [crop[: batch.count] for crop in batch.buffers.crops], batch.parameters
                free.append(batch.buffers)

    def _begin(
        self,
        positions: np.ndarray,
        epochs: np.ndarray,
        *,
        files: list[PatientFile],
        free: "list[_Buffers]",
        threads: _Workers,
    ) -> "_Batch":
        """Draw the parameters of a batch and hand it to the threads."""
        size = self.stored_size
        parameters = [
            view.draw(size, size, self.ids[positions], epoch=epochs, view=number)
            for number, view in enumerate(self.views)
        ]
        corners = [(each.top, each.left, each.height, each.width) for each in parameters]
        boxes = np.stack([np.stack(corner, axis=1) for corner in corners], axis=1)  # (B, views, 4)
        flips = np.stack([each.flip for each in parameters], axis=1)
        buffers = free.pop() if free else None
        if buffers is None or len(buffers.crops[0]) < len(positions):
            sizes = [view.size for view in self.views]
            buffers = _Buffers(len(positions), sizes, pin=self._copies is not None)
        part = np.searchsorted(self._first, positions, side="right") - 1
        stored = (
            column[positions]
            for column in (self._start, self._size, self._mode, self._width, self._height)
        )
        columns = (np.arange(len(positions)), positions, part, *stored)
        batch = _Batch(parameters, buffers, Crops(boxes, flips, buffers.crops, size=size))
        for start in range(0, len(positions), _CHUNK):
            rows = slice(start, start + _CHUNK)
            samples = list(zip(*(column[rows].tolist() for column in columns), strict=True))
            threads.submit(partial(self._work, batch=batch, samples=samples, files=files))
        return batch

    def _work(
        self, worker: Worker[Cropper], *, batch: "_Batch", samples: list, files: list[PatientFile]
    ) -> None:
        """Cut the crops of some samples of a batch, in a worker."""
        cropper = worker.tool
        assert cropper is not None
        try:
            for row, position, part, start, size, mode, width, height in samples:
                if worker.stopping.is_set() or batch.error is not None:
                    return
                worker.begin(position)
                data = files[part].pread(size, start)
                if len(data) != size:
                    raise UserError(
                        f"{self._name(position)}: the file ends before it; it was truncated since "
                        f"it was opened; {REWRITE}"
                    )
                cropper.cut(
                    data,
                    mode=mode,
                    width=width,
                    height=height,
                    crops=batch.crops,
                    row=row,
                )
        except Undecodable as error:
            batch.error = UserError(
                f"{self._name(position)} cannot be decoded ({error}); the file is damaged: "
                f"{REWRITE}"
            )
        except OSError as error:
            batch.error = UserError(
                f"{self._name(position)} cannot be read: {error.strerror or error}; is its disk "
                f"reachable? If not, {REWRITE}"
            )
        except BaseException as error:  # whatever it is, the training must hear of it
            batch.error = error
        finally:
            batch.done(len(samples))

    def _await(self, batch: "_Batch", threads: _Workers) -> None:
        while not batch.finished.wait(min(1.0, self._patience / 4)):
            if stuck := self._stuck(threads):
                images = "; ".join(
                    f"{self._name(position)} for {seconds:.0f} s" for position, seconds in stuck
                )
                raise UserError(
                    f"no images are coming, a worker has been at {images}; is the disk reachable? "
                    f"If the file is damaged, {REWRITE}"
                )
            if not all(worker.is_alive() for worker in threads.workers):
                raise UserError(
                    "a thread that reads images has died; start again (training resumes from its "
                    "last checkpoint)"
                )
        if batch.error is not None:
            raise batch.error

    def _stuck(self, threads: _Workers) -> list[tuple[int, float]]:
        """Return positions at which workers have been for too long, and the seconds of each."""
        now, tasks = time.monotonic(), [worker.at for worker in threads.workers]
        waits = [(task[0], now - task[1]) for task in tasks if task is not None]
        return [(position, seconds) for position, seconds in waits if seconds > self._patience]

    def _on_device(self, crops: list[Tensor]) -> list[Tensor]:
        if self._copies is None:
            return crops
        with torch.cuda.stream(self._copies):
            crops = [crop.to(self.device, non_blocking=True) for crop in crops]
        current = torch.cuda.current_stream(self.device)
        current.wait_stream(self._copies)
        for crop in crops:
            crop.record_stream(current)
        self._copies.synchronize()  # the host's crops are overwritten soon
        return crops

    def _name(self, position: int) -> str:
        part = int(np.searchsorted(self._first, position, side="right")) - 1
        selection, index = self._selections[part], position - self._first[part]
        sample, row = selection.samples[index], selection.rows[index]
        return f"{selection.beton.path}, sample {sample} (row {row} of its manifest)"


@dataclass
class _Batch:
    """A batch in work."""

    parameters: list[Parameters]
    buffers: "_Buffers"
    crops: Crops
    _: KW_ONLY
    error: BaseException | None = None

    def __post_init__(self) -> None:
        self.count = len(self.crops.plan)
        self.finished, self._left, self._lock = threading.Event(), self.count, threading.Lock()
        if self.count == 0:
            self.finished.set()

    def done(self, samples: int) -> None:
        with self._lock:
            self._left -= samples
            if self._left == 0:
                self.finished.set()


class _Buffers:
    """Room for the crops of a batch: those of a view are uint8 (B, 4, S, S), channels last.

    Used again for later batches, as fresh memory costs a page fault every 4 KB.

    Args:
        count: Samples of the batch.
        sizes: Of the views, px.
        pin: Whether memory is page-locked, so that copies to a GPU need not be waited for.
    """

    def __init__(self, count: int, sizes: list[int], *, pin: bool) -> None:
        self.crops = [picture_room(size, 4, count=count, pin=pin) for size in sizes]


def _open(path: Path) -> PatientFile:
    """Open a file for pread.

    A memory map would kill the process (SIGBUS) where the file is truncated or its server vanishes.
    """
    try:
        return PatientFile(path)
    except OSError as error:
        raise UserError(
            f"{path} cannot be opened: {error}; it was there when the run began"
        ) from error
