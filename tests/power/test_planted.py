"""Planned half-widths against those that planted studies reach."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from fourlenses.findings.thresholds import Thresholds
from fourlenses.power.answers import of_findings
from fourlenses.power.assumptions import Assumptions
from fourlenses.power.expected import expected
from fourlenses.power.power import expectations, with_seeds
from tests.helpers import planted_study

DRAWS = 3
THRESHOLDS = Thresholds()
# Of one comparison, and of the median over all: a pilot of 15 cells and three seeds knows the
# spread over seeds to about 15 %.
EACH, MEDIAN = 1.6, 1.4
STUDIES = {
    "kinds": planted_study.kinds,
    "others": lambda: planted_study.others(-3.0),
    "levels": lambda: planted_study.levels(6.0),
}


def ratios(planned, reached):
    """Planned divided by the mean of those reached, of each comparison on each scale."""
    found = [{(a.key, a.unit): a.half for a in of_findings(one, THRESHOLDS)} for one in reached]
    return {
        key: answer.half / np.mean([halves[key] for halves in found])
        for answer in planned
        if all((key := (answer.key, answer.unit)) in halves for halves in found)
    }


@pytest.mark.parametrize("study", list(STUDIES))
def test_a_pilot_of_three_seeds_foretells_the_half_widths_of_five(study):
    planted = STUDIES[study]()
    pilot = next(planted.draws(np.random.default_rng(1), 3, n_test=2000, seed_sd=1.5))
    finished = planted.draws(np.random.default_rng(2), 5, n_test=2000, seed_sd=1.5)
    rows = with_seeds(pilot.metrics.drop(columns="top1"), 5)
    planned = of_findings(expected(rows, Assumptions(0.8, pilot)), THRESHOLDS)
    found = ratios(planned, list(islice(finished, DRAWS)))
    assert len(found) > 3
    assert 1 / MEDIAN < np.median(list(found.values())) < MEDIAN
    wrong = {key: ratio for key, ratio in found.items() if not 1 / EACH < ratio < EACH}
    assert not wrong


def test_without_a_pilot_the_stated_spread_decides():
    planted = planted_study.kinds()
    draws = planted.draws(np.random.default_rng(3), 3, n_test=2000, seed_sd=2.0)
    finished = list(islice(draws, DRAWS))
    rows = finished[0].metrics.drop(columns="top1")
    right, wrong = (
        ratios(of_findings(expected(rows, Assumptions(sd)), THRESHOLDS), finished)
        for sd in (2.0, 0.8)
    )
    assert np.median(list(right.values())) == pytest.approx(1.0, abs=0.25)
    assert np.median(list(wrong.values())) < 0.75


def test_the_chance_to_settle_is_the_share_of_studies_that_do():
    """Other domains are 1 point worse than one's own on average, the threshold is 1 point."""
    planted = planted_study.others(-1.0)
    draws = list(islice(planted.draws(np.random.default_rng(4), 3, n_test=2000, seed_sd=1.0), 16))
    # the truth in place of the pilot's accuracies, which have a noise of their own
    truth = {(cell["source"], cell["target"]): cell["truth"] for cell in planted.cells}
    sources = zip(draws[0].metrics["source"], draws[0].metrics["target"], strict=True)
    metrics = draws[0].metrics.assign(top1=[truth[key] for key in sources])
    pilot = replace(draws[0], metrics=metrics)
    planned = expectations(metrics.drop(columns="top1"), Assumptions(0.8, pilot), THRESHOLDS)
    chances = [one.chance for one in planned if one.answer.key.question == "domain" and one.chance]
    settled = []
    for draw in draws:
        for answer in of_findings(draw, THRESHOLDS):
            if answer.key.question == "domain":
                below = answer.estimate + answer.half < answer.threshold
                alike = abs(answer.estimate) + answer.half < answer.alike
                settled.append(below or alike)
    assert len(chances) == 6
    assert 0.2 < np.mean(chances) < 0.95
    # 16 studies of 6 comparisons, three of which share a side: a standard deviation of about 0.07
    assert np.mean(settled) == pytest.approx(np.mean(chances), abs=0.15)
