"""The time limit of a training: stop before the scheduler's wall limit, or when it asks to.

No signal can be relied on (a job step may get none, or be killed with it), so the clock is what
counts, and a signal only comes earlier.
"""

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from fourlenses.core.errors import Interrupted, OutOfTime
from fourlenses.core.machine.processes import seconds_since_start

_SIGNALS = {
    signal.SIGTERM: "after SIGTERM (a time-out, a preemption, scancel or kill)",
    signal.SIGUSR1: "after SIGUSR1 (the notice of 'sbatch --signal')",
    signal.SIGINT: "after Ctrl-C (SIGINT)",
    signal.SIGHUP: "after SIGHUP (its terminal was closed)",
}


class TimeLimit:
    """The time that one process may take, imports and reading images included.

    Within a ``with`` block SIGTERM, SIGUSR1, SIGHUP and a first Ctrl-C are noted instead of ending
    the process, in whose main thread the block must be for that. A second Ctrl-C ends it at once.
    They stay noted after a block that ended by one with `Interrupted`. SIGHUP stays ignored where
    it is, as by nohup.

    Args:
        max_minutes: the wall limit; None for no limit.
        margin_seconds: kept for what comes before this process (the job's own start) and after the
            last checkpoint; at most a tenth of the limit.
        clock: seconds since the process's start.
    """

    def __init__(
        self,
        max_minutes: float | None,
        margin_seconds: float = 90.0,
        clock: Callable[[], float] = seconds_since_start,
    ) -> None:
        self.max_minutes = max_minutes
        self.limit_seconds = (
            float("inf")
            if max_minutes is None
            else 60 * max_minutes - min(margin_seconds, 6 * max_minutes)
        )
        self.step_seconds = self.save_seconds = 0.0
        self.signal: signal.Signals | None = None
        self._clock = clock
        self._replaced: dict[signal.Signals, Any] = {}  # handlers of before

    def __enter__(self) -> "TimeLimit":
        if threading.current_thread() is threading.main_thread():  # others may not install handlers
            noted = [
                number
                for number in _SIGNALS
                if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN
            ]
            self._replaced = {number: signal.signal(number, self._note) for number in noted}
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.signal is not None and kind is not None and issubclass(kind, Interrupted):
            # The program ends by this signal, which often comes twice (SLURM sends it to a job's
            # processes, and its srun passes on its own). By default the second one would end it
            # before it has said why and given back its lock.
            return
        for number, handler in self._replaced.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._replaced = {}

    def took_step(self, seconds: float) -> None:
        """Learn from a step: the slowest counts, but is slowly forgotten.

        The first step of a process is slower than all others.
        """
        self.step_seconds = max(seconds, 0.9 * self.step_seconds)

    def took_save(self, seconds: float) -> None:
        """Learn from a checkpoint: the slowest counts; file servers are slow again and again."""
        self.save_seconds = max(seconds, self.save_seconds)

    def due(self, next_seconds: float | None = None) -> bool:
        """Return whether to save and stop now.

        A signal came, or what comes next and a checkpoint would not fit.

        Args:
            next_seconds: that comes next; None for one step.
        """
        ahead = (self.step_seconds if next_seconds is None else next_seconds) + self.save_seconds
        return self.signal is not None or self._clock() + ahead > self.limit_seconds

    @property
    def reason(self) -> str:
        """The reason for `due`, to come after "stopped at step 5 of 9"."""
        if self.signal is not None:
            return _SIGNALS[self.signal]
        return (
            f"before the wall limit of {self.max_minutes:g} minutes"
            if self.max_minutes is not None
            else "without a wall limit"
        )

    def interrupted(
        self,
        step: int,
        total_steps: int,
        checkpoint: str | os.PathLike | None,
        *,
        saved: bool = False,
    ) -> Interrupted:
        """Return the exception to end the run with.

        It is `OutOfTime` only where this step was saved and no signal came: what was cancelled must
        not continue by itself, nor what got no further.

        Args:
            checkpoint: the newest that can be read, or None.
            saved: whether it is of this step.
        """
        kind = OutOfTime if saved and self.signal is None else Interrupted
        again = (
            f"to continue from {os.fspath(checkpoint)}"
            if checkpoint is not None
            else "to start from the beginning, as no checkpoint could be saved"
        )
        return kind(
            f"stopped at step {step} of {total_steps} {self.reason}; run the same command again "
            f"{again}"
        )

    def _note(self, number: int, _frame: object) -> None:
        if number == signal.SIGINT and self.signal == signal.SIGINT:
            raise KeyboardInterrupt
        # the head asks by SIGTERM too, after what all processes got: the first is the reason
        if self.signal is None or number == signal.SIGINT:
            self.signal = signal.Signals(number)
