"""Findings and decision cards: the paper's numbers, a study without some lenses, and what is written."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.unit import planted_study as planted
from tests.unit.synthetic_metrics import planted as small_study
from tests.unit.synthetic_metrics import row, write

from fourlenses.findings import FINDINGS, Thresholds, decision, evaluate
from fourlenses.lenses import published
from fourlenses.lenses.table import read_metrics

SCRIPT = Path(__file__).parents[2] / "workflow_scripts" / "write_findings.py"


def test_the_published_numbers_support_all_four():
    found = {one.finding: one for one in evaluate(published.rows(), None, Thresholds())}
    for one in found.values():
        print(f"{one.finding}: {one.verdict}, {one.estimate:.2f} ({one.low:.2f} to {one.high:.2f}) {one.unit}")
    assert [one.verdict for one in found.values()] == ["supported"] * 4
    imagenet = next(one for one in found["quantity"].evidence if one["target"] == "imagenet")
    assert imagenet["high"] < 2  # "500k to 1M: 1-2 %"


def test_estimates_are_those_of_the_table():
    study = planted.others(0.0)
    for cell, top1 in zip(study.cells, (50, 44, 48, 46) * 3, strict=True):  # own, two others, a pool
        cell["truth"] = top1
    table = study.seen(np.random.default_rng(0), 1).assign(top1=[50.0, 44.0, 48.0, 46.0] * 3)
    domain = evaluate(table, None, Thresholds())[1]
    assert domain.estimate == pytest.approx(-4.0)
    assert len(domain.evidence) == 9
    assert "Of 9 comparisons 0 have" in domain.note


def test_a_lens_that_is_lacking_is_inconclusive_and_says_what_to_add():
    rows = published.rows()
    found = evaluate(rows[rows["lens"] == "quantity"], None, Thresholds())
    assert [one.verdict for one in found][:2] == ["supported", "inconclusive"]
    assert {one.finding for one in found if one.estimate is None} == {"domain", "quality", "granularity"}
    assert "Add the lens granularity" in found[3].note


def test_the_threshold_decides():
    table = published.rows()
    strict = evaluate(table, None, Thresholds(modest_gain=0.5, domain_margin=0.0, quality_margin=20.0))
    assert [one.verdict for one in strict] == ["contradicted", "supported", "contradicted", "supported"]


def test_the_decision_card(tmp_path):
    rows = [row("quantity", "simclr", f"a-{images}", "a", top1) for images, top1 in ((1000, 40.0), (4000, 50.0))]
    rows += [row("domain", "simclr", "a-2000+b-2000", "a", 44.0), row("domain", "simclr", "b-4000", "a", 50.5)]
    rows += [row("quality", "simclr", "a-4000@jpeg10", "a", 45.0)]
    for labelled, own, scratch in ((100, 30.0, 20.0), (10_000, 60.0, 65.0)):
        rows.append(row("quantity", "simclr", "a-4000", "a", own, labelled_images=labelled))
        rows.append(row("quantity", "supervised", f"a-{labelled}", "a", scratch, protocol="scratch", labelled_images=labelled))
    (card,) = decision.cards(read_metrics(write(tmp_path / "metrics.csv", rows)), None, Thresholds())
    found = {(line.question, line.subject): line for line in card.lines}
    assert found["pool", "b"].estimate == -6.0
    assert found["pool", "b"].answer == "not worth it"
    assert found["other_encoder", "b 4k"].answer == "cannot tell"
    assert found["supervised", "100"].answer == "pretraining leads"
    assert found["supervised", "10k"].answer == "supervised leads"
    assert found["labels", ""].answer == "labels win from 10k"
    assert "-6.0 points [-7.4 to -4.6]" in found["pool", "b"].sentence


def test_files_are_written_from_the_table_alone_and_without_torch(tmp_path):
    metrics = write(tmp_path / "metrics.csv", small_study())
    program = (
        f"import sys, runpy; sys.argv = [{str(SCRIPT)!r}, '--metrics', {str(metrics)!r}, '--findings', {str(tmp_path / 'f.json')!r}, "
        f"'--decision', {str(tmp_path / 'd.json')!r}]; runpy.run_path(sys.argv[0], run_name='__main__') ; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    findings = json.loads((tmp_path / "f.json").read_text())
    assert [one["finding"] for one in findings] == [module.NAME for module in FINDINGS]
    assert {"finding", "statement", "verdict", "estimate", "low", "high", "unit", "threshold", "evidence", "note"} <= set(findings[0])
    assert "simclr/" in findings[0]["evidence"][0]["cells"][0] or "simclr-" in findings[0]["evidence"][0]["cells"][0]
    text = (tmp_path / "f.md").read_text()
    assert all(one["statement"] in text for one in findings)
    assert [card["target"] for card in json.loads((tmp_path / "d.json").read_text())] == ["a", "b"]
    assert "## a" in (tmp_path / "d.md").read_text()
