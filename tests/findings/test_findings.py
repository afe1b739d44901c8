"""Findings: the paper's numbers, a study without some lenses, and what is written."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fourlenses.analysis import published
from fourlenses.analysis.contrasts import Evidence
from fourlenses.analysis.table import read_metrics
from fourlenses.findings import write as findings
from fourlenses.findings.thresholds import Thresholds
from fourlenses.lenses import conclusions
from fourlenses.lenses.granularity.finding import slope_weights
from tests.helpers import planted_study as planted
from tests.helpers.planted_findings import CERTAIN, by_name, seen
from tests.helpers.synthetic_metrics import planted as small_study
from tests.helpers.synthetic_metrics import row, write

SCRIPT = Path(__file__).parents[2] / "workflow_scripts" / "write_findings.py"
NAMES = ["quantity", "domain", "domain_pool", "domain_added", "quality", "granularity"]
NAMES += ["alternatives"]


def test_what_becomes_of_the_papers_numbers():
    """One run each, equal epochs: nothing is firm, and of images alone nothing is said."""
    found = by_name(Evidence.of(published.rows()), Thresholds())
    for one in found.values():
        print(f"{one.finding}: {one.verdict}, {one.counts}")
    assert {name: one.verdict for name, one in found.items()} == {
        "quantity": "confounded",
        "domain": "leans supported",
        "domain_pool": "mixed",
        "domain_added": "confounded",
        "quality": "mixed",
        "granularity": "mixed",
        "alternatives": "not measured",
    }
    assert found["domain"].counts == {"holds": 15}
    worst = {
        one.what.split(" of ")[0] for one in found["quality"].evidence if one.status == "holds"
    }
    assert worst == {"2× coarser", "4× coarser"}
    assert found["granularity"].counts == {"holds": 2, "open": 1}
    imagenet = next(one for one in found["quantity"].evidence if one.target == "imagenet")
    assert (
        imagenet.what == "SimCLR: 500k to 1M pretraining images at unequal steps"
    )  # as in the paper's figure 2
    assert imagenet.reason.startswith("2 times the images and 2 times the training (equal epochs)")


def test_estimates_are_those_of_the_table():
    study = planted.others(0.0)
    evidence = seen(study, seeds=1)
    top1 = [20.0, 50.0, 49.0, 44.0, 48.0, 46.0] * 3  # random, own, own share, two others, a pool
    exact = Evidence(evidence.metrics.assign(top1=top1), evidence.joint, evidence.seed_variance)
    found = by_name(exact)
    assert {one.number.estimate for one in found["domain"].evidence} == {-6.0, -2.0}
    assert {one.number.estimate for one in found["domain_pool"].evidence} == {-4.0}
    assert {one.number.estimate for one in found["domain_added"].evidence} == {-3.0}
    assert found["domain"].estimate == pytest.approx(-4.0)
    assert (len(found["domain"].evidence), found["domain"].counts) == (6, {"holds": 6})


def test_a_lens_that_is_lacking_is_not_measured_and_says_what_to_add():
    rows = published.rows()
    found = by_name(Evidence.of(rows[rows["lens"] == "quantity"]))
    assert {name for name, one in found.items() if one.verdict == "not measured"} == set(NAMES) - {
        "quantity"
    }
    assert "Add the lens granularity" in found["granularity"].note
    assert found["granularity"].estimate is None


def test_the_threshold_decides():
    evidence = seen(planted.curve(1.0, longer=0.0))
    assert by_name(evidence)["quantity"].verdict == "supported"
    assert by_name(evidence, Thresholds(modest_gain=0.3))["quantity"].verdict == "contradicted"


def test_one_lens_more_takes_no_answer_away():
    """Three sizes at 1,000 and 4,000 labels; a domain lens at 5,000 labels has one size only."""
    study = planted.Planted()
    study.random("a", 10.0)
    for images, top1 in ((1000, 40.0), (2000, 45.0), (4000, 50.0)):
        for labelled in (1000, 4000):
            study.add("simclr", f"a-{images}", "a", top1, labelled=labelled)
    before = by_name(seen(study))["quantity"].evidence
    study.add("simclr", "a-4000", "a", 52.0, labelled=5000)
    study.add("simclr", "b-4000", "a", 42.0, labelled=5000)
    after = by_name(seen(study))["quantity"].evidence
    assert [one.what for one in before] == [one.what for one in after]
    assert len(after) == 1


def test_entries_of_one_method_are_apart_and_derived_ones_are_not():
    study = planted.Planted()
    study.random("a", 10.0)
    for images, top1 in ((2000, 45.0), (4000, 50.0)):
        study.add("simclr_gentle", f"a-{images}", "a", top1 - 5)
    study.add("simclr", "a-2000", "a", 40.0, steps=500)  # equal epochs
    study.add("simclr_steps", "a-2000", "a", 48.0)
    study.add("simclr", "a-4000", "a", 50.0)
    found = by_name(seen(study))["quantity"].evidence
    assert [(one.what.split(":")[0], round(one.number.estimate)) for one in found] == [
        ("simclr gentle", 5),
        ("SimCLR", 2),
    ]


def test_an_encoder_that_continued_a_smaller_one_is_confounded_by_the_steps_it_has_seen():
    study = planted.Planted()
    study.random("a", 10.0)
    for images, steps in ((1000, 320), (4000, 640)):
        study.add("simclr", f"a-{images}", "a", 40.0, steps=steps)
    (found,) = by_name(seen(study))["quantity"].evidence
    said = "4 times the images and 2 times the training (320 and 640 steps): nothing is said"
    assert said in found.reason


def test_sizes_of_equal_epochs_say_nothing_of_images():
    study = planted.Planted()
    study.random("a", 10.0)
    for images, top1, steps in ((1000, 40.0, 250), (4000, 50.0, 1000)):
        study.add("simclr", f"a-{images}", "a", top1, steps=steps)
    evidence = seen(study)
    found = by_name(evidence)["quantity"]
    assert (found.verdict, found.estimate) == ("confounded", None)
    assert (
        "4 times the images and 4 times the training (250 and 1,000 steps)"
        in found.evidence[0].reason
    )
    (line,) = (
        line
        for line in conclusions.cards(evidence, CERTAIN)[0].lines
        if line.question == "doubling"
    )
    assert line.answer == "confounded"


def test_a_corruption_finds_its_clean_images_under_another_name():
    """`a-all` and `a-4000` are the same images where the dataset has 4,000; the first of the two
    stands in for both."""
    evidence = seen(planted.corrupted(3.0))
    metrics = evidence.metrics
    renamed = metrics.assign(source=metrics["source"].str.replace("a-4000@", "a-all@"))
    found = by_name(Evidence(renamed, evidence.joint, evidence.seed_variance))["quality"]
    assert len(found.evidence) == 3
    assert found.counts == by_name(evidence)["quality"].counts


def test_the_slope_over_levels():
    assert slope_weights(2) == [-1.0, 1.0]
    weights = slope_weights(5)
    values = np.array([3.0, 1.0, 4.0, 1.0, 5.0])
    assert np.dot(weights, values) == pytest.approx(np.polyfit(np.linspace(0, 1, 5), values, 1)[0])


def test_levels_of_fewer_than_three_labels_are_left_out():
    study = planted.levels(4.0)
    for cell in study.cells:
        cell["n_classes"] = {"coarse": 2, "middle": 30, "fine": 90}[cell["level"]]
    assert {
        one.what.split(" from ")[-1].split(",")[0]
        for one in by_name(seen(study))["granularity"].evidence
    } == {"middle to fine"}


def test_files_are_written_from_the_table_alone_and_without_torch(tmp_path):
    metrics = write(tmp_path / "metrics.csv", small_study())
    arguments = ["--metrics", metrics, "--findings", tmp_path / "f.json"]
    arguments += ["--decision", tmp_path / "d.json"]
    program = (
        f"import sys, runpy; sys.argv = {[str(SCRIPT), *map(str, arguments)]!r}; "
        "runpy.run_path(sys.argv[0], run_name='__main__'); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    findings = json.loads((tmp_path / "f.json").read_text())
    assert [one["finding"] for one in findings] == NAMES
    assert {
        "finding",
        "statement",
        "verdict",
        "estimate",
        "low",
        "high",
        "unit",
        "threshold",
        "evidence",
        "note",
    } <= set(findings[0])
    assert "simclr-" in findings[1]["evidence"][0]["cells"][0]
    text = (tmp_path / "f.md").read_text()
    assert all(one["statement"] in text for one in findings)
    assert [card["target"] for card in json.loads((tmp_path / "d.json").read_text())] == ["a", "b"]
    assert "## a" in (tmp_path / "d.md").read_text()


def test_a_mean_says_what_it_is_of(tmp_path):
    """Targets weigh alike in it, whatever their numbers of comparisons."""
    several = by_name(seen(planted.others(-3.0)))["domain"]
    of_one = [entry for entry in several.evidence if entry.target == "a"]
    for evidence, said in (
        (several.evidence[1:], "Mean of those that count, every target alike, -"),
        (of_one, "Mean of those that count -"),
        (of_one[:1], "The one that counts: -"),
    ):
        findings.findings([replace(several, evidence=evidence)], tmp_path / "f.json", "")
        assert said in (tmp_path / "f.md").read_text()


def test_an_encoder_that_gained_nothing_has_no_share_to_lose(tmp_path):
    study = planted.corrupted(0.0)
    for cell in study.cells:
        if cell["method"] == "simclr":
            cell["truth"] = 10.0  # the random encoder has 20
    (found,) = (
        one for one in conclusions.evaluate(seen(study), CERTAIN) if one.finding == "quality"
    )
    assert found.verdict == "not trained enough to tell"
    assert found.evidence[0].second_scale.estimate is None
    findings.findings([found], tmp_path / "f.json", "Encoders: ResNet-18.")
    assert "| – | not trained enough to tell" in (tmp_path / "f.md").read_text()


def test_tables_of_former_studies_still_answer(tmp_path):
    """Without the newer columns: no chance, no pixels, no seeds beyond the prior; nothing firm."""
    rows = [
        row("domain", "simclr", f"{name}-4000", "a", top1)
        for name, top1 in (("a", 50.0), ("b", 30.0))
    ]
    rows.append(row("domain", "random", "none", "a", 10.0))
    evidence = Evidence.of(read_metrics(write(tmp_path / "metrics.csv", rows)))
    assert by_name(evidence)["domain"].verdict == "leans supported"
    (card,) = conclusions.cards(evidence, Thresholds())
    assert "image size not recorded" in card.setting
    assert pd.Series([line.answer for line in card.lines]).str.startswith("leans").all()
