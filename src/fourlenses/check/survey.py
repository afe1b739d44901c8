"""One pass over the images of a dataset, by several processes, in constant memory: the hashes and sizes of all, the pictures of a few."""

import collections
import multiprocessing
import os
import sys
from collections.abc import Callable, Container, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from PIL import Image
from tqdm import tqdm

from fourlenses.check.fingerprint import GRID, SMALL, Fingerprint, fingerprint
from fourlenses.data.images.content import LazyImage, Undecodable

# Images go to a process several at a time: handing one over costs as much as looking at a small image.
CHUNK_IMAGES, CHUNK_BYTES = 64, 4 << 20
Task = tuple[int, LazyImage, bool]  # row, content, whether to keep the picture


@dataclass
class Survey:
    """Per row of the manifest (N of them); rows that were not looked at, or not decodable, are zero.

    decoded: bool (N,). width, height: int32 (N,), px. kind: int16 (N,), a place in ``kinds`` (format and mode). content, pixels, bits:
    uint64 (N, 2), see `Fingerprint`. grey: uint8 (N, 81). reasons: per undecodable row, why. pictures: thumbnails of the rows asked for.
    """

    rows: int
    kinds: list[str] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)
    pictures: dict[int, Image.Image] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.decoded = np.zeros(self.rows, bool)
        self.width, self.height = np.zeros(self.rows, np.int32), np.zeros(self.rows, np.int32)
        self.kind = np.zeros(self.rows, np.int16)
        self.content, self.pixels, self.bits = (
            np.zeros((self.rows, 2), np.uint64) for _ in range(3)
        )
        self.grey = np.zeros((self.rows, GRID * GRID), np.uint8)

    @property
    def seen(self) -> int:
        return int(self.decoded.sum()) + len(self.reasons)

    def add(self, row: int, seen: Fingerprint | str) -> None:
        if isinstance(seen, str):
            self.reasons[row] = seen
            return
        self.decoded[row] = True
        self.width[row], self.height[row] = seen.width, seen.height
        if seen.kind not in self.kinds:
            self.kinds.append(seen.kind)
        self.kind[row] = self.kinds.index(seen.kind)
        for column, value in (
            (self.content, seen.content),
            (self.pixels, seen.pixels),
            (self.bits, seen.bits),
        ):
            column[row] = np.frombuffer(value, np.uint64)
        self.grey[row] = np.frombuffer(seen.grey, np.uint8)
        if seen.picture is not None:
            self.pictures[row] = seen.picture


def survey(
    images: Iterable[LazyImage], wanted: np.ndarray, pictured: Container[int], name: str, workers: int
) -> Survey:
    """Fingerprint at the ``wanted`` (bool (N,)) of the images that a source gives for N rows, and keep the pictures of the ``pictured`` rows.

    The result does not depend on ``workers``.
    """
    result = Survey(len(wanted))
    tasks = ((row, content, row in pictured) for row, content in _wanted(images, wanted))
    with tqdm(
        total=int(wanted.sum()),
        desc=f"{name}: looking",
        unit="image",
        mininterval=_interval(),
        file=sys.stderr,
    ) as bar:
        for seen in _spread(_look_at, _chunks(tasks), workers):
            for row, what in seen:
                result.add(row, what)
            bar.update(len(seen))
    return result


def pictures(images: Iterable[LazyImage], rows: Iterable[int], count: int) -> dict[int, Image.Image]:
    """Thumbnails of some of the ``count`` rows that a source gives images for."""
    wanted = np.zeros(count, bool)
    wanted[list(rows)] = True
    seen = _look_at([(row, content, True) for row, content in _wanted(images, wanted)])
    return {row: what.picture for row, what in seen if not isinstance(what, str)}


def _wanted(images: Iterable[LazyImage], wanted: np.ndarray) -> Iterator[tuple[int, LazyImage]]:
    """A source gives all of its images, in order: those that nobody wants are passed over, and what comes after the last is not read."""
    if not wanted.any():
        return
    last = int(np.flatnonzero(wanted)[-1])
    for row, content in enumerate(images):
        if wanted[row]:
            yield row, content
        if row == last:
            return


def _look_at(tasks: list[Task]) -> list[tuple[int, Fingerprint | str]]:
    return [(row, _try(content, keep)) for row, content, keep in tasks]


def _try(content: LazyImage, keep: bool) -> Fingerprint | str:
    try:
        seen = fingerprint(content, keep)
    except Undecodable as error:
        return str(error)
    if seen.picture is not None:
        seen.picture.thumbnail((4 * SMALL, SMALL), reducing_gap=2.0)
    return seen


def _chunks(tasks: Iterable[Task]) -> Iterator[list[Task]]:
    chunk, size = [], 0
    for task in tasks:
        chunk.append(task)
        size += len(task[1]) if isinstance(task[1], bytes) else getattr(task[1], "nbytes", 0)
        if len(chunk) == CHUNK_IMAGES or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _spread(work: Callable, chunks: Iterable, workers: int) -> Iterator:
    """``work`` of each chunk, in order. Processes, not threads: of a small image, opening it (in Python) takes longer than decoding it."""
    if workers <= 1:
        yield from map(work, chunks)
        return
    # spawned: a fork would copy whatever threads the caller has
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        ahead = collections.deque()
        try:
            for chunk in chunks:
                ahead.append(pool.submit(work, chunk))
                if len(ahead) > 2 * workers:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _interval() -> float:
    """Seconds between two refreshes of the progress bar: a log file needs fewer than a terminal."""
    return 0.2 if os.isatty(2) else 10
