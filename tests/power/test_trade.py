"""Cheaper entries held against one: planted accuracies and costs."""

import csv
from itertools import islice

import numpy as np
import pytest

from fourlenses.core.errors import UserError
from fourlenses.core.files import write_json
from fourlenses.power import trade
from tests.helpers.planted_study import Planted

# entry -> its loss in points on birds and cars, and the seconds of one encoder
ENTRIES = {"simclr": (0.0, 0.0, 100.0), "simclr_grown": (0.3, 0.3, 40.0)}
ENTRIES |= {"simclr_small": (6.0, -6.0, 20.0), "supervised": (-9.0, -9.0, 1.0)}
SIZES = (1000, 4000)
HYPER = {"method": "simclr", "views": ["plain", "plain"]}


@pytest.fixture
def evidence():
    study = Planted()
    for target, base in (("birds", 60.0), ("cars", 50.0)):
        study.random(target, 20.0)
        for entry, losses in ENTRIES.items():
            for images in SIZES if entry != "simclr_small" else SIZES[1:]:
                top1 = base - losses[("birds", "cars").index(target)]
                study.add(entry, f"{target}-{images}", target, top1, steps=500)
    return next(islice(study.draws(np.random.default_rng(0), 3, n_test=20000, seed_sd=0.1), 1))


@pytest.fixture
def pretrain(evidence, tmp_path):
    for run in evidence.metrics["run"].unique():
        entry, source, _ = run.split("/")
        if entry == "random":
            continue
        smaller = {"source": source.replace("4000", "1000"), "steps": 500, "images": 500 * 64}
        grown = entry == "simclr_grown" and source.endswith("4000")
        sizes = {"progressive_sizes": [0.5, 1]} if entry == "simclr_small" else {}
        record = {
            "settings": {
                "method": entry,
                "seed": int(run[-1]),
                "image_size": 32,
                "hyperparameters": HYPER | sizes,
                "recipes": {"plain": {"flip": 0.5}},
                **({"smaller": smaller} if grown else {}),
            },
            "effective": {"total_steps": 500, "batch_size": 64, "processes": 2},
            "wall_time_seconds": 7.0,
            "cpu_seconds": ENTRIES[entry][2],
        }
        write_json(tmp_path / run / "run.json", record)
    return tmp_path


def found(evidence, pretrain, **keys):
    trades = trade.trades(evidence, pretrain, reference="simclr", margin=2.0, **keys)
    return {(each.entry, each.target, each.source): each for each in trades}


def test_points_and_answers_are_the_planted_ones(evidence, pretrain):
    trades = found(evidence, pretrain)
    # cells of either entry of the method, and the mean of each; not supervised
    assert len(trades) == 2 * 2 + 1 + 2 + 1
    for (entry, target, source), each in trades.items():
        if source != trade.ALL:
            loss = ENTRIES[entry][("birds", "cars").index(target)]
            assert each.low < -loss < each.high
        assert each.seeds == 3
    answers = {key: each.answer for key, each in trades.items()}
    assert answers["simclr_grown", "birds", "birds-4000"] == trade.ALIKE
    assert answers["simclr_small", "birds", "birds-4000"] == trade.WORSE
    assert answers["simclr_small", "cars", "cars-4000"] == trade.BETTER
    mean = trades["simclr_small", trade.ALL, trade.ALL]
    assert abs(mean.points) < 1
    assert (mean.steps, trades["simclr_small", "cars", "cars-4000"].steps) == (None, 500)


def test_a_margin_that_the_interval_leaves_is_not_called_alike(evidence, pretrain):
    trades = trade.trades(evidence, pretrain, reference="simclr", margin=0.01)
    assert {each.answer for each in trades if each.entry == "simclr_grown"} <= {
        trade.OPEN,
        trade.WORSE,
    }


def test_costs_are_of_all_that_was_trained_each_encoder_once(evidence, pretrain):
    trades = found(evidence, pretrain)
    small = trades["simclr_small", "cars", "cars-4000"]
    assert small.counted == pytest.approx(1 / ((0.25 + 1) / 2))
    assert small.measured == pytest.approx(100 / 20)
    # both sizes of either; the grown one's smaller encoder is one of them
    grown = trades["simclr_grown", "birds", "birds-4000"]
    assert (grown.counted, grown.measured) == (pytest.approx(1), pytest.approx(100 / 40))
    assert (
        found(evidence, pretrain, clock="wall")["simclr_grown", "birds", "birds-1000"].measured == 1
    )


def test_an_encoder_that_only_another_needs_counts_too(evidence, pretrain):
    small_too = evidence.metrics["source"].str.endswith("1000")
    alone = type(evidence)(evidence.metrics[~small_too], evidence.joint, evidence.seed_variance)
    grown = found(alone, pretrain)["simclr_grown", "birds", "birds-4000"]
    assert grown.measured == pytest.approx(100 / 80)
    (pretrain / "simclr_grown/birds-1000/seed0/run.json").unlink()
    with pytest.raises(UserError, match=r"birds-1000/seed0/run\.json is missing"):
        found(alone, pretrain)


def test_records_without_processor_time_leave_it_open(evidence, pretrain, tmp_path):
    for file in pretrain.rglob("run.json"):
        file.write_text(file.read_text().replace("cpu_seconds", "other"))
    trades = found(evidence, pretrain)
    assert {each.measured for each in trades.values()} == {None}
    listed = list(trades.values())
    assert "| – |" in trade.text(listed, "simclr", margin=2.0)
    trade.write(listed, tmp_path / "trades.csv")
    with open(tmp_path / "trades.csv", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [row["entry"] for row in rows] == [each.entry for each in listed]
    assert {row["measured"] for row in rows} == {""}


def test_an_unknown_reference_or_one_without_others_is_an_error(evidence, pretrain):
    with pytest.raises(UserError, match=r"simclr_gown.*simclr_grown"):
        trade.trades(evidence, pretrain, reference="simclr_gown", margin=2.0)
    alone = evidence.metrics[evidence.metrics["method"] == "simclr"]
    one = type(evidence)(alone, evidence.joint, evidence.seed_variance)
    with pytest.raises(UserError, match="no other entry has an encoder"):
        found(one, pretrain)
