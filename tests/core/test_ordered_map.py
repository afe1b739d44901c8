import shutil
import subprocess
import sys
import threading
import time

import pytest

from fourlenses.core.ordered_map import CHUNK_ITEMS, ordered_map


def slow_length(item):
    number, text = item
    time.sleep(0.0005 * (number % 3 == 0))
    return number * 10 + len(text)


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, CHUNK_ITEMS, 5 * CHUNK_ITEMS + 3])
def test_results_come_in_order(workers, count):
    items = ((number, b"abc") for number in range(count))
    expected = [number * 10 + 3 for number in range(count)]
    assert list(ordered_map(slow_length, items, workers=workers)) == expected


@pytest.mark.parametrize("workers", [1, 2])
def test_processes_give_the_same(workers):
    items = ((number, b"abc") for number in range(3 * CHUNK_ITEMS))
    expected = [number * 10 + 3 for number in range(3 * CHUNK_ITEMS)]
    assert list(ordered_map(slow_length, items, workers=workers, processes=True)) == expected


def test_only_a_few_items_are_taken_ahead():
    taken = 0

    def items():
        nonlocal taken
        for _ in range(100 * CHUNK_ITEMS):
            taken += 1
            yield b""

    results = ordered_map(len, items(), workers=2)
    assert next(results) == 0
    assert taken <= 6 * CHUNK_ITEMS
    results.close()


def test_large_items_make_small_chunks():
    """A chunk has a number of bytes, so memory is bounded whatever the size of the images."""
    big, held, most, gate = bytes(5 << 20), 0, 0, threading.Lock()

    def items():
        nonlocal held, most
        for _ in range(60):
            with gate:
                held += 1
                most = max(most, held)
            yield 1, big  # also within a tuple

    for _ in ordered_map(len, items(), workers=2):
        with gate:
            held -= 1
    assert most <= 8


def test_errors_of_the_work_and_of_the_stream_arrive():
    def broken():
        yield b""
        raise KeyError("stream")

    def fail(item):
        raise ValueError("work")

    with pytest.raises(ValueError, match="work"):
        list(ordered_map(fail, [b""] * 1000, workers=2))
    with pytest.raises(KeyError, match="stream"):
        list(ordered_map(len, broken(), workers=2))


SHARED_MEMORY = """
import os
from fourlenses.core.ordered_map import ordered_map
if __name__ == "__main__":
    print(list(ordered_map(abs, [-1, 2, -3], workers=2, processes=True)))
"""


def test_without_shared_memory_threads_do_the_work(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(SHARED_MEMORY)
    isolated = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    read_only = "mount -t tmpfs -o ro,size=4k tmpfs /dev/shm"
    if shutil.which("unshare") is None or subprocess.run([*isolated, read_only]).returncode:
        pytest.skip("this user cannot mount a read-only /dev/shm")
    command = [*isolated, f'{read_only} && exec "$@"', "sh", sys.executable, str(program)]
    end = subprocess.run(command, capture_output=True, text=True)
    assert end.stdout == "[1, 2, 3]\n", end.stderr
