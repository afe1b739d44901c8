"""A parallel map over a stream: results in the stream's order, in constant memory."""

import collections
import logging
import multiprocessing
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

log = logging.getLogger(__name__)
Item = TypeVar("Item")
Result = TypeVar("Result")
# Items go to a worker several at a time: handing over costs as much as a small image does.
CHUNK_ITEMS, CHUNK_BYTES = 64, 4 << 20


def ordered_map(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int,
    processes: bool = False,
) -> Generator[Result, None, None]:
    """Yield ``work(item)`` for each item, at most two chunks ahead for each worker.

    Args:
        work: With threads, it should release the GIL (as Pillow, TurboJPEG, torch and numpy do).
            With processes, it must be a function of a module's top level.
        items: Values of any kind. The bytes and arrays in them (or in tuples) bound a chunk's size.
        workers: Number of threads or processes; at most 1 process means this process.
        processes: Whether to use processes; for work that holds the GIL.
    """
    if processes and workers <= 1:
        yield from map(work, items)
        return
    with _pool(max(1, workers), processes) as pool:
        ahead: collections.deque[Future[list[Result]]] = collections.deque()
        try:
            for chunk in _chunks(items):
                ahead.append(pool.submit(partial(_work_through, work), chunk))
                if len(ahead) > 2 * workers:
                    yield from ahead.popleft().result()
            while ahead:
                yield from ahead.popleft().result()
        finally:
            # when the consumer or the stream gives up, chunks that have not begun are dropped
            pool.shutdown(wait=True, cancel_futures=True)


def _pool(workers: int, processes: bool) -> Executor:
    if processes:
        try:
            # spawned: a fork would copy whatever threads the caller has
            return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))
        except OSError as error:  # their semaphores are files in /dev/shm
            log.warning("threads work instead of processes: /dev/shm cannot be used (%s)", error)
    return ThreadPoolExecutor(workers)


def _work_through(work: Callable[[Item], Result], chunk: list[Item]) -> list[Result]:
    return [work(item) for item in chunk]


def _chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    chunk: list[Item] = []
    size = 0
    for item in items:
        chunk.append(item)
        size += _bytes_in(item)
        if len(chunk) == CHUNK_ITEMS or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _bytes_in(item: object) -> int:
    if isinstance(item, tuple):
        return sum(map(_bytes_in, item))
    return len(item) if isinstance(item, bytes) else getattr(item, "nbytes", 0)
