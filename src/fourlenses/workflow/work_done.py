"""How much of a run is done, by work: jobs count by the seconds that the plan gives them.

Standard library only: the Snakefile imports it.
"""

import time
from collections.abc import Callable, Iterable, Mapping

from fourlenses.core.units import about_duration

SMALL = 5.0  # seconds of a job that the plan does not know: most of them are imports
AGAIN = 10.0  # seconds until costs are asked for again, while some are not known
LEAST_SHARE, LEAST_SECONDS = 0.05, 30.0  # done, before a time is said

Costs = Mapping[str, float | None]  # seconds by benchmark file; None: not known yet


class WorkDone:
    """The work of one run of Snakemake.

    Args:
        benchmarks: the benchmark file of each job that is to run, "" where it has none.
        costs: of the jobs of the plan. How many images a dataset has may be known only while the
            run goes on.
        clock: seconds.
    """

    def __init__(
        self,
        benchmarks: Callable[[], Iterable[str]],
        costs: Callable[[], Costs],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._benchmarks, self._costs_of, self._clock = benchmarks, costs, clock
        self._jobs: list[str] = []
        self._finished: list[str] = []
        self._costs: Costs = {}
        self._began = self._asked = clock()

    def begin(self) -> None:
        """Note the jobs, once all are known and none has started."""
        self._jobs = list(self._benchmarks())
        self._began = self._clock()
        self._ask()

    def finish(self, benchmark: str) -> None:
        """Note that a job is done."""
        self._finished.append(benchmark)

    def sentence(self, done: int, total: int) -> str:
        """Return `9 of 47 jobs, 38 % of the work done, about 10 min left`.

        Args:
            done: jobs.
            total: jobs.
        """
        jobs = f"{done} of {total} jobs"
        if not self._jobs:
            return f"{jobs} done"
        share = self._share()
        left = self._left(share)
        return f"{jobs}, {int(100 * share)} % of the work done{left}"

    def _ask(self) -> None:
        self._costs, self._asked = (self._costs_of() if self._jobs else {}), self._clock()

    def _share(self) -> float:
        unknown = any(self._costs.get(job, SMALL) is None for job in self._jobs)
        if unknown and self._clock() - self._asked >= AGAIN:
            self._ask()
        known = [self._costs[job] for job in self._jobs if job in self._costs]
        seconds = [cost for cost in known if cost is not None]
        usual = sum(seconds) / len(seconds) if seconds else SMALL

        def weight(job: str) -> float:
            cost = self._costs.get(job, SMALL)
            return max(usual if cost is None else cost, SMALL)

        return min(sum(map(weight, self._finished)) / sum(map(weight, self._jobs)), 1.0)

    def _left(self, share: float) -> str:
        taken = self._clock() - self._began
        if not LEAST_SHARE <= share < 1 or taken < LEAST_SECONDS:
            return ""
        return f", about {about_duration(taken * (1 - share) / share)} left"
