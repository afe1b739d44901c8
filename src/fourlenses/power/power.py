"""What each comparison of a planned study can settle, and with what it would."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from fourlenses.analysis.contrasts import Evidence
from fourlenses.analysis.table import read_metrics
from fourlenses.core.errors import UserError
from fourlenses.findings.show.planned import Key
from fourlenses.findings.thresholds import LEAST_SEEDS, Thresholds
from fourlenses.power.answers import Answer, answers
from fourlenses.power.assumptions import Assumptions
from fourlenses.power.expected import expected
from fourlenses.power.rows import planned_rows
from fourlenses.power.settle import LIKELY, Spread
from fourlenses.study import Plan
from fourlenses.study.layout import METRICS


@dataclass(frozen=True, kw_only=True)
class Expected:
    """A comparison that the study will make.

    Attributes:
        answer: what is compared, and the half-width to expect.
        seeds: planned.
        tests: test images of its target.
        spread: the variance to expect; None where nothing has to be distinguished.
        seen: what the pilot saw of the same comparison, or None.
        distance: from what is expected to the threshold; None without one.
    """

    answer: Answer
    seeds: int
    tests: int
    spread: Spread | None
    seen: float | None
    distance: float | None

    @property
    def chance(self) -> float | None:
        """That the study settles it: with fewer than three seeds answers lean at most."""
        if self.spread is None or self.distance is None:
            return None
        if self.answer.excluded or self.seeds < LEAST_SEEDS:
            return 0.0
        return self.spread.chance(self.distance, self.seeds)

    @property
    def possible(self) -> bool:
        """Whether the interval to expect is narrower than what has to be distinguished."""
        return self.chance is not None and self.chance >= 0.5

    @property
    def settled(self) -> bool:
        """Whether that is likely enough."""
        return self.chance is not None and self.chance >= LIKELY

    @property
    def seeds_needed(self) -> int | None:
        """With which it would be; None where no number would do."""
        if self.spread is None or self.distance is None or self.answer.excluded:
            return None
        return self.spread.seeds_needed(self.distance)

    @property
    def tests_needed(self) -> int | None:
        """Test images with which it would be, at the planned seeds; None where no number would."""
        if self.spread is None or self.distance is None or self.answer.excluded:
            return None
        if self.seeds < LEAST_SEEDS:
            return None
        times = self.spread.times_needed(self.distance)
        return None if times is None else round(times * self.tests)


@dataclass(frozen=True, kw_only=True)
class Power:
    """What a study can settle.

    Attributes:
        study: its name.
        comparisons: all that its findings and cards will make.
        assumed: where the expected numbers are from, in a sentence.
        unknown: datasets that are left out, as nobody knows how many images they have.
    """

    study: str
    comparisons: list[Expected]
    assumed: str
    unknown: list[str]


def power_of(config: dict, plan: Plan, *, root: Path = Path()) -> Power:
    """Return what the study of a config can settle.

    Args:
        config: completed.
        plan: of the config.
        root: the folder of data/ and results/; a relative `plan.pilot` is in it.

    Raises:
        UserError: the pilot is no study's folder, or its table is none.
    """
    thresholds = Thresholds(**config["findings"])
    pilot = read_pilot(config["plan"]["pilot"], thresholds.seed_sd, root=root)
    assumptions = Assumptions(thresholds.seed_sd, pilot)
    rows = planned_rows(config, plan, root=root, pilot=pilot.metrics if pilot else None)
    return Power(
        study=config["study"],
        comparisons=expectations(rows.table, assumptions, thresholds) if len(rows.table) else [],
        assumed=assumptions.words(),
        unknown=rows.unknown,
    )


def read_pilot(folder: str, prior_sd: float, *, root: Path = Path()) -> Evidence | None:
    """Return the evidence of a pilot, None where none is named.

    Args:
        folder: the results of a study; empty: none.
        prior_sd: points, as of `Evidence.of`.
        root: that ``folder`` may be relative to.

    Raises:
        UserError: there is no table in the folder.
    """
    if not folder:
        return None
    table = root / folder / METRICS
    if not table.is_file():
        raise UserError(
            f"config key 'plan.pilot' names {folder}, where there is no {METRICS}; name the "
            "results of a study, such as results/default, or leave it empty"
        )
    return Evidence.of(read_metrics(table), prior_sd)


def expectations(
    rows: pd.DataFrame, assumptions: Assumptions, thresholds: Thresholds
) -> list[Expected]:
    """Return what to expect of every comparison.

    Args:
        rows: of the planned study, one or more.
        assumptions: what is expected of them.
        thresholds: of the study's config.
    """
    seeds = rows["seed"].nunique()
    planned = answers(expected(rows, assumptions), thresholds)
    # With fewer than three seeds the parts of the variance are those of three, of which alone an
    # answer can be firm.
    enough = rows if seeds >= LEAST_SEEDS else with_seeds(rows, LEAST_SEEDS)
    whole = planned
    if enough is not rows:
        whole = answers(expected(enough, assumptions), thresholds)
    known, of_seeds = (
        answers(
            expected(enough, assumptions, known_variance=True, endless_images=endless), thresholds
        )
        for endless in (False, True)
    )
    spreads = _spreads(whole, known, of_seeds, seeds=max(seeds, LEAST_SEEDS))
    seen = _seen(assumptions.pilot, thresholds)
    tests = rows.groupby("target")["n_test"].first()
    return [
        _of(
            answer,
            spreads.get((answer.key, answer.unit)),
            seeds=seeds,
            tests=int(tests[answer.key.target]),
            seen=seen.get((answer.key, answer.unit)),
            margin=thresholds.equivalence_margin,
        )
        for answer in planned
    ]


def _of(
    answer: Answer,
    spread: Spread | None,
    *,
    seeds: int,
    tests: int,
    seen: float | None,
    margin: float,
) -> Expected:
    """Of one answer.

    Args:
        margin: the difference that is to be seen where neither a pilot nor the claim names one.
    """
    distance = None
    if answer.threshold is not None:
        truth = seen or 0.0
        distances = [abs(truth - answer.threshold)]
        if answer.alike is not None:
            distances.append(answer.alike - abs(truth))
        distance = max(distances)
        if seen is None and not distance:
            distance = margin
    return Expected(
        answer=answer, seeds=seeds, tests=tests, spread=spread, seen=seen, distance=distance
    )


def _spreads(
    whole: Sequence[Answer], known: Sequence[Answer], of_seeds: Sequence[Answer], *, seeds: int
) -> dict[tuple[Key, str], Spread]:
    halves = [
        {(answer.key, answer.unit): answer.half for answer in some} for some in (known, of_seeds)
    ]
    return {
        key: Spread.of(answer.half, halves[0][key], halves[1][key], planned=seeds)
        for answer in whole
        if (key := (answer.key, answer.unit)) in halves[0] and key in halves[1]
    }


def with_seeds(rows: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return the rows with this number of seeds, each like the first of theirs."""
    first = rows[rows["seed"] == rows["seed"].min()]
    return pd.concat(
        [
            first.assign(
                seed=seed, run=first["run"].str.replace(r"seed\d+$", f"seed{seed}", regex=True)
            )
            for seed in range(count)
        ],
        ignore_index=True,
    )


def _seen(pilot: Evidence | None, thresholds: Thresholds) -> dict[tuple[Key, str], float]:
    """What the pilot's own findings and cards say."""
    if pilot is None:
        return {}
    return {(answer.key, answer.unit): answer.estimate for answer in answers(pilot, thresholds)}
