"""The one training of a test's study, watched and held.

A fault has to come in its middle, however fast the machine is.
"""

import contextlib
import json
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from fourlenses.core.machine.processes import is_dead
from tests.slurm.cluster import Study, wait_until

METHOD, SOURCE = "simclr", "drawings-64"
RUN = f"results/faults/pretrain/{METHOD}/{SOURCE}/seed0"
ENCODER = f"{RUN}/encoder.safetensors"
LOG = f"results/faults/logs/pretrain/{METHOD}/{SOURCE}/seed0.log"
CHECKPOINTS = f"results/faults/checkpoints/{METHOD}/{SOURCE}/seed0"


class Training:
    """The process of a SLURM job that trains.

    Args:
        job: the SLURM job's id.
        pid: of the process.
        started: when it was, in clock ticks since boot.
    """

    def __init__(self, job: int, pid: int, started: int) -> None:
        self.job, self.pid, self._started = job, pid, started

    def stop(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        if not self.ended():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGCONT)

    def ended(self) -> bool:
        return is_dead(self.pid, self._started)

    def age(self) -> float:
        """Seconds since it was started."""
        return time.clock_gettime(time.CLOCK_BOOTTIME) - self._started / os.sysconf("SC_CLK_TCK")


def files(study: Study, pattern: str) -> list[Path]:
    """What lies next to the checkpoints, by name."""
    return sorted(study.folder.glob(f"{CHECKPOINTS}/*/{pattern}"))


def held(study: Study, checkpoints: int = 1) -> Training:
    """The training, once it has taken ``checkpoints`` checkpoints, stopped (SIGSTOP).

    SLURM's own signals wake it, `Training.go_on` too.
    """

    def training():
        with contextlib.suppress(IndexError, FileNotFoundError, ValueError):
            holder = json.loads(files(study, "lock.json")[0].read_text())
            if len(files(study, "step*.pt")) >= checkpoints:
                return Training(
                    int(holder["slurm_job_id"]), holder["pid"], holder["pid_started_ticks"]
                )
        return None

    running = wait_until(training, f"a job trains in {study.folder}", every=0.05)
    running.stop()
    assert not running.ended(), "the training was over before it could be held: give it more epochs"
    return running


@contextlib.contextmanager
def slowed(training: Training) -> Iterator[None]:
    """Within the block a held training moves at a twentieth of its speed.

    It shows signs of life, and does not get to its end.
    """
    over = threading.Event()

    def pace() -> None:
        while not over.wait(0.95) and not training.ended():
            training.go_on()
            time.sleep(0.05)
            with contextlib.suppress(ProcessLookupError):
                training.stop()

    thread = threading.Thread(target=pace, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        training.go_on()


def resumed_steps(study: Study) -> list[int]:
    """The steps at which the job whose log is there continued; none if it began at zero."""
    return [
        int(step)
        for step in re.findall(r"resuming at step (\d+)", (study.folder / LOG).read_text())
    ]
