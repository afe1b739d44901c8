"""Work on a stream of items by threads, with the results in the stream's order and in constant memory."""

import collections
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item, Result = TypeVar("Item"), TypeVar("Result")
# Items go to a thread several at a time: handing over costs as much as a small image does.
CHUNK_ITEMS, CHUNK_BYTES = 64, 4 << 20


def in_order(
    items: Iterable[Item], work: Callable[[int, Item], Result], workers: int
) -> Iterator[tuple[int, Result]]:
    """``(number, work(number, item))`` for each item, at most two chunks ahead a worker.

    What the work spends its time on has to let go of the GIL, as Pillow, TurboJPEG, torch and numpy do.
    """

    def do(first: int, chunk: list[Item]) -> list[Result]:
        return [work(number, item) for number, item in enumerate(chunk, first)]

    workers = max(1, workers)
    with ThreadPoolExecutor(workers) as pool:
        ahead: collections.deque[tuple[int, Future]] = collections.deque()
        try:
            for first, chunk in _chunks(items):
                ahead.append((first, pool.submit(do, first, chunk)))
                if len(ahead) > 2 * workers:
                    first, future = ahead.popleft()
                    yield from enumerate(future.result(), first)
            while ahead:
                first, future = ahead.popleft()
                yield from enumerate(future.result(), first)
        finally:
            # when the consumer or the stream gives up, what is not begun is not begun
            pool.shutdown(wait=True, cancel_futures=True)


def _chunks(items: Iterable[Item]) -> Iterator[tuple[int, list[Item]]]:
    first, chunk, size = 0, [], 0
    for item in items:
        chunk.append(item)
        size += len(item) if isinstance(item, bytes) else getattr(item, "nbytes", 0)
        if len(chunk) == CHUNK_ITEMS or size >= CHUNK_BYTES:
            yield first, chunk
            first, chunk, size = first + len(chunk), [], 0
    if chunk:
        yield first, chunk
