"""A training whose time limit is over has SLURM run its job again.

That is under its own number, without a retry of Snakemake's, without its head process.
"""

import contextlib
import logging
import os
import signal
import subprocess
import time
from collections.abc import Iterator

from fourlenses.core.errors import Interrupted, OutOfTime
from fourlenses.core.log_stream import last_words
from fourlenses.resume.time_limit import TimeLimit

log = logging.getLogger(__name__)

ANSWER_SECONDS = 20.0  # scontrol itself would try for minutes to reach a controller that is down
END_SECONDS = 60.0  # from SLURM's yes to its signal


@contextlib.contextmanager
def requeued_when_out_of_time(wanted: bool, time_limit: TimeLimit) -> Iterator[None]:
    """Requeue this process's SLURM job when the block ends by `OutOfTime`.

    It goes around all of a training, so that its checkpoint is kept and its lock released when
    SLURM is asked: what it requeues it kills. Where SLURM does not, or the block ended by anything
    else, the exception passes on.

    Args:
        wanted: whether the job may be requeued; it must hold nothing else then.
        time_limit: of the block; a signal it got says that somebody wants the job to end.
    """
    try:
        yield
    except Interrupted as stop:
        if wanted and int(os.environ.get("RANK", "0")) > 0:
            # torchrun would end the first process, which asks, once another of its node has ended;
            # this one is ended with it
            if os.environ.get("GROUP_RANK", "0") == "0":
                time.sleep(ANSWER_SECONDS + END_SECONDS + 10)
        elif wanted and time_limit.signal is None:
            reason = (
                requeue(str(stop).partition(";")[0])
                if isinstance(stop, OutOfTime)
                else "it saved no checkpoint in this slot"
            )
            log.warning(
                "this job is not requeued: %s. It fails with code 75, and continues when it is "
                "submitted again",
                reason,
            )
        raise


def requeue(stopped: str) -> str:
    """Have SLURM requeue this job, and wait to be ended.

    SLURM refuses for jobs of `sbatch --no-requeue`, and, without `--requeue`, of a cluster whose
    JobRequeue is 0.

    Args:
        stopped: where the training stopped, for the log.

    Returns:
        Why it was not ended, in words.
    """
    job = os.environ.get("SLURM_JOB_ID", "")
    if not job.isdigit():
        return "there is no SLURM_JOB_ID"
    try:
        # a separate group, as scontrol may be a script whose children would keep the pipes open
        asked = subprocess.Popen(
            ["scontrol", "requeue", job],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        return f"scontrol cannot be run here ({error.strerror})"
    with asked:
        try:
            answer, _ = asked.communicate(timeout=ANSWER_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(asked.pid, signal.SIGKILL)
            return f"scontrol did not answer within {ANSWER_SECONDS:g} seconds"
    if asked.returncode:
        reason = answer.decode(errors="replace").strip() or f"exit code {asked.returncode}"
        return f"scontrol refused ({reason})"
    last_words(
        f"fourlenses: {stopped}; SLURM requeues job {job}, which continues from its checkpoint"
    )
    time.sleep(END_SECONDS)
    return f"SLURM agreed, but did not end it within {END_SECONDS:g} seconds"
