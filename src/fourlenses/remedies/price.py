"""What an addition to a study costs: the plan with it minus the plan without it.

What finished jobs of the study took corrects the plan's speeds.
"""

from collections import Counter
from dataclasses import dataclass
from math import log
from pathlib import Path

from fourlenses.core.errors import UserError
from fourlenses.core.units import about_duration
from fourlenses.lenses.plan import make_plan
from fourlenses.planning.compare import actual_seconds
from fourlenses.planning.jobs import Job, Jobs
from fourlenses.planning.plan import speeds

# Kinds of jobs in words, one and several; every other kind is an evaluation.
NOUNS = {"beton": ("conversion", "conversions"), "pretrain": ("pretraining", "pretrainings")}
LONG = 10.0  # seconds as planned
EVALUATION = ("evaluation", "evaluations")


@dataclass(frozen=True, kw_only=True)
class Price:
    """The cost of an addition.

    Attributes:
        seconds: of devices and cores, one after another.
        jobs: how many new ones, by noun.
        device: whose speeds these are; empty where jobs of the study say what they take.
    """

    seconds: float
    jobs: dict[tuple[str, str], int]
    device: str

    def in_words(self) -> str:
        """Return `about 20 min for 3 pretrainings and 6 evaluations, by what jobs here took`."""
        counts = [f"{count} {noun[count > 1]}" for noun, count in self.jobs.items()]
        jobs = " and ".join(filter(None, [", ".join(counts[:-1]), *counts[-1:]]))
        whose = f"by the speeds of {self.device}" if self.device else "by what jobs here took"
        return f"about {about_duration(self.seconds)} for {jobs or 'larger evaluations'}, {whose}"


class Prices:
    """The prices of additions to one study.

    A job costs what the finished one of its kind with the most similar number of images took, in
    proportion to the images. Without one the plan says it, corrected by all finished jobs that are
    long enough to tell.

    Args:
        config: completed.
        root: the folder with data/ and results/.

    Raises:
        UserError: the study cannot be planned.
    """

    def __init__(self, config: dict, root: Path = Path()) -> None:
        self._root = root
        self._speeds = speeds(config, root)
        self._before = self._jobs(config)
        jobs = self._before.all.items()
        self._taken = [(job, taken) for key, job in jobs if (taken := self._seconds_of(key, job))]
        self._factor = self._correction()

    def _jobs(self, config: dict) -> Jobs:
        return Jobs(config, make_plan(config), self._speeds, root=self._root)

    def of(self, config: dict) -> Price | None:
        """Return what a config costs more than the study; None where a time is not known, or
        nothing is added.

        Raises:
            UserError: it is not allowed.
        """
        before, seconds, measured = self._before.all, 0.0, False
        jobs: Counter[tuple[str, str]] = Counter()
        for key, job in self._jobs(config).all.items():
            known = before.get(key)
            if known and known.images == job.images:
                continue
            if job.seconds is None or (known and known.seconds is None):
                return None
            seconds += max(self._cost(job) - (self._cost(known) if known else 0.0), 0.0)
            measured = measured or self._factor is not None or bool(self._alike(job))
            if not known and job.images != 0:
                jobs[NOUNS.get(job.kind, EVALUATION)] += 1
        if not seconds:
            return None
        device = "" if measured else self._speeds.device
        return Price(seconds=seconds, jobs=dict(jobs), device=device)

    def _cost(self, job: Job) -> float:
        alike = self._alike(job)
        if not alike or not job.images:
            return job.held * (1.0 if self._factor is None else self._factor)
        images = job.images
        nearest, taken = min(alike, key=lambda one: abs(log(images / (one[0].images or 1))))
        return taken * images / (nearest.images or 1) + job.start * job.devices

    def _alike(self, job: Job) -> list[tuple[Job, float]]:
        return [one for one in self._taken if one[0].kind == job.kind and one[0].images]

    def _correction(self) -> float | None:
        """What finished jobs took over what they were planned to; None where all were short: what
        they took was their start."""
        long = [(job, taken) for job, taken in self._taken if (job.seconds or 0.0) >= LONG]
        planned = sum(job.seconds or 0.0 for job, _ in long)
        return sum(taken for _, taken in long) / planned if planned else None

    def _seconds_of(self, key: str, job: Job) -> float | None:
        """What a finished job took; None where no record of it can be read."""
        try:
            record = actual_seconds(job, self._root / self._before.layout.benchmark(key))
        except (OSError, KeyError, TypeError, ValueError, IndexError, UserError):
            return None
        return record[0] if record else None
