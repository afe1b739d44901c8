"""What a signal to Snakemake means to its jobs.

At an interrupt Snakemake waits for its jobs, which the terminal is to have interrupted too. A
signal to the head alone (`kill`, a service manager, a container's stop) reaches none of them, and
the wait lasts as long as the longest training.
"""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import psutil

# jobs that the terminal has interrupted as well tidy up meanwhile
GRACE_SECONDS = 1.0
_POLL_SECONDS = 0.5
WAITS = (
    "fourlenses: waiting for the running jobs, as SIGTERM asks; a second one, or SIGINT, stops "
    "them with a checkpoint"
)
STOPPED = (
    "fourlenses: stopped by {name}; trainings that were running took a checkpoint, and the same "
    "command continues from there"
)
ENDED = (
    "fourlenses: ended at once by a second signal; the same command continues from what is saved"
)


class Interrupts:
    """The head's handlers of SIGINT and SIGHUP and, where jobs run here, of a second SIGTERM.

    The first asks every process of every job to end by SIGTERM, upon which a training takes a
    checkpoint. A second one ends them at once.

    Args:
        shells: gives the process ids of the shells of running jobs.
        finish: called with the sentence that is to stand last.
        say: called with a sentence for now.
    """

    def __init__(
        self,
        *,
        shells: Callable[[], Iterable[int]],
        finish: Callable[[str], None],
        say: Callable[[str], None],
    ) -> None:
        self._shells, self._finish, self._say = shells, finish, say
        self._terminated = self._interrupted = False
        self._before_term: Any = None

    def install(self, *, jobs_run_here: bool) -> None:
        """Replace the handlers; in the main thread, once Snakemake has installed its own.

        What is ignored, as SIGHUP by nohup, stays ignored.
        """
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._interrupt)
        if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
            signal.signal(signal.SIGHUP, self._interrupt)
        before = signal.getsignal(signal.SIGTERM)
        if jobs_run_here and callable(before):
            self._before_term = before
            signal.signal(signal.SIGTERM, self._terminate)

    def _terminate(self, number: int, frame: object) -> None:
        if self._terminated or self._interrupted:
            self._interrupt(number, frame)
        self._terminated = True
        self._say(WAITS)
        self._before_term(number, frame)

    def _interrupt(self, number: int, _frame: object) -> None:
        if self._interrupted:
            self._finish(ENDED)
            self._send(signal.SIGKILL, set())
        else:
            self._interrupted = True
            self._finish(STOPPED.format(name=signal.Signals(number).name))
            threading.Thread(target=self._ask, daemon=True).start()
        raise KeyboardInterrupt

    def _ask(self) -> None:
        """Ask each process once, those too that a job has only just started."""
        asked: set[int] = set()
        time.sleep(GRACE_SECONDS)
        while True:
            self._send(signal.SIGTERM, asked)
            time.sleep(_POLL_SECONDS)

    def _send(self, number: signal.Signals, done: set[int]) -> None:
        for shell in self._shells():
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(shell)
                for each in [process, *process.children(recursive=True)]:
                    if each.pid not in done:
                        done.add(each.pid)
                        with contextlib.suppress(OSError):
                            os.kill(each.pid, number)
