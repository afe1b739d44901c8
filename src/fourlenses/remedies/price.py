"""What an addition to a study costs: the plan with it minus the plan without it.

What finished jobs of the study took corrects the plan's speeds.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from math import floor, log10
from pathlib import Path

from fourlenses.core.errors import UserError
from fourlenses.lenses.plan import make_plan
from fourlenses.planning.compare import actual_seconds
from fourlenses.planning.jobs import Job, Jobs
from fourlenses.planning.plan import speeds

# Kinds of jobs in words, one and several; every other kind is an evaluation.
NOUNS = {"beton": ("conversion", "conversions"), "pretrain": ("pretraining", "pretrainings")}
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
        return f"about {rounded(self.seconds)} for {jobs or 'larger evaluations'}, {whose}"


def rounded(seconds: float) -> str:
    """`20 min`: one digit is as much as a plan knows."""
    for unit, size in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 1.5 * size:
            value = seconds / size
            digits = -floor(log10(value))
            return f"{int(round(value, digits))} {unit}"
    return "a minute"


class Prices:
    """The prices of additions to one study.

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
        self._factors = self._measured()

    def _jobs(self, config: dict) -> Jobs:
        return Jobs(config, make_plan(config), self._speeds, root=self._root)

    def of(self, config: dict) -> Price | None:
        """Return what a config costs more than the study; None where a time is not known, or
        nothing is added.

        Raises:
            UserError: it is not allowed.
        """
        before, seconds = self._before.all, 0.0
        jobs: Counter[tuple[str, str]] = Counter()
        for key, job in self._jobs(config).all.items():
            known = before.get(key)
            if job.seconds is None or (known and known.seconds is None):
                return None
            more = job.held - (known.held if known else 0.0)
            seconds += max(more, 0.0) * self._factor(job)
            if not known and job.images != 0:
                jobs[NOUNS.get(job.kind, EVALUATION)] += 1
        if not seconds:
            return None
        device = "" if self._factors else self._speeds.device
        return Price(seconds=seconds, jobs=dict(jobs), device=device)

    def _factor(self, job: Job) -> float:
        """What jobs of this kind took over what they were planned to, else those of all kinds."""
        return self._factors.get(job.kind, self._factors.get("", 1.0))

    def _measured(self) -> dict[str, float]:
        """By kind, and under the empty name for all; nothing where no job has a record."""
        planned: defaultdict[str, float] = defaultdict(float)
        actual: defaultdict[str, float] = defaultdict(float)
        for key, job in self._before.all.items():
            taken = self._taken(key, job)
            if taken and job.seconds:
                for kind in (job.kind, ""):
                    planned[kind] += job.seconds
                    actual[kind] += taken
        return {kind: actual[kind] / planned[kind] for kind in planned}

    def _taken(self, key: str, job: Job) -> float | None:
        """The seconds of a finished job; None where no record of it can be read."""
        try:
            record = actual_seconds(job, self._root / self._before.layout.benchmark(key))
        except (OSError, KeyError, TypeError, ValueError, IndexError, UserError):
            return None
        return record[0] if record else None
