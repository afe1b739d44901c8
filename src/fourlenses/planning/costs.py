"""Sums over the jobs of a study: per lens, per kind and in all; of everything and of the rest."""

from dataclasses import dataclass

from fourlenses.planning.jobs import Job
from fourlenses.study.vocabulary import LENSES, TRAINING_PROTOCOLS

KINDS = ("beton", "pretrain", "features", *TRAINING_PROTOCOLS)


@dataclass(frozen=True, kw_only=True)
class Sum:
    """The cost of some jobs.

    Args:
        hours: of devices.
        core_hours: of CPU cores.
        disk_bytes: that stay on disk.
        jobs: their number.
        done: those of them that are done.
        unknown: those whose time is unknown.
    """

    hours: float
    core_hours: float
    disk_bytes: float
    jobs: int
    done: int
    unknown: int


def total(jobs: list[Job]) -> Sum:
    """Return the sum over all jobs."""
    return Sum(
        hours=sum(job.held for job in jobs if not job.on_cpu) / 3600,
        core_hours=sum(job.held for job in jobs if job.on_cpu) / 3600,
        disk_bytes=sum(job.disk_bytes for job in jobs if not job.temporary),
        jobs=len(jobs),
        done=sum(job.done for job in jobs),
        unknown=sum(job.seconds is None for job in jobs),
    )


def left(jobs: list[Job]) -> list[Job]:
    """Return the jobs that are not done."""
    return [job for job in jobs if not job.done]


def of_lens(jobs: list[Job], lens: str) -> list[Job]:
    """Return the jobs of a study that had this lens alone."""
    return [job for job in jobs if lens in job.lenses]


def only_of_lens(jobs: list[Job], lens: str) -> list[Job]:
    """Return the jobs that the study would not have without the lens."""
    return [job for job in jobs if job.lenses == {lens}]


def shared(jobs: list[Job]) -> list[Job]:
    """Return the jobs of more than one lens."""
    return [job for job in jobs if len(job.lenses) > 1]


def lenses_of(jobs: list[Job]) -> list[str]:
    """Return the lenses that have jobs, in the order of the vocabulary."""
    return [lens for lens in LENSES if any(lens in job.lenses for job in jobs)]
