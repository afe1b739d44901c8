"""The planned half-width next to the one that a comparison reached."""

import json
from itertools import islice

import numpy as np
import pytest

from fourlenses.findings import write
from fourlenses.findings.show import planned
from fourlenses.findings.thresholds import Thresholds
from fourlenses.lenses import conclusions
from tests.helpers import planted_study


def findings():
    draws = planted_study.others(-3.0).draws(np.random.default_rng(0), 3, n_test=2000, seed_sd=1.0)
    return conclusions.evaluate(next(islice(draws, 1)), Thresholds())


def test_the_plan_is_found_whatever_the_steps_are(tmp_path):
    found = findings()
    domain = next(one for one in found if one.finding == "domain")
    entry = domain.evidence[0]
    assert "at 1,000 steps" in entry.what
    key = planned.key_of("domain", entry.target, entry.what.replace("1,000", "250"))
    beside = planned.with_planned(found, {(key, "points"): 2.5})
    rows = next(one for one in beside if one.finding == "domain").evidence
    assert [row.planned_half_width for row in rows] == [2.5] + [None] * 5
    write.findings(beside, tmp_path / "findings.json", "")
    record = json.loads((tmp_path / "findings.json").read_text())
    first, second = next(one for one in record if one["finding"] == "domain")["evidence"][:2]
    assert (first["planned_half_width"], "planned_half_width" in second) == (2.5, False)
    sides = first["high"] - first["estimate"], first["estimate"] - first["low"]
    assert first["half_width"] == pytest.approx(max(sides), abs=1e-4)
    text = (tmp_path / "findings.md").read_text()
    assert f"| {first['half_width']:.1f} (2.5) |" in text
    assert "planned: 2.5." in text


def test_of_one_comparison_of_a_question_and_target_the_sides_may_have_changed():
    found = findings()
    entry = next(one for one in found if one.finding == "quantity").evidence[0]
    key = planned.Key("quantity", entry.target, "another yardstick minus SimCLR")
    beside = planned.with_planned(
        found, {(key, "points per doubling"): 1.2, (key, "log-odds"): 9.0}
    )
    rows = next(one for one in beside if one.finding == "quantity").evidence
    units = {row.number.unit for row in rows}
    assert units == {"points"}
    assert [row.planned_half_width for row in rows if row.target == entry.target] == [None]
    beside = planned.with_planned(found, {(key, "points"): 1.2, (key, "log-odds"): 9.0})
    rows = next(one for one in beside if one.finding == "quantity").evidence
    assert [row.planned_half_width for row in rows if row.target == entry.target] == [1.2]


def test_a_study_that_was_not_planned_says_so(tmp_path):
    assert planned.read(tmp_path) == {}
    write.findings(findings(), tmp_path / "findings.json", "")
    assert "planned: not known (snakemake plan)." in (tmp_path / "findings.md").read_text()
