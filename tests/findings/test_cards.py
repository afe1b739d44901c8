"""Decision cards: each rule of a card, and that a finding and a card give the same number."""

import numpy as np

from fourlenses.findings.thresholds import Thresholds
from fourlenses.lenses import conclusions
from tests.helpers import planted_study as planted
from tests.helpers.planted_findings import CERTAIN, by_name, seen


def card_of(study, seeds=3, *, thresholds=CERTAIN, **more):
    (card,) = conclusions.cards(seen(study, seeds, **more), thresholds)
    return card


def contest(tuned, scratch, *, linear=40.0, supervised=None):
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
    assert rival.answer == "labels alone lead"
    assert "a supervised encoder with a linear classifier beats SimCLR fine-tuned" in rival.sentence


def test_without_fine_tuning_the_contest_is_not_measured():
    card = card_of(contest(None, 70.0))
    assert not [line for line in card.lines if line.question in ("contest", "labels")]
    assert (
        "no encoder was fine-tuned at 4,000 labels (fine-tune the encoders too" in card.missing[0]
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
    """Alone it is an answer; among thirty tests of a card it is none, and its sentence gives the
    difference alone."""
    study = contest(55.0, 53.6)
    for place in range(30):
        study.add("simclr", f"b{place}-4000", "a", 40.0)
    alone, among = (card_of(one, seed_sd=0.5).lines[0] for one in (contest(55.0, 53.6), study))
    assert (alone.answer, among.answer) == ("pretraining leads", "cannot tell")
    assert " beats " in alone.sentence
    assert " minus training from scratch: +" in among.sentence
    assert "Not after Holm's correction for the 31 answers" in among.sentence


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


def test_above_how_many_labels_pretraining_is_not_needed_takes_two_label_sizes():
    study = contest(60.0, 40.0)
    assert not [line for line in card_of(study).lines if line.question == "labels"]
    study.random("a", 10.0, labelled=20_000)
    for protocol, top1 in (("linear", 50.0), ("fine_tune", 62.0)):
        study.add("simclr", "a-4000", "a", top1, protocol, labelled=20_000)
    study.add("supervised", "a-20000", "a", 75.0, "scratch", labelled=20_000)
    (line,) = (line for line in card_of(study).lines if line.question == "labels")
    assert line.answer == "labels alone lead from 20,000"
    assert line.sense == -1  # as in every other answer, for pretraining is up
    assert (
        line.sentence == "Of 4,000 and 20,000 labels compared, "
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
    counted = "The loss still fell at the end of 3 of 3 pretrainings and 3 of 6 trainings on labels"
    assert f"{counted}: longer ones may differ." in card.setting
    assert any(text.startswith(counted) for text in card.warnings)
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
