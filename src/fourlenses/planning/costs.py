"""Sums over the jobs of a study: per lens, per kind and in all, of everything and of what is left to do."""

from dataclasses import dataclass

from fourlenses.planning.jobs import Job
from fourlenses.study.vocabulary import LENSES, TRAINING_PROTOCOLS

KINDS = ("beton", "pretrain", "features", *TRAINING_PROTOCOLS)


@dataclass(frozen=True)
class Sum:
    """Hours of devices, hours of CPU cores, bytes that stay on disk; jobs, those of them done, and those whose time is unknown."""

    hours: float
    core_hours: float
    disk_bytes: float
    jobs: int
    done: int
    unknown: int


def total(jobs: list[Job]) -> Sum:
    return Sum(
        sum(job.held for job in jobs if not job.on_cpu) / 3600,
        sum(job.held for job in jobs if job.on_cpu) / 3600,
        sum(job.disk_bytes for job in jobs if not job.temporary),
        len(jobs),
        sum(job.done for job in jobs),
        sum(job.seconds is None for job in jobs),
    )


def left(jobs: list[Job]) -> list[Job]:
    return [job for job in jobs if not job.done]


def of_lens(jobs: list[Job], lens: str) -> list[Job]:
    """What the lens would cost by itself."""
    return [job for job in jobs if lens in job.lenses]


def only_of_lens(jobs: list[Job], lens: str) -> list[Job]:
    """What the study would save without the lens."""
    return [job for job in jobs if job.lenses == {lens}]


def shared(jobs: list[Job]) -> list[Job]:
    return [job for job in jobs if len(job.lenses) > 1]


def lenses_of(jobs: list[Job]) -> list[str]:
    return [lens for lens in LENSES if any(lens in job.lenses for job in jobs)]
