"""Augment of images that do not fit in memory: read and decoded ahead of the training by threads, each image once for all its views.

Not FFCV's Loader, whose files these are: it decodes an image once a view, draws crops that depend on the order of work, swallows the
errors of its thread, leaks it when an epoch is broken off, and compiles for 8 s. Here a thread reads, decodes, cuts, mirrors and scales
in C code that lets the others run; what is drawn, and the order, are counted as for resident images. Crops leave as uint8; the rest of
the recipe is computed on the training device.
"""

import collections
import contextlib
import os
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fourlenses.core.errors import UserError
from fourlenses.data.augment.augment import Augment
from fourlenses.data.augment.parameters import Parameters
from fourlenses.data.beton.selection import join_labels, select
from fourlenses.data.images.content import Undecodable
from fourlenses.data.images.scaling import picture_room
from fourlenses.data.images.turbojpeg import JpegDecoder
from fourlenses.data.loading.crops import Cropper
from fourlenses.data.loading.worker_threads import Worker, WorkerThreads

REWRITE = "delete it and its .json and run snakemake, which writes it again"
# Samples a worker takes at a time: few enough that all are busy to the end of a batch.
_CHUNK = 8


class StreamingInput:
    """An `Input` that reads its images as they are needed; of several datasets as one, as `resident.concatenate` has it.

    ``parts`` are (beton file, manifest rows, dataset name). ``ahead`` batches are in work while one is trained on; they are held as uint8,
    of 4 bytes a pixel. An image on which a worker has been for ``patience_seconds`` is an error.

    The crops are those of `ResidentInput` within a grey level (0.3 on average: they are rounded, there they are not), 3.3 where the stored
    picture must be scaled to ``stored_size`` first; after the whole SimCLR recipe 0.2 on average and 6 at most, of photographs. They do not
    depend on the number of workers, on the batch or on where a run starts.
    """

    kind = "streaming"

    def __init__(
        self,
        parts: list[tuple[Path, np.ndarray, str]],
        stored_size: int,
        views: list[Augment],
        device: torch.device,
        workers: int,
        ahead: int = 3,
        patience_seconds: float = 120.0,
    ) -> None:
        self._selections = [select(*part) for part in parts]
        self.labels, self.num_classes = join_labels(
            [one.labels for one in self._selections], [one.num_classes for one in self._selections]
        )
        self.ids = np.concatenate([one.ids for one in self._selections])
        self._first = np.cumsum([0, *(len(one.samples) for one in self._selections)])
        self._mode, self._width, self._height, self._start, self._size = (
            np.concatenate([getattr(one.beton, name)[one.samples] for one in self._selections])
            for name in ("mode", "width", "height", "start", "size")
        )
        self.stored_size, self.views, self.device = stored_size, views, torch.device(device)
        self._workers, self._ahead, self._patience = (
            max(1, workers),
            max(1, ahead),
            patience_seconds,
        )
        # Copies to a GPU go beside the training, and are waited for without waiting for the training.
        self._copies = torch.cuda.Stream(self.device) if self.device.type == "cuda" else None
        JpegDecoder()  # what is not installed is missed here and not in a thread

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, chosen: Iterable[tuple[np.ndarray, np.ndarray]]) -> Iterator[list[Tensor]]:
        """For each (positions, epochs), both int64 (B,): the views, each float32 (B, 3, size, size) as `Augment` makes them.

        Work is begun when the first batch is asked for, and ended when the iterator is exhausted or closed.

        Raises:
            UserError: an image cannot be read or decoded, or a worker hangs; the message names the file and the sample.
        """
        with contextlib.closing(self.crops(chosen)) as cut:
            for crops, parameters in cut:
                crops = self._on_device(crops)
                yield [
                    view.of_crops(crop, one)
                    for view, crop, one in zip(self.views, crops, parameters, strict=True)
                ]

    def crops(
        self, chosen: Iterable[tuple[np.ndarray, np.ndarray]]
    ) -> Iterator[tuple[list[Tensor], list[Parameters]]]:
        """What `batches` makes the views of, a view each: crops uint8 (B, 4, size, size) on the host, the fourth channel without meaning,
        which are overwritten after the next one is asked for; and what was drawn."""
        chosen, pending, free = iter(chosen), collections.deque(), []
        with contextlib.ExitStack() as opened:
            files = [opened.enter_context(_open(one.beton.path)) for one in self._selections]
            crew = WorkerThreads(self._workers, Cropper)
            # a worker ends within the image it is at; if it hangs there is no waiting for it
            opened.callback(lambda: crew.stop(0.0 if self._stuck(crew) else 10.0))
            while True:
                while len(pending) < self._ahead and (item := next(chosen, None)) is not None:
                    pending.append(self._begin(*item, files, free, crew))
                if not pending:
                    return
                batch = pending.popleft()
                self._await(batch, crew)
                if (item := next(chosen, None)) is not None:
                    pending.append(self._begin(*item, files, free, crew))
                yield [crop[: batch.count] for crop in batch.buffers.crops], batch.parameters
                free.append(batch.buffers)

    def _begin(
        self,
        positions: np.ndarray,
        epochs: np.ndarray,
        files: list,
        free: list,
        crew: WorkerThreads,
    ) -> "_Batch":
        """Draw what happens to a batch and hand it to the crew."""
        size = self.stored_size
        parameters = [
            view.draw(size, size, self.ids[positions], epochs, number)
            for number, view in enumerate(self.views)
        ]
        boxes = np.stack(
            [np.stack([one.top, one.left, one.height, one.width], axis=1) for one in parameters],
            axis=1,
        )  # (B, views, 4)
        flips = np.stack([one.flip for one in parameters], axis=1)
        buffers = free.pop() if free else None
        if buffers is None or len(buffers.outputs) < len(positions):
            buffers = _Buffers(
                len(positions), [view.size for view in self.views], pin=self._copies is not None
            )
        part = np.searchsorted(self._first, positions, side="right") - 1
        stored = (
            column[positions]
            for column in (self._start, self._size, self._mode, self._width, self._height)
        )
        columns = (positions, part, *stored, boxes, flips)
        batch = _Batch(parameters, buffers, len(positions))
        for start in range(0, len(positions), _CHUNK):
            rows = slice(start, start + _CHUNK)
            samples = list(
                zip(
                    *(column[rows].tolist() for column in columns),
                    buffers.outputs[rows],
                    strict=False,
                )
            )
            crew.submit(lambda worker, samples=samples: self._work(worker, batch, samples, files))
        return batch

    def _work(self, worker: Worker, batch: "_Batch", samples: list, files: list) -> None:
        """In a worker: the crops of some samples of a batch."""
        try:
            for position, part, start, size, mode, width, height, boxes, flips, outputs in samples:
                if worker.stopping.is_set() or batch.error is not None:
                    return
                worker.begin(position)
                data = _read(files[part].fileno(), size, start)
                if len(data) != size:
                    raise UserError(
                        f"{self._name(position)}: the file ends before it; it was truncated since it was opened; {REWRITE}"
                    )
                worker.tool.cut(data, mode, width, height, self.stored_size, boxes, flips, outputs)
        except Undecodable as error:
            batch.error = UserError(
                f"{self._name(position)} cannot be decoded ({error}); the file is damaged: {REWRITE}"
            )
        except OSError as error:
            batch.error = UserError(
                f"{self._name(position)} cannot be read: {error}; is its disk reachable? If not, {REWRITE}"
            )
        except BaseException as error:  # whatever it is, the training must hear of it
            batch.error = error
        finally:
            batch.done(len(samples))

    def _await(self, batch: "_Batch", crew: WorkerThreads) -> None:
        while not batch.finished.wait(min(1.0, self._patience / 4)):
            if stuck := self._stuck(crew):
                what = "; ".join(
                    f"{self._name(position)} for {seconds:.0f} s" for position, seconds in stuck
                )
                raise UserError(
                    f"no images are coming, a worker has been at {what}; is the disk reachable? If the file is damaged, {REWRITE}"
                )
            if not all(worker.is_alive() for worker in crew.workers):
                raise UserError(
                    "a thread that reads images has died; start again (training resumes from its last checkpoint)"
                )
        if batch.error is not None:
            raise batch.error

    def _stuck(self, crew: WorkerThreads) -> list[tuple[int, float]]:
        """Images (positions) that workers have been at for longer than the patience, and for how many seconds."""
        now, at = time.monotonic(), [worker.at for worker in crew.workers]
        return [
            (one[0], now - one[1])
            for one in at
            if one is not None and now - one[1] > self._patience
        ]

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
        one, place = self._selections[part], position - self._first[part]
        return (
            f"{one.beton.path}, sample {one.samples[place]} (row {one.rows[place]} of its manifest)"
        )


@dataclass
class _Batch:
    """One batch in work."""

    parameters: list[Parameters]
    buffers: "_Buffers"
    count: int
    error: BaseException | None = None

    def __post_init__(self) -> None:
        self.finished, self._left, self._lock = threading.Event(), self.count, threading.Lock()
        if self.count == 0:
            self.finished.set()

    def done(self, samples: int) -> None:
        with self._lock:
            self._left -= samples
            if self._left == 0:
                self.finished.set()


class _Buffers:
    """Room for the crops of one batch: a view's are uint8 (B, 4, S, S), channels last. Used again for later batches, as fresh
    memory costs a page fault every 4 KB. ``pin``: page-locked, so that copies to a GPU need not be waited for."""

    def __init__(self, count: int, sizes: list[int], pin: bool) -> None:
        self.crops = [picture_room(size, 4, count, pin) for size in sizes]
        self.outputs = list(
            zip(*(crops.split(1) for crops in self.crops), strict=True)
        )  # of each sample, (1, 4, S, S) a view


def _open(path: Path):
    """Unbuffered, for pread: a map would kill the process (SIGBUS) where the file is truncated or its server goes away."""
    try:
        return open(path, "rb", buffering=0)
    except OSError as error:
        raise UserError(
            f"{path} cannot be opened: {error}; it was there when the run began"
        ) from error


def _read(file: int, size: int, start: int) -> bytes:
    """Fewer bytes than ``size`` only where the file ends; a network's file system may give them in pieces."""
    data = os.pread(file, size, start)
    while len(data) < size and (more := os.pread(file, size - len(data), start + len(data))):
        data += more
    return data
