"""Threads that work through a queue, say what they are at, and can be given up when one hangs."""

import queue
import threading
import time
from collections.abc import Callable


class Worker(threading.Thread):
    """``at`` is (what it works on, since when in time.monotonic()), None when idle. ``tool`` is its own, not shared."""

    def __init__(
        self,
        name: str,
        tasks: queue.SimpleQueue,
        stopping: threading.Event,
        make_tool: Callable[[], object],
    ) -> None:
        # A daemon: a thread that hangs in a read of a dead file system must not keep the process from ending with its message.
        super().__init__(name=name, daemon=True)
        self.stopping, self.tool = stopping, None
        self.at: tuple[object, float] | None = None
        self._tasks, self._make_tool = tasks, make_tool

    def begin(self, what: object) -> None:
        self.at = (what, time.monotonic())

    def run(self) -> None:
        self.tool = self._make_tool()
        while (task := self._tasks.get()) is not None:
            task(self)
            self.at = None
        self.tool = None


class WorkerThreads:
    """A number of workers and their queue. Tasks are called with the worker; they must not raise, and should look at ``stopping``."""

    def __init__(self, count: int, make_tool: Callable[[], object]) -> None:
        self._tasks, self._stopping = queue.SimpleQueue(), threading.Event()
        self.workers = [
            Worker(f"input-{number}", self._tasks, self._stopping, make_tool)
            for number in range(count)
        ]
        for worker in self.workers:
            worker.start()

    def submit(self, task: Callable[[Worker], None]) -> None:
        self._tasks.put(task)

    def stop(self, seconds: float) -> None:
        """End all threads; one that is still at something after ``seconds`` is left to itself. Tasks not begun are dropped."""
        self._stopping.set()
        for _ in self.workers:
            self._tasks.put(None)
        deadline = time.monotonic() + seconds
        for worker in self.workers:
            worker.join(max(0.0, deadline - time.monotonic()))
