"""Findings and decision cards: the paper's numbers, each rule of a card, and the files."""

import json
import subprocess
import sys
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
from tests.helpers.synthetic_metrics import planted as small_study
from tests.helpers.synthetic_metrics import row, write

SCRIPT = Path(__file__).parents[2] / "workflow_scripts" / "write_findings.py"
NAMES = ["quantity", "domain", "domain_pool", "domain_added", "quality", "granularity"]
CERTAIN = Thresholds(seed_sd=1e-6)


def seen(study, seeds=3, n_test=50_000, seed_sd=0.2):
    return next(study.draws(np.random.default_rng(0), seeds, n_test=n_test, seed_sd=seed_sd))


def by_name(evidence, thresholds=CERTAIN):
    return {one.finding: one for one in conclusions.evaluate(evidence, thresholds)}


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
    }
    assert found["domain"].counts == {"holds": 15}
    worst = {
        one.what.split(" of ")[0] for one in found["quality"].evidence if one.status == "holds"
    }
    assert worst == {"downsample2", "downsample4"}
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


def card_of(study, seeds=3, thresholds=CERTAIN, **more):
    (card,) = conclusions.cards(seen(study, seeds, **more), thresholds)
    return card


def contest(tuned, scratch, linear=40.0, supervised=None):
    study = planted.Planted()
    study.random("a", 10.0)
    study.add("simclr", "a-4000", "a", linear)
    if tuned is not None:
        study.add("simclr", "a-4000", "a", tuned, "fine_tune")
    study.add("supervised", "a-4000", "a", scratch, "scratch")
    if supervised is not None:
        study.add("supervised", "a-4000", "a", supervised, "linear")
    return study


def test_the_contest_is_of_the_best_ways():
    """Fine-tuned it beats scratch, though frozen it is behind; a supervised encoder with a linear
    classifier may be the better rival."""
    line = card_of(contest(60.0, 52.0)).lines[0]
    assert line.answer == "pretraining leads"
    assert line.sentence.startswith(
        "With 4,000 labels, SimCLR fine-tuned (4,000 unlabelled images, 1,000 steps) beats "
        "training from scratch by "
    )
    assert "95 % interval" in line.sentence
    rival = card_of(contest(60.0, 52.0, supervised=68.0)).lines[0]
    assert rival.answer == "supervised leads"
    assert "a supervised encoder with a linear classifier beats SimCLR fine-tuned" in rival.sentence


def test_without_fine_tuning_the_contest_is_not_measured():
    card = card_of(contest(None, 70.0))
    assert not [line for line in card.lines if line.question in ("contest", "labels")]
    assert (
        "no encoder was fine-tuned at 4,000 labels (add fine_tune to the protocols)"
        in card.missing[0]
    )


def test_alike_within_the_margin_is_an_answer():
    line = card_of(contest(60.0, 60.0), seeds=5).lines[0]
    assert line.answer == "no difference"
    assert "minus training from scratch:" in line.sentence


def test_below_three_seeds_an_answer_leans():
    one = card_of(contest(60.0, 40.0), seeds=1)
    assert one.lines[0].answer == "leans: pretraining leads"
    assert "Fewer than 3 seeds: an answer leans at most" in one.setting
    assert card_of(contest(60.0, 40.0), seeds=3).lines[0].answer == "pretraining leads"


def test_holm_over_a_card():
    """Thirty encoders of other domains that are as good as one's own: hardly a card has any answer
    of a difference."""
    study = planted.Planted()
    study.random("a", 10.0)
    study.add("simclr", "a-4000", "a", 50.0)
    for place in range(30):
        study.add("simclr", f"b{place}-4000", "a", 50.0)
    wrong = []
    for evidence, _ in zip(
        study.draws(np.random.default_rng(1), 3, n_test=5000, seed_sd=0.5), range(40), strict=False
    ):
        (card,) = conclusions.cards(evidence, Thresholds(equivalence_margin=0.01))
        wrong.append(
            any(line.answer in ("better than own", "worse than own") for line in card.lines)
        )
    print(f"cards of 30 true nulls with any answer: {np.mean(wrong):.0%}")
    assert np.mean(wrong) <= 0.13  # 5 %, and two standard errors of 40 draws


def test_a_contest_that_holm_takes_back_names_no_winner():
    """Alone it is an answer; beside thirty tests of a card it is none, and its sentence gives the
    difference alone."""
    study = contest(55.0, 53.6)
    for place in range(30):
        study.add("simclr", f"b{place}-4000", "a", 40.0)
    alone, beside = (card_of(one, seed_sd=0.5).lines[0] for one in (contest(55.0, 53.6), study))
    assert (alone.answer, beside.answer) == ("pretraining leads", "cannot tell")
    assert " beats " in alone.sentence
    assert " minus training from scratch: +" in beside.sentence
    assert "Not after Holm's correction for the 31 answers" in beside.sentence


def test_two_sizes_are_at_most_and_never_worth_it():
    line = next(
        line
        for line in card_of(planted.like_random_but(30.0, 40.0)).lines
        if line.question == "doubling"
    )
    assert line.answer == "at most"
    assert "from 500,000 to 1,000,000 unlabelled images a doubling gained +" in line.sentence
    assert "no curve but a line, at most" in line.sentence


def test_the_doubling_of_a_card_is_the_number_of_the_finding():
    study = planted.like_random_but(30.0, 40.0)
    evidence = seen(study)
    line = next(
        line
        for line in conclusions.cards(evidence, CERTAIN)[0].lines
        if line.question == "doubling"
    )
    (entry,) = by_name(evidence)["quantity"].evidence
    assert (line.estimate, line.low, line.high) == (
        entry.number.estimate,
        entry.number.low,
        entry.number.high,
    )


def test_four_sizes_are_a_curve():
    line = next(
        line
        for line in conclusions.cards(seen(planted.curve(1.5, longer=0.0)), CERTAIN)[0].lines
        if line.question == "doubling"
    )
    assert "are expected to gain" in line.sentence
    assert "a curve through 125,000, 250,000, 500,000 and 1,000,000" in line.sentence


def test_longer_training_comes_first_where_it_gains_more():
    cards = conclusions.cards(seen(planted.curve(0.5, longer=9.0)), CERTAIN)
    for card in cards:
        line = next(line for line in card.lines if line.question == "doubling")
        assert line.answer == "train longer first"
        assert "1,000 instead of 500 steps on the same 1,000,000 images" in line.sentence


def test_from_how_many_labels_on_needs_two_label_sizes():
    study = contest(60.0, 40.0)
    assert not [line for line in card_of(study).lines if line.question == "labels"]
    study.random("a", 10.0, labelled=20_000)
    for protocol, top1 in (("linear", 50.0), ("fine_tune", 62.0)):
        study.add("simclr", "a-4000", "a", top1, protocol, labelled=20_000)
    study.add("supervised", "a-20000", "a", 75.0, "scratch", labelled=20_000)
    (line,) = (line for line in card_of(study).lines if line.question == "labels")
    assert line.answer == "labels alone lead from 20,000"
    assert (
        line.sentence == "Of 4,000 and 20,000 labels measured, "
        "labels alone beat pretraining with SimCLR from 20,000 on."
    )


def test_a_card_names_what_it_rests_on():
    setting = card_of(contest(60.0, 52.0)).setting
    for part in (
        "ResNet-18",
        "64 px",
        "3 seeds",
        "points, pooled over",
        "50,000 test images",
        "the random encoder 10",
        "chance 10.0 %",
    ):
        assert part in setting, part
    for part in (
        "Holm",
        "Worth it: more than 1 point.",
        "within 2 points",
        "by more than 5 points",
    ):
        assert part in setting, part


def test_a_training_that_had_not_converged_is_named():
    study = contest(60.0, 40.0)
    for cell in study.cells:
        cell["not_converged"] = (
            "training"
            if cell["protocol"] == "scratch"
            else "pretraining"
            if cell["method"] == "simclr"
            else ""
        )
    card = card_of(study)
    assert "Not converged: SimCLR fine-tuned and training from scratch." in card.lines[0].sentence
    assert "Of 3 encoders 3 had not converged: their loss still fell at its end." in card.setting
    study = planted.others(-3.0)
    assert "not converged" not in by_name(seen(study))["domain"].note
    study.cells[1]["not_converged"] = "pretraining"
    assert "In 2 of 6 some training had not converged" in by_name(seen(study))["domain"].note


def test_a_finding_and_a_card_give_one_number():
    evidence = seen(planted.others(-3.0))
    found = {
        (one.target, one.about["source"]): one.number.estimate
        for one in by_name(evidence)["domain"].evidence
    }
    lines = [
        line
        for card in conclusions.cards(evidence, CERTAIN)
        for line in card.lines
        if line.question == "other_encoder"
    ]
    assert sorted(found.values()) == sorted(line.estimate for line in lines)


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
    assert "pixels not recorded" in card.setting
    assert pd.Series([line.answer for line in card.lines]).str.startswith("leans").all()
