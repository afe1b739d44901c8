"""Downloaded encoders against one's own, with planted truth: verdicts, intervals, images to draw
level, and what continuing did.

Run with -s, the tests print the share of intervals that hold the truth and of verdicts.
"""

from collections import Counter
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from fourlenses.findings import best_of, words
from fourlenses.findings.comparison import HAS_SEEN
from fourlenses.findings.thresholds import Thresholds
from fourlenses.findings.verdict import CONTRADICTED, EQUIVALENT, INCONCLUSIVE, MIXED, SUPPORTED
from fourlenses.lenses import conclusions
from fourlenses.lenses.alternatives import card, declared, finding
from fourlenses.lenses.alternatives.reach import families, reach
from tests.helpers import planted_alternatives as planted

LIMITS = Thresholds()
DRAWS = 100
SETTING = {"n_test": 3_000, "seed_sd": 0.7}


def draws(study, count=DRAWS, seeds=3, **setting):
    generator = np.random.default_rng([18, seeds])
    return islice(study.draws(generator, seeds, **(SETTING | setting)), count)


def first_card(study, target="a", folder=None, encoders=None, **setting):
    evidence = next(draws(study, 1, **setting))
    if folder is not None:
        declared.write(encoders, folder / declared.NAME)
        evidence = replace(evidence, metrics=evidence.metrics.copy())
        evidence.metrics.attrs["path"] = str(folder / "metrics.csv")
    (found,) = [one for one in conclusions.cards(evidence, LIMITS) if one.target == target]
    return found


def lines(found, question):
    return [line for line in found.lines if line.question == question]


VERDICTS = {
    "a download ahead by 6": (6.0, {}, {SUPPORTED}, {CONTRADICTED, EQUIVALENT}),
    "a download behind by 6": (-6.0, {}, {CONTRADICTED}, {SUPPORTED, EQUIVALENT}),
    "no difference, few images": (0.0, {}, {INCONCLUSIVE}, {SUPPORTED, CONTRADICTED}),
    "no difference, many images": (
        *(0.0, {"n_test": 50_000, "seed_sd": 0.3}),
        *({EQUIVALENT, INCONCLUSIVE}, {SUPPORTED, CONTRADICTED}),
    ),
}


@pytest.mark.parametrize("case", VERDICTS)
def test_verdicts(case):
    advantage, setting, right, wrong = VERDICTS[case]
    verdicts = Counter(
        finding.evaluate(evidence, LIMITS)[0].verdict
        for evidence in draws(planted.downloads(advantage), 40, **setting)
    )
    print(f"{case}: {dict(verdicts)}", flush=True)
    assert sum(verdicts[word] for word in wrong) <= 2
    assert sum(verdicts[word] for word in {*right, *({MIXED} if advantage else set())}) >= 36


def test_the_best_of_several_equal_ones_is_no_lead():
    """Two downloads and two of one's own, all alike: a lead is wrong, and rare."""
    study = planted.downloads(0.0, second=0.0)
    for cell in study.cells:  # BYOL as good as SimCLR
        cell["truth"] += 3.0 * (cell["method"] == "byol")
    leads = [
        rivalry.outcome.lead.side
        for evidence in draws(study)
        for rivalry in finding.rivalries(evidence, LIMITS)[0]
    ]
    share = np.mean([side != best_of.NEITHER for side in leads])
    print(f"all alike: {share:.1%} of {len(leads)} have a lead", flush=True)
    assert share <= 0.05


def test_intervals_hold_the_truth():
    study, held = planted.downloads(5.0), []
    for evidence in draws(study):
        for rivalry in finding.rivalries(evidence, LIMITS)[0]:
            found = rivalry.outcome.contrast
            held.append(found.low <= 5.0 <= found.high)
    print(f"the better of each: {np.mean(held):.1%} of {len(held)} intervals hold", flush=True)
    assert 0.91 <= np.mean(held) <= 0.99


def test_one_seed_leans():
    evidence = next(draws(planted.downloads(8.0), 1, seeds=1))
    (found,) = finding.evaluate(evidence, LIMITS)
    assert found.verdict == "leans supported"
    assert "one set of weights" in found.note


def test_a_frozen_download_is_not_compared_with_own_fine_tuning():
    study = planted.downloads(5.0)
    own_tuned = [
        cell
        for cell in study.cells
        if not (cell["method"] == "external" and cell["protocol"] == "fine_tune")
    ]
    study.cells = own_tuned
    (found,) = finding.evaluate(next(draws(study, 1)), LIMITS)
    assert all("fine-tuned" not in entry.what for entry in found.evidence)


def test_without_own_pretraining_nothing_is_measured():
    study = planted.downloads(5.0)
    study.cells = [cell for cell in study.cells if cell["method"] in ("external", "random")]
    (found,) = finding.evaluate(next(draws(study, 1)), LIMITS)
    assert found.verdict == "not measured"
    missing = first_card(study).missing
    assert any(text.startswith("an encoder that can be downloaded") for text in missing)


def test_an_encoder_that_is_hardly_above_random_says_nothing():
    study = planted.downloads(-30.0)
    for cell in study.cells:
        cell["truth"] = 21.0
    (found,) = finding.evaluate(next(draws(study, 1)), LIMITS)
    assert found.verdict == "not trained enough to tell"


def test_the_card_says_who_beats_whom_and_what_is_declared(tmp_path):
    encoders = {
        "big": {"pretrained_on": "ImageNet with labels", "licence": "Apache-2.0", "labels_of": []},
        "small": {"pretrained_on": "photographs", "licence": "", "labels_of": ["a"], "crop": 1},
    }
    found = first_card(planted.downloads(6.0), folder=tmp_path, encoders=encoders)
    leads = lines(found, "downloaded")
    assert [line.answer for line in leads] == [card.DOWNLOADED] * 2
    assert "big (pretrained on ImageNet with labels)" in leads[0].sentence
    assert [line.subject for line in leads] == ["400", "4,000"]
    about = {line.subject: line for line in lines(found, "encoder")}
    assert about["big"].answer == "licence: Apache-2.0"
    assert about["small"].answer == "has seen this dataset; licence: not declared"
    assert "small (pretrained on photographs) has seen" in about["small"].sentence
    own = first_card(planted.downloads(-6.0), folder=tmp_path, encoders=encoders)
    assert {line.answer for line in lines(own, "downloaded")} == {card.OWN}


def test_encoders_that_have_all_seen_the_target_decide_nothing(tmp_path):
    encoders = {name: {"labels_of": ["a"]} for name in ("big", "small")}
    found = first_card(planted.downloads(6.0), folder=tmp_path, encoders=encoders)
    assert {line.answer for line in lines(found, "downloaded")} == {HAS_SEEN}
    assert {line.p_value for line in lines(found, "downloaded")} == {None}
    # they are left out for what they have seen, and were ahead after every correction
    assert not any("Not after" in line.sentence for line in lines(found, "downloaded"))


def test_images_to_draw_level_with_a_line_that_the_curve_crosses():
    """60 % are reached at 1,600 images."""
    held, every = [], 100
    for evidence in draws(planted.curve(60.0), every, n_test=20_000, seed_sd=0.2):
        (family,) = families(evidence, "a", 4_000)
        encoder = evidence.metrics[evidence.metrics["method"] == "external"]
        found = reach(family, encoder, evidence)
        held.append(found.low <= 1_600 <= found.high)
    print(f"images to draw level: {np.mean(held):.0%} of {every} intervals hold", flush=True)
    assert 0.89 <= np.mean(held) <= 1.0


def test_beyond_the_largest_size_the_card_says_how_much_is_known():
    near = first_card(planted.curve(65.0), n_test=500_000, seed_sd=0.05)
    (line,) = lines(near, "level")
    assert line.answer.startswith("about ")
    assert line.low < 6_400 < line.high
    far = first_card(planted.curve(90.0), n_test=100_000, seed_sd=0.1)
    (line,) = lines(far, "level")
    assert line.answer == "not within 100 times the images here"
    assert "within 100 times the 4,000 images of the largest size" in line.sentence
    assert (line.estimate, line.low, line.high) == (None, None, None)


def test_two_sizes_are_too_few_for_a_curve():
    study = planted.curve(68.0)
    study.cells = [cell for cell in study.cells if cell["pretrain_images"] not in (500, 1_000)]
    (line,) = lines(first_card(study), "level")
    assert line.answer == "not measured"


def test_three_sizes_are_called_a_line():
    study = planted.curve(64.5)
    study.cells = [cell for cell in study.cells if cell["pretrain_images"] != 500]
    (line,) = lines(first_card(study, n_test=500_000, seed_sd=0.05), "level")
    assert "a line through 1,000, 2,000 and 4,000" in line.sentence
    assert "Fewer than four sizes" in line.sentence


def test_continuing_helps_costs_and_destroys():
    """By linear it helps; nearest neighbours fall from 70 to 20 %; fine-tuned it costs."""
    found = first_card(planted.going_on(6.0, -50.0, -6.0))
    answers = {line.subject: line.answer for line in lines(found, "continued")}
    assert answers == {
        "linear": card.HELPS,
        "nearest neighbours": card.GONE,
        "fine-tuned": card.COSTS,
    }


def test_features_that_lost_less_than_half_are_not_called_destroyed():
    found = first_card(planted.going_on(0.0, -20.0, -50.0))
    answers = {line.subject: line.answer for line in lines(found, "continued")}
    assert answers["nearest neighbours"] == card.COSTS
    assert answers["fine-tuned"] == card.COSTS  # said of frozen features alone


def test_a_continued_encoder_is_not_ones_own():
    study = planted.going_on(6.0, 6.0, 6.0)
    (found,) = finding.evaluate(next(draws(study, 1)), LIMITS)
    assert found.verdict == "not measured"


def test_an_external_encoder_is_called_by_its_name():
    rows = next(draws(planted.downloads(5.0), 1)).metrics
    assert words.encoder(rows[rows["source"] == "big"]) == "big"
