import threading
import time

import pytest

from fourlenses.core.ordered_map import CHUNK_ITEMS, in_order


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, CHUNK_ITEMS, 5 * CHUNK_ITEMS + 3])
def test_results_come_in_order(workers, count):
    def work(number, item):
        time.sleep(0.0005 * (number % 3 == 0))
        return number * 10 + len(item)

    assert list(in_order((b"abc" for _ in range(count)), work, workers)) == [
        (n, n * 10 + 3) for n in range(count)
    ]


def test_only_a_few_items_are_taken_ahead():
    taken = 0

    def items():
        nonlocal taken
        for _ in range(100 * CHUNK_ITEMS):
            taken += 1
            yield b""

    results = in_order(items(), lambda number, item: number, 2)
    assert next(results) == (0, 0)
    assert taken <= 6 * CHUNK_ITEMS
    results.close()


def test_large_items_make_small_chunks():
    """A chunk is of so many bytes: what is held at a time is bounded, whatever the size of the images."""
    big, held, most, gate = bytes(5 << 20), 0, 0, threading.Lock()

    def items():
        nonlocal held, most
        for _ in range(60):
            with gate:
                held += 1
                most = max(most, held)
            yield big

    for _ in in_order(items(), lambda number, item: None, 2):
        with gate:
            held -= 1
    assert most <= 8


def test_errors_of_the_work_and_of_the_stream_arrive():
    def broken():
        yield b""
        raise KeyError("stream")

    def fail(number, item):
        raise ValueError("work")

    with pytest.raises(ValueError, match="work"):
        list(in_order([b""] * 1000, fail, 2))
    with pytest.raises(KeyError, match="stream"):
        list(in_order(broken(), lambda number, item: None, 2))
