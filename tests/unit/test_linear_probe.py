"""The linear probe: its numbers, its choice of strength, its rules for awkward subsets and its refusals."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from fourlenses.evaluation.linear_probe import linear_probe
from fourlenses.evaluation.statistics import wilson_interval
from fourlenses.randomness import named_seed, permutation

STRENGTHS = [1e-3, 1e-2, 1e-1]
CLASSES = 6
TABLE = np.stack([np.arange(CLASSES), np.arange(CLASSES) // 2, np.arange(CLASSES) // 4], 1)
NAMES = ["species", "genus", "family"]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((CLASSES, 16))
    labels = rng.integers(0, CLASSES, 1000)
    features = (centres[labels] + 1.5 * rng.standard_normal((1000, 16))).astype(np.float32) * np.arange(1, 17, dtype=np.float32) + 5
    return {
        "train_features": torch.tensor(features[:600]),
        "train_labels": torch.tensor(labels[:600]),
        "test_features": torch.tensor(features[600:]),
        "test_labels": torch.tensor(labels[600:]),
    }


def probe(data, subsets, **changes):
    arguments = {"strengths": STRENGTHS, "validation_fraction": 0.2, "seed": 3, "num_classes": CLASSES}
    arguments |= {"level_table": TABLE, "level_names": NAMES}
    return linear_probe(**(data | {"subsets": subsets} | arguments | changes))


def spread_positions(size):
    return np.arange(600)[:: 600 // size][:size]


def without(record, *keys):
    return {key: value for key, value in record.items() if key not in keys}


def test_reproduces_the_protocol_with_scikit_learn(data):
    """The whole protocol once more, step by step, with scikit-learn's solver."""
    (record,) = probe(data, {300: spread_positions(300)})
    x, y = data["train_features"].numpy()[::2].astype(float), data["train_labels"].numpy()[::2]
    mean, std = x.mean(0), x.std(0)
    x, x_test = (x - mean) / std, (data["test_features"].numpy() - mean) / std
    order = permutation(300, named_seed(3, "validation"))
    held, rest = order[:60], order[60:]
    validation = []
    for strength in STRENGTHS:
        model = LogisticRegression(C=1 / (len(rest) * strength), tol=1e-8, max_iter=2000).fit(x[rest], y[rest])
        validation.append(100 * model.score(x[held], y[held]))
    assert record["validation_accuracy"] == pytest.approx(validation, abs=100.5 / 60)
    model = LogisticRegression(C=1 / (300 * record["strength"]), tol=1e-8, max_iter=2000).fit(x, y)
    expected = model.predict(x_test)
    assert (record["predictions"] == expected).mean() >= 0.997
    assert record["top1"] == pytest.approx(100 * (expected == data["test_labels"].numpy()).mean(), abs=0.3)
    fifth = np.argsort(-model.decision_function(x_test), 1)[:, :5]
    top5 = 100 * (fifth == data["test_labels"].numpy()[:, None]).any(1).mean()
    assert record["top5"] == pytest.approx(top5, abs=0.3)
    assert record["strength"] in STRENGTHS
    assert record["n_validation"] == 60
    assert record["notes"] == []
    assert record["gradient_norm"] <= 1e-5


def test_records_hold_consistent_numbers(data):
    records = probe(data, {600: spread_positions(600), 60: spread_positions(60), 200: spread_positions(200)})
    assert [record["label_size"] for record in records] == [60, 200, 600]
    assert records[2]["top1"] > records[0]["top1"]
    for record in records:
        assert record["predictions"].dtype == np.uint16
        right = int((record["predictions"] == data["test_labels"].numpy()).sum())
        assert record["n_test"] == 400
        assert record["top1"] == 100 * right / 400
        assert (record["top1_low"], record["top1_high"]) == wilson_interval(right, 400)
        assert record["levels"]["species"] == {"top1": record["top1"], "low": record["top1_low"], "high": record["top1_high"]}
        coarse = TABLE[record["predictions"], 1] == TABLE[data["test_labels"].numpy(), 1]
        assert record["levels"]["genus"]["top1"] == 100 * coarse.mean()
        assert record["levels"]["family"]["top1"] >= record["levels"]["genus"]["top1"] >= record["top1"]
        assert record["top5"] >= record["top1"]
        best = max(record["validation_accuracy"])
        assert record["validation_accuracy"][STRENGTHS.index(record["strength"])] == best
        assert set(record["timing"]) == {"standardise", "select", "refit", "test"}


def test_numbers_are_reproducible_whatever_the_order_or_company(data):
    one = probe(data, {100: spread_positions(100)})[0]
    other = probe(data, {100: spread_positions(100)[::-1], 50: spread_positions(50)}, strengths=STRENGTHS[::-1])[1]
    np.testing.assert_equal(without(one, "timing"), without(other, "timing"))
    seeds = [probe(data, {100: spread_positions(100)}, seed=seed)[0]["validation_accuracy"] for seed in range(4)]
    assert len({tuple(accuracies) for accuracies in seeds}) > 1


def test_test_labels_do_not_influence_the_choice(data):
    one = probe(data, {100: spread_positions(100)})[0]
    other = probe(data | {"test_labels": data["test_labels"].roll(1)}, {100: spread_positions(100)})[0]
    assert other["strength"] == one["strength"]
    np.testing.assert_array_equal(other["predictions"], one["predictions"])
    assert other["top1"] < one["top1"]


def test_equal_validation_goes_to_the_stronger_penalty(data):
    """Without any signal in the features every strength gives the same fit, and the tie goes to the strongest."""
    flat = data | {"train_features": torch.full((600, 4), 0.1), "test_features": torch.randn(400, 4)}
    record = probe(flat, {100: spread_positions(100)})[0]
    assert len(set(record["validation_accuracy"])) == 1
    assert record["strength"] == max(STRENGTHS)
    assert np.isfinite(record["top1"])  # zero variance was not divided by


def test_equal_validation_accuracy_goes_to_the_lower_log_loss(data):
    """Classes far apart: every strength is right on every held-out image, and the weakest penalty is the most certain of it."""
    apart = {key: torch.eye(CLASSES)[data[key.replace("features", "labels")]] if "features" in key else data[key] for key in data}
    record = probe(apart, {100: spread_positions(100)})[0]
    assert record["validation_accuracy"] == [100.0] * 3
    assert record["strength"] == min(STRENGTHS)


def test_tiny_subset_takes_the_middle_strength(data):
    labels = data["train_labels"].numpy()
    pair = np.array([np.flatnonzero(labels == 0)[0], np.flatnonzero(labels == 1)[0]])
    record = probe(data, {2: pair})[0]
    assert record["strength"] == 1e-2
    assert record["validation_accuracy"] is None
    assert any("middle strength" in note for note in record["notes"])
    assert any("4 of 6 classes have no label" in note for note in record["notes"])
    assert set(record["predictions"].tolist()) <= {0, 1}


def test_validation_that_leaves_one_class_takes_the_middle_strength(data):
    labels = data["train_labels"].numpy()
    few = np.sort(np.concatenate([np.flatnonzero(labels == 0)[:1], np.flatnonzero(labels == 1)[:2]]))
    notes = [probe(data, {3: few}, validation_fraction=0.6, seed=seed)[0]["notes"] for seed in range(3)]
    assert all(any("of one class: the middle strength 0.01" in note for note in each) for each in notes)


def test_top5_of_few_classes_is_over_all_of_them(data):
    low = [part < 3 for part in (data["train_labels"], data["test_labels"])]
    small = {key: value[low[0] if key.startswith("train") else low[1]] for key, value in data.items()}
    record = probe(small, {100: np.arange(100)}, num_classes=3, level_table=TABLE[:3])[0]
    assert record["top5"] == 100


@pytest.mark.parametrize(
    ("subsets", "message"),
    [
        ({700: np.arange(700)}, "label size 700 is above the 600 training labels"),
        ({100: np.arange(90)}, "label size 100: 90 positions"),
        ({2: np.array([0, 600])}, "positions 0 to 600, but there are 600"),
        ({3: np.array([0, 1, 1])}, "1 of its positions are repeated"),
        ({2: np.array([0.0, 1.0])}, "must be integers"),
        ({0: np.array([], int)}, "label size 0"),
    ],
)
def test_refuses_bad_subsets(data, subsets, message):
    with pytest.raises(ValueError, match=message):
        probe(data, subsets)


def test_refuses_one_class(data):
    ones = np.flatnonzero(data["train_labels"].numpy() == 1)[:10]
    with pytest.raises(ValueError, match="label size 10: all its labels are of class 1"):
        probe(data, {10: ones})


def test_refuses_bad_features_and_tables(data):
    subsets = {100: spread_positions(100)}
    spoiled = data["test_features"].clone()
    spoiled[[1, 5, 9], 2] = float("nan")
    with pytest.raises(ValueError, match="test_features: 3 of 400 rows"):
        probe(data | {"test_features": spoiled}, subsets)
    with pytest.raises(ValueError, match="width 16, test_features 15"):
        probe(data | {"test_features": torch.zeros(400, 15)}, subsets)
    with pytest.raises(ValueError, match=r"test_labels must be \(400,\)"):
        probe(data | {"test_labels": data["test_labels"][1:]}, subsets)
    with pytest.raises(ValueError, match=r"train_labels must lie in \[0, 3\)"):
        probe(data, subsets, num_classes=3)
    with pytest.raises(ValueError, match="missing from the granularity table of 5"):
        probe(data, subsets, level_table=TABLE[:5])
    with pytest.raises(ValueError, match="level_names"):
        probe(data, subsets, level_names=NAMES[:2])
    with pytest.raises(ValueError, match="strengths"):
        probe(data, subsets, strengths=[0.1, 0.1])
    with pytest.raises(ValueError, match="validation_fraction"):
        probe(data, subsets, validation_fraction=1.0)
