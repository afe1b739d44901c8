"""What is expected of a study's numbers: from a pilot, or as stated here.

A pilot is a table of the same or a similar study: its accuracies, how often its encoders are right
on the same images, and its variance between seeds. What it does not have is as of its nearest
cells, and as stated where there are none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from fourlenses.analysis import seed_variance
from fourlenses.analysis.contrasts import Evidence
from fourlenses.analysis.joint_counts import CELL
from fourlenses.analysis.seed_variance import Common, SeedVariance
from fourlenses.study import names
from fourlenses.study.vocabulary import RANDOM_INIT

# Percent. An accuracy is least certain at 50.
TRAINED, RANDOM = 50.0, 25.0
# How two cells that are tested on the same images are related, and the correlation of their being
# right. docs/reference/findings.md says in which tables these were seen.
CORRELATIONS = {
    "itself": 1.0,
    "another level of it": 0.70,
    "another seed": 0.45,
    "another seed, another level": 0.35,
    "same protocol": 0.40,
    "same protocol, another level": 0.28,
    "other protocol": 0.25,
    "other protocol, another level": 0.20,
    "random encoder": 0.20,
    "random encoder, another level": 0.15,
}
_KINDS = list(CORRELATIONS)
# Of a cell the nearest in the pilot: the first of these in which it has any.
_NEAREST = (
    ("method", "source", "target", "level", "labelled_images", "protocol"),
    ("method", "own", "corruption", "target", "level", "protocol"),
    ("random", "own", "target", "level", "protocol"),
    ("random", "target", "level"),
    ("random", "protocol"),
    ("random",),
)


@dataclass(frozen=True)
class Assumptions:
    """What is expected.

    Attributes:
        prior_sd: points, an encoder's standard deviation over seeds where no pilot says it.
        pilot: its table with all that is known of its uncertainty; None: all as stated.
    """

    prior_sd: float
    pilot: Evidence | None = None

    def top1s(self, rows: pd.DataFrame) -> np.ndarray:
        """Return the accuracy expected in each row, percent, (R,)."""
        stated = np.where(rows["method"] == RANDOM_INIT, RANDOM, TRAINED)
        if self.pilot is None:
            return stated
        seen, asked = _described(self.pilot.metrics), _described(rows)
        expected = pd.Series(np.nan, asked.index)
        for keys in _NEAREST:
            means = seen.groupby(list(keys))["top1"].mean().rename("mean")
            expected = expected.fillna(asked.join(means, on=list(keys))["mean"])
        return expected.fillna(pd.Series(stated, asked.index)).to_numpy(float)

    def correlations(self, target: str, cells: Sequence[tuple]) -> np.ndarray:
        """Return how far cells of one target and label size are right on the same images, (C, C).

        Args:
            cells: as `joint_counts` knows them.
        """
        seen = {**CORRELATIONS, **self._seen.get("", {}), **self._seen.get(target, {})}
        return np.array([seen[kind] for kind in _KINDS])[_relations(cells)]

    @cached_property
    def _seen(self) -> dict[str, dict[str, float]]:
        """The pilot's mean correlation of each relation, by target, and of all targets as ''."""
        found: dict[tuple[str, int], list[float]] = {}
        for (target, _), group in (self.pilot.joint if self.pilot else {}).items():
            spread = np.sqrt(np.diag(group.covariance))
            with np.errstate(invalid="ignore", divide="ignore"):
                correlation = group.covariance / np.outer(spread, spread)
            relation = _relations(list(group.places))
            for kind in range(1, len(_KINDS)):
                values = correlation[(relation == kind) & np.isfinite(correlation)].tolist()
                for of in ("", target) if values else ():
                    found.setdefault((of, kind), []).extend(values)
        seen: dict[str, dict[str, float]] = {}
        for (of, kind), values in found.items():
            seen.setdefault(of, {})[_KINDS[kind]] = float(np.mean(values))
        return seen

    def seed_variance(self, rows: pd.DataFrame) -> SeedVariance:
        """Return the variance between seeds that the finished study will be judged by.

        Args:
            rows: of the planned study; how many seeds and cells it has gives the degrees of
                freedom.
        """
        seeds, stated = rows["seed"].nunique(), self.prior_sd**2
        if seeds < 2:
            return SeedVariance(every=_common(stated, np.inf))
        freedoms = seed_variance.freedoms(rows)
        trained = sum(freedom for (method, _), freedom in freedoms.items() if method != RANDOM_INIT)
        total = trained + seed_variance.PRIOR_FREEDOM
        if self.pilot is None or self.pilot.seed_variance.is_prior:
            return SeedVariance(every=_common(stated, total))
        measured = self.pilot.seed_variance
        kinds = {
            kind: _foretold(common, freedoms[kind], seeds)
            for kind, common in measured.kinds.items()
            if kind in freedoms
        }
        return SeedVariance(
            every=_foretold(measured.every, total, seeds),
            kinds=kinds,
            between_levels=measured.between_levels,
            shared=measured.shared,
        )

    def words(self) -> str:
        """Return where the numbers are from."""
        if self.pilot is None:
            return (
                "No pilot is named (plan.pilot), so all is as stated: accuracies of "
                f"{TRAINED:g} %, of a random encoder {RANDOM:g} %; two encoders under one protocol "
                f"are right on the same images with a correlation of "
                f"{CORRELATIONS['same protocol']:g}, so that two at {TRAINED:g} % differ on "
                f"{_disagree():.0f} % of the images; an encoder's standard "
                f"deviation over seeds is {self.prior_sd:g} points."
            )
        pilot = self.pilot
        spread = f"an encoder's standard deviation over seeds is {pilot.seed_variance.words()}"
        return (
            "Accuracies, and how often encoders are right on the same images, are those of the "
            f"pilot {pilot.metrics.attrs.get('path', '')}; {spread}."
        )


def _disagree() -> float:
    """Percent of the images on which exactly one of two encoders as stated is right."""
    share = TRAINED / 100
    return 100 * 2 * share * (1 - share) * (1 - CORRELATIONS["same protocol"])


def _described(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of a table with what `_NEAREST` asks for."""
    own = map(names.is_in_domain, rows["source"], rows["target"])
    return rows.assign(
        own=pd.Series(list(own), rows.index, bool), random=rows["method"] == RANDOM_INIT
    )


def _foretold(common: Common, most: float, seeds: int) -> Common:
    """What the moderated variance of a comparison will be on average, and its degrees of freedom:
    its own seeds and the others as far as they are alike, at most all."""
    if common.freedom == np.inf:
        return _common(common.variance, most, measured=True)
    together = common.freedom + seeds - 1
    weighed = common.freedom * common.variance + (seeds - 1) * common.mean
    return _common(weighed / together, min(together, most), measured=True)


def _common(variance: float, most: float, *, measured: bool = False) -> Common:
    """Return a variance that counts as known. A stated one counts no cells, so that the analysis
    takes it as of an accuracy of 50 %."""
    return Common(variance=variance, freedom=np.inf, most=most, cells=int(measured), mean=variance)


def _relations(cells: Sequence[tuple]) -> np.ndarray:
    """How each cell is related to each other: places in `CORRELATIONS`, int (C, C)."""
    table = pd.DataFrame(cells, columns=CELL)
    encoder = table["run"].str.rpartition("/seed")[0] + " " + table["protocol"]
    random = (table["run"].str.partition("/")[0] == RANDOM_INIT).to_numpy()
    trained_alike = table["run"] + " " + table["protocol"] + " " + table["label_draw"].astype(str)

    def alike(values: pd.Series) -> np.ndarray:
        codes = pd.factorize(values)[0]
        return codes[:, None] == codes

    level, itself = alike(table["level"]), alike(trained_alike)
    either = random[:, None] | random
    kind = np.where(alike(table["protocol"]), 4, 6)
    kind = np.where(alike(encoder), 2, kind)
    kind = np.where(either, 8, kind) + ~level
    return np.where(itself, np.where(level, 0, 1), kind)
