"""What the head hears of its SLURM jobs, so that it waits for none that is over.

Snakemake's SLURM plugin (read in 2.8.0, `check_active_jobs`) waits for ever for a job that `scancel` ended (`sacct` says "CANCELLED by 0",
it looks for "CANCELLED"), for one that was preempted and not requeued, and for one that no query shows any more, or that accounting holds
to run after the scheduler lost it. Here the states it asks for are mended on their way to it.
"""

import inspect
import os
import time
from collections.abc import Awaitable, Callable
from types import ModuleType

PREEMPTED_SECONDS = 300.0  # SLURM requeues a preempted job, if it does, as soon as its processes and the epilog have ended
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
# What the scheduler itself knows: running jobs for certain, ended ones for MinJobAge. All clusters, as the plugin asks sacct.
ASK_SCHEDULER = f"squeue --clusters=all --noheader --states=all --user={os.getuid()} --format=%i|%T"
NEXT = "one of its retries, if any is left, takes its place"
# left to SLURM by the plugin (NODE_FAIL with `slurm-requeue`), which does not requeue what `--no-requeue` or `scontrol update` exempts
LEFT_TO_SLURM = {"PREEMPTED": "preempted", "NODE_FAIL": "lost with its node"}
Query = Callable[[str, object], Awaitable[tuple[dict[str, str] | None, float | None]]]


class JobStates:
    """Of one head. ``query``: the plugin's query_job_status. ``waiting``: ids of the jobs the head waits for, to be kept up to date."""

    def __init__(
        self,
        query: Query,
        preempted: float = PREEMPTED_SECONDS,
        gone: float = GONE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.waiting: frozenset[str] = frozenset()
        self._ask, self._preempted, self._gone, self._clock = query, preempted, gone, clock
        self._since: dict[str, dict[str, float]] = {}
        self._told: set[str] = set()

    async def query(self, command: str, logger) -> tuple[dict[str, str] | None, float | None]:
        """State by job id and the seconds the query took; None and None if it failed, which says nothing about any job."""
        told, seconds = await self._ask(command, logger)
        if self._lasting("silent", {command.split()[0]} if told is None else set(), self._gone):
            self._tell(
                logger,
                "silent",
                f"`{command}` has failed for {_minutes(self._gone)}: until it answers no job's end is noticed",
            )
        if told is None:
            return told, seconds
        states = {job: state.partition(" by ")[0] for job, state in told.items()}
        jobs = {
            job for job in self.waiting if job.isdigit()
        }  # not tasks of job arrays, which the plugin looks up by other ids too
        for job in jobs & told.keys():
            if told[job] != states[job]:
                self._tell(
                    logger,
                    job,
                    f"SLURM job {job} was cancelled ({told[job]}, a user id): it counts as failed, and {NEXT}",
                )
        for job in self._lasting(
            "left", {job for job in jobs if states.get(job) in LEFT_TO_SLURM}, self._preempted
        ):
            waited = (
                f"{LEFT_TO_SLURM[states[job]]} and not requeued for {_minutes(self._preempted)}"
            )
            states[job] = "FAILED"
            self._tell(
                logger, job, f"SLURM job {job} was {waited}: it counts as failed, and {NEXT}"
            )
        for job in self._lasting(
            "gone", await self._missing(command, jobs, states, logger), self._gone
        ):
            states[job] = "UNKNOWN"  # for the plugin: over, and its outputs say how
            waited = f"unknown to the scheduler for {_minutes(self._gone)}"
            self._tell(
                logger,
                job,
                f"SLURM job {job} has been {waited}: it is taken as over and, if its outputs are not there, {NEXT}",
            )
        return states, seconds

    async def _missing(
        self, command: str, jobs: set[str], states: dict[str, str], logger
    ) -> set[str] | None:
        """Jobs that are not over by what was asked and not known to the scheduler; None if it was asked and did not answer."""
        if not command.startswith("sacct"):
            return jobs - states.keys()
        unfinished = {job for job in jobs if states.get(job) not in ENDED}
        known = (await self._ask(ASK_SCHEDULER, logger))[0] if unfinished else {}
        if known is None:
            return None
        states.update(
            {job: known[job] for job in unfinished & known.keys() if job not in states}
        )  # accounting may lag behind
        return unfinished - known.keys()

    def _lasting(self, what: str, jobs: set[str] | None, seconds: float) -> set[str]:
        """Those of ``jobs`` of which this has been so at each call for so long. None: not known this time, which changes nothing."""
        if jobs is None:
            return set()
        now, before = self._clock(), self._since.get(what, {})
        self._since[what] = since = {job: before.get(job, now) for job in jobs}
        return {job for job in jobs if now - since[job] >= seconds}

    def _tell(self, logger, about: str, what: str) -> None:
        if about not in self._told:
            self._told.add(about)
            logger.warning(what)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.3g} minutes"


def mend(plugin: ModuleType, logger, seconds: float = 0) -> JobStates | None:
    """Put it between the plugin and its queries. ``seconds``: of patience, with preempted and lost jobs alike; 0 for the usual."""
    executor, query = getattr(plugin, "Executor", None), getattr(plugin, "query_job_status", None)
    check = getattr(executor, "check_active_jobs", None)
    if not (
        inspect.iscoroutinefunction(query)
        and [*inspect.signature(query).parameters] == ["command", "logger"]
        and inspect.isasyncgenfunction(check)
        and [*inspect.signature(check).parameters] == ["self", "active_jobs"]
    ):
        logger.warning(
            "this version of snakemake-executor-plugin-slurm is not known here: the head may wait for ever for jobs that were "
            "cancelled or preempted (docs/reference/slurm.md); `make setup` installs one that is"
        )
        return None
    states = JobStates(query, seconds, seconds) if seconds else JobStates(query)

    async def check_active_jobs(self, active_jobs):
        states.waiting = frozenset(str(job.external_jobid) for job in active_jobs)
        async for job in check(self, active_jobs):
            yield job

    plugin.query_job_status = states.query
    executor.check_active_jobs = check_active_jobs
    return states
