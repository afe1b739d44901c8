"""States of SLURM jobs as the head gets them, corrected so that it waits for no job that is over.

Snakemake's SLURM plugin 2.8.0 (`check_active_jobs`) never notices three kinds of job:

1. cancelled ones: sacct says "CANCELLED by 0", the plugin compares with "CANCELLED";
2. preempted ones that SLURM does not requeue;
3. ones that no query lists any more, or that accounting lists as running after the scheduler lost
   them.

Here the states are corrected on their way to it.
"""

import os
import time
from collections.abc import Callable
from logging import Logger
from types import ModuleType
from typing import Any

from fourlenses.slurm.snakemake_internals import Query, knows_queries, replace_queries

# SLURM requeues a preempted job, if it does, as soon as its processes and the epilog have ended
PREEMPTED_SECONDS = 300.0
GONE_SECONDS = 600.0  # a scheduler or an accounting under load may leave out a job for a while
ENDED = frozenset(
    (
        "BOOT_FAIL",
        "CANCELLED",
        "COMPLETED",
        "DEADLINE",
        "FAILED",
        "NODE_FAIL",
        "OUT_OF_MEMORY",
        "PREEMPTED",
        "TIMEOUT",
    )
)
# What the scheduler itself knows: running jobs for certain, ended ones for MinJobAge. All clusters,
# as the plugin asks sacct.
ASK_SCHEDULER = f"squeue --clusters=all --noheader --states=all --user={os.getuid()} --format=%i|%T"
NEXT = "one of its retries, if any is left, takes its place"
# Left to SLURM by the plugin (NODE_FAIL with `slurm-requeue`), which does not requeue what
# `--no-requeue` or `scontrol update` exempts
LEFT_TO_SLURM = {"PREEMPTED": "preempted", "NODE_FAIL": "lost with its node"}
Answer = tuple[dict[str, str] | None, float | None]


class JobStates:
    """The states of one head's jobs.

    Args:
        query: the plugin's `query_job_status`.
        preempted: seconds after which a preempted job that is not requeued counts as failed.
        gone: seconds after which a job that nothing lists counts as over.
        clock: seconds, of any origin.

    Attributes:
        waiting: ids of the jobs that the head waits for, to be kept up to date.
    """

    def __init__(
        self,
        query: Query,
        *,
        preempted: float = PREEMPTED_SECONDS,
        gone: float = GONE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.waiting: frozenset[str] = frozenset()
        self._ask, self._preempted, self._gone, self._clock = query, preempted, gone, clock
        self._since: dict[str, dict[str, float]] = {}
        self._reported: set[str] = set()

    async def query(self, command: str, logger: Logger) -> Answer:
        """Return the state by job id, and the seconds the query took.

        Both are None if it failed, which says nothing about any job.
        """
        listed, seconds = await self._ask(command, logger)
        self._report_silence(command, listed is None, logger)
        if listed is None:
            return None, seconds
        states = {job: state.partition(" by ")[0] for job, state in listed.items()}
        # not tasks of job arrays, which the plugin looks up by other ids too
        jobs = {job for job in self.waiting if job.isdigit()}
        for job in jobs & listed.keys():
            if listed[job] != states[job]:
                cancelled = f"was cancelled ({listed[job]}, a user id)"
                self._report(logger, job, f"{cancelled}: it counts as failed, and {NEXT}")
        left = {job for job in jobs if states.get(job) in LEFT_TO_SLURM}
        for job in self._lasting("left", left, self._preempted):
            waited = (
                f"{LEFT_TO_SLURM[states[job]]} and not requeued for {_minutes(self._preempted)}"
            )
            states[job] = "FAILED"
            self._report(logger, job, f"was {waited}: it counts as failed, and {NEXT}")
        missing = await self._missing(command, jobs, states, logger=logger)
        for job in self._lasting("gone", missing, self._gone):
            states[job] = "UNKNOWN"  # for the plugin: over, and its outputs say how
            unknown = f"has been unknown to the scheduler for {_minutes(self._gone)}"
            outcome = f"it is taken as over and, if its outputs are not there, {NEXT}"
            self._report(logger, job, f"{unknown}: {outcome}")
        return states, seconds

    async def _missing(
        self, command: str, jobs: set[str], states: dict[str, str], *, logger: Logger
    ) -> set[str] | None:
        """Return the jobs that are not over by their state and not known to the scheduler.

        None if the scheduler was asked and did not answer.
        """
        if not command.startswith("sacct"):
            return jobs - states.keys()
        unfinished = {job for job in jobs if states.get(job) not in ENDED}
        known = (await self._ask(ASK_SCHEDULER, logger))[0] if unfinished else {}
        if known is None:
            return None
        # accounting may lag behind
        states.update({job: known[job] for job in unfinished & known.keys() if job not in states})
        return unfinished - known.keys()

    def _lasting(self, fault: str, jobs: set[str] | None, seconds: float) -> set[str]:
        """Return those of ``jobs`` that had the fault at each call for so long.

        None: not known this time, which changes nothing.
        """
        if jobs is None:
            return set()
        now, before = self._clock(), self._since.get(fault, {})
        self._since[fault] = since = {job: before.get(job, now) for job in jobs}
        return {job for job in jobs if now - since[job] >= seconds}

    def _report_silence(self, command: str, silent: bool, logger: Logger) -> None:
        program = {command.split()[0]} if silent else set()
        if self._lasting("silent", program, self._gone) and "silent" not in self._reported:
            self._reported.add("silent")
            logger.warning(
                f"`{command}` has failed for {_minutes(self._gone)}: until it answers no job's end "
                "is noticed"
            )

    def _report(self, logger: Logger, job: str, message: str) -> None:
        if job not in self._reported:
            self._reported.add(job)
            logger.warning(f"SLURM job {job} {message}")


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.3g} minutes"


def mend(plugin: ModuleType, logger: Logger, seconds: float = 0) -> JobStates | None:
    """Put `JobStates` between the SLURM plugin and its queries.

    Args:
        plugin: snakemake_executor_plugin_slurm.
        logger: Snakemake's.
        seconds: to wait for preempted and for lost jobs alike; 0 for the usual times.

    Returns:
        None where the plugin's version is not known, after a warning.
    """
    if not knows_queries(plugin):
        logger.warning(
            "this version of snakemake-executor-plugin-slurm is not known here: the head may wait "
            "for ever for jobs that were cancelled or preempted; `make setup` installs one that is "
            "(docs/guide/slurm.md)"
        )
        return None
    query = plugin.query_job_status
    states = JobStates(query, preempted=seconds, gone=seconds) if seconds else JobStates(query)

    def note_waiting(active_jobs: list[Any]) -> None:
        states.waiting = frozenset(str(job.external_jobid) for job in active_jobs)

    replace_queries(plugin, states.query, note_waiting)
    return states
