"""How likely an interval settles its question, and what would make it likely enough.

An interval of half-width h around the estimate settles a question where the truth is so far from
the threshold that the estimate falls beyond h from it. The estimate scatters by its standard error,
so at a truth that is just h away the chance is one half.
"""

from dataclasses import dataclass
from math import inf

from scipy.optimize import brentq
from scipy.special import nctdtr, ndtr, stdtrit

from fourlenses.analysis.contrasts import CONFIDENCE, quantile, standard_error
from fourlenses.findings.thresholds import LEAST_SEEDS

LIKELY = 0.8  # the chance from which on a study counts as able to settle a question
MOST_SEEDS = 100
MOST_TIMES = 1000.0  # the test images


@dataclass(frozen=True, kw_only=True)
class Spread:
    """The variance of an estimate, in its squared unit, by where it is from.

    Attributes:
        images: what other test images would bring.
        seeds: what other seeds would bring, of one seed.
        planned: number of seeds.
        freedom: degrees of freedom of ``seeds``, for this number of seeds; inf where it is known.
    """

    images: float
    seeds: float
    planned: int
    freedom: float

    @classmethod
    def of(cls, half: float, known: float, of_seeds: float, *, planned: int) -> "Spread":
        """Return the spread that gives three half-widths.

        Args:
            half: of the interval.
            known: were the variance between seeds known.
            of_seeds: were it known and were there no end of test images.
            planned: number of seeds.
        """
        normal = quantile(inf)
        total, seeds = (known / normal) ** 2, (of_seeds / normal) ** 2
        freedom = inf
        if seeds > 0 and half > known * (1 + 1e-6):
            freedom = _freedom(half / known * normal) * (seeds / total) ** 2
        return cls(
            images=max(total - seeds, 0.0), seeds=seeds * planned, planned=planned, freedom=freedom
        )

    @property
    def share_of_images(self) -> float:
        """What part of the variance is the test images', in [0, 1]."""
        total = self.images + self.seeds / self.planned
        return self.images / total if total else 0.0

    def chance(self, distance: float, seeds: int, times: float = 1.0) -> float:
        """Return the chance that the interval ends before the threshold.

        Args:
            distance: from the truth to the threshold.
            seeds: instead of those planned.
            times: how many times the test images.
        """
        freedom = self.freedom
        if seeds != self.planned and self.planned > 1:
            freedom = freedom * (seeds - 1) / (self.planned - 1)
        error, freedom = standard_error(self.images / times, self.seeds / seeds, freedom)
        if error == 0:
            return 1.0
        wanted, steps = quantile(freedom), distance / error
        if freedom > 1e6:
            return float(ndtr(steps - wanted))
        return 1.0 - float(nctdtr(freedom, steps, wanted))

    def seeds_needed(self, distance: float) -> int | None:
        """Return the fewest seeds with which a question is likely to be settled; None above
        `MOST_SEEDS`."""
        enough = (
            seeds
            for seeds in range(LEAST_SEEDS, MOST_SEEDS + 1)
            if self.chance(distance, seeds) >= LIKELY
        )
        return next(enough, None)

    def times_needed(self, distance: float) -> float | None:
        """Return how many times the test images would do at the planned seeds; None above
        `MOST_TIMES`."""
        if self.planned < LEAST_SEEDS or self.chance(distance, self.planned, MOST_TIMES) < LIKELY:
            return None
        if self.chance(distance, self.planned) >= LIKELY:
            return 1.0

        def missing(times: float) -> float:
            return self.chance(distance, self.planned, times) - LIKELY

        return float(brentq(missing, 1.0, MOST_TIMES))


def _freedom(multiple: float) -> float:
    """The degrees of freedom at which Student's quantile is a given number of standard errors."""
    share = 0.5 + CONFIDENCE / 2
    if stdtrit(1e6, share) >= multiple:
        return inf
    if stdtrit(0.5, share) <= multiple:
        return 0.5
    return float(brentq(lambda freedom: stdtrit(freedom, share) - multiple, 0.5, 1e6))
