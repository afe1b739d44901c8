"""Threads that work through a queue, report their current task, and can be left when one hangs."""

import queue
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Tool = TypeVar("Tool")


class Worker(threading.Thread, Generic[Tool]):
    """A thread of `WorkerThreads`.

    Attributes:
        at: Number of the item that it works on, and since when (`time.monotonic`); None when idle.
        tool: Not shared with other threads.
        stopping: Set when the work is to end.
    """

    def __init__(
        self,
        name: str,
        *,
        tasks: "queue.SimpleQueue[Task[Tool] | None]",
        stopping: threading.Event,
        make_tool: Callable[[], Tool],
    ) -> None:
        # A daemon: a thread that hangs in a read of a dead file system must not keep the process
        # from ending with its message.
        super().__init__(name=name, daemon=True)
        self.stopping = stopping
        self.tool: Tool | None = None
        self.at: tuple[int, float] | None = None
        self._tasks, self._make_tool = tasks, make_tool

    def begin(self, item: int) -> None:
        self.at = (item, time.monotonic())

    def run(self) -> None:
        self.tool = self._make_tool()
        while (task := self._tasks.get()) is not None:
            task(self)
            self.at = None
        self.tool = None


Task = Callable[[Worker[Tool]], None]


class WorkerThreads(Generic[Tool]):
    """A number of workers and their queue.

    Tasks are called with the worker; they must not raise, and should check ``stopping``.

    Args:
        count: Number of threads.
        make_tool: Called in each thread, for what it does not share.
    """

    def __init__(self, count: int, make_tool: Callable[[], Tool]) -> None:
        self._tasks: queue.SimpleQueue[Task[Tool] | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self.workers = [
            Worker(
                f"input-{number}",
                tasks=self._tasks,
                stopping=self._stopping,
                make_tool=make_tool,
            )
            for number in range(count)
        ]
        for worker in self.workers:
            worker.start()

    def submit(self, task: Task[Tool]) -> None:
        self._tasks.put(task)

    def stop(self, seconds: float) -> None:
        """End all threads and drop tasks that have not begun.

        A thread that is still busy after ``seconds`` is left to itself.
        """
        self._stopping.set()
        for _ in self.workers:
            self._tasks.put(None)
        deadline = time.monotonic() + seconds
        for worker in self.workers:
            worker.join(max(0.0, deadline - time.monotonic()))
