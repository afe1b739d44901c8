"""The linear probe: its numbers, its choice of L2, its rules for odd subsets, its refusals."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from fourlenses.core.randomness import named_seed, permutation
from fourlenses.evaluation.probes.contract import LabelledFeatures
from fourlenses.evaluation.probes.linear_probe import linear_probe
from fourlenses.metrics.label_levels import LabelLevels
from fourlenses.metrics.statistics import wilson_interval
from tests.helpers.results import flat

L2 = [1e-3, 1e-2, 1e-1]
CLASSES = 6
TABLE = np.stack([np.arange(CLASSES) // 4, np.arange(CLASSES) // 2, np.arange(CLASSES)], 1)
NAMES = ["family", "genus", "species"]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((CLASSES, 16))
    labels = rng.integers(0, CLASSES, 1000)
    features = (centres[labels] + 1.5 * rng.standard_normal((1000, 16))).astype(
        np.float32
    ) * np.arange(1, 17, dtype=np.float32) + 5
    return {
        "train_features": torch.tensor(features[:600]),
        "train_labels": torch.tensor(labels[:600]),
        "test_features": torch.tensor(features[600:]),
        "test_labels": torch.tensor(labels[600:]),
    }


def probe(data, subsets, *, table=TABLE, names=NAMES, **changes):
    """The results, flat."""
    train, test = (
        LabelledFeatures(data[f"{part}_features"], data[f"{part}_labels"])
        for part in ("train", "test")
    )
    arguments = {
        "l2": L2,
        "validation_fraction": 0.2,
        "seed": 3,
        "levels": LabelLevels(names, table),
    }
    return [flat(result) for result in linear_probe(train, test, subsets, **arguments | changes)]


def spread_positions(size):
    return np.arange(600)[:: 600 // size][:size]


def without(record, *keys):
    return {key: value for key, value in record.items() if key not in keys}


def test_reproduces_the_protocol_with_scikit_learn(data):
    """The whole protocol once more, step by step, with scikit-learn's solver."""
    (record,) = probe(data, {"300": spread_positions(300)})
    x, y = data["train_features"].numpy()[::2].astype(float), data["train_labels"].numpy()[::2]
    mean, std = x.mean(0), x.std(0)
    x, x_test = (x - mean) / std, (data["test_features"].numpy() - mean) / std
    order = permutation(300, named_seed(3, "validation"))
    held_out, rest = order[:60], order[60:]
    validation = []
    for l2 in L2:
        model = LogisticRegression(C=1 / (len(rest) * l2), tol=1e-8, max_iter=2000).fit(
            x[rest], y[rest]
        )
        validation.append(100 * model.score(x[held_out], y[held_out]))
    assert record["validation_accuracy"] == pytest.approx(validation, abs=100.5 / 60)
    model = LogisticRegression(C=1 / (300 * record["l2"]), tol=1e-8, max_iter=2000).fit(x, y)
    expected = model.predict(x_test)
    assert (record["predictions"] == expected).mean() >= 0.997
    assert record["top1"] == pytest.approx(
        100 * (expected == data["test_labels"].numpy()).mean(), abs=0.3
    )
    fifth = np.argsort(-model.decision_function(x_test), 1)[:, :5]
    top5 = 100 * (fifth == data["test_labels"].numpy()[:, None]).any(1).mean()
    assert record["top5"] == pytest.approx(top5, abs=0.3)
    probabilities = model.predict_proba(x_test)
    assert record["log_loss"] == pytest.approx(
        log_loss(data["test_labels"].numpy(), probabilities), abs=1e-3
    )
    same = record["predictions"] == expected
    np.testing.assert_allclose(record["confidences"][same], probabilities.max(1)[same], atol=2e-3)
    assert record["l2"] in L2
    assert record["n_validation"] == 60
    assert record["notes"] == []
    assert record["gradient_norm"] <= 1e-5


def test_records_hold_consistent_numbers(data):
    records = probe(
        data,
        {
            "600": spread_positions(600),
            "60": spread_positions(60),
            "200_draw1": spread_positions(200),
        },
    )
    assert [record["subset"] for record in records] == ["600", "60", "200_draw1"]  # as given
    assert [record["label_size"] for record in records] == [600, 60, 200]
    assert records[0]["top1"] > records[1]["top1"]
    for record in records:
        assert record["predictions"].dtype == np.uint16
        right = int((record["predictions"] == data["test_labels"].numpy()).sum())
        assert record["n_test"] == 400
        assert record["top1"] == 100 * right / 400
        assert (record["top1_low"], record["top1_high"]) == wilson_interval(right, 400)
        finest = record["levels"]["species"]
        assert (finest.top1, finest.low, finest.high) == (
            record["top1"],
            record["top1_low"],
            record["top1_high"],
        )
        coarse = TABLE[record["predictions"], 1] == TABLE[data["test_labels"].numpy(), 1]
        assert record["levels"]["genus"].top1 == 100 * coarse.mean()
        assert record["levels"]["family"].top1 >= record["levels"]["genus"].top1 >= record["top1"]
        assert record["top5"] >= record["top1"]
        assert record["confidences"].dtype == np.float16
        assert record["confidences"].shape == (400,)
        assert (record["confidences"] > 1 / CLASSES - 1e-3).all()
        assert (record["confidences"] <= 1).all()
        best = max(record["validation_accuracy"])
        assert record["validation_accuracy"][L2.index(record["l2"])] == best
        assert set(record["solver"]) == {
            "resident",
            "rotated",
            "history",
            "curvature_axes",
            "sample",
        }
        assert set(record["timing"]) == {"standardise", "select", "refit", "test"}


def test_numbers_are_reproducible_whatever_the_order_or_company(data):
    record = probe(data, {"100": spread_positions(100)})[0]
    other = probe(
        data,
        {"50": spread_positions(50), "100": spread_positions(100)[::-1]},
        l2=L2[::-1],
    )[1]
    np.testing.assert_equal(without(record, "timing"), without(other, "timing"))
    seeds = [
        probe(data, {"100": spread_positions(100)}, seed=seed)[0]["validation_accuracy"]
        for seed in range(4)
    ]
    assert len({tuple(accuracies) for accuracies in seeds}) > 1


def test_test_labels_do_not_influence_the_choice(data):
    record = probe(data, {"100": spread_positions(100)})[0]
    other = probe(
        data | {"test_labels": data["test_labels"].roll(1)}, {"100": spread_positions(100)}
    )[0]
    assert other["l2"] == record["l2"]
    np.testing.assert_array_equal(other["predictions"], record["predictions"])
    assert other["top1"] < record["top1"]


def test_equal_validation_goes_to_the_stronger_penalty(data):
    """Without any signal every strength gives the same fit: the tie goes to the strongest."""
    flat = data | {
        "train_features": torch.full((600, 4), 0.1),
        "test_features": torch.randn(400, 4),
    }
    record = probe(flat, {"100": spread_positions(100)})[0]
    assert len(set(record["validation_accuracy"])) == 1
    assert record["l2"] == max(L2)
    assert np.isfinite(record["top1"])  # zero variance was not divided by


def test_equal_validation_accuracy_goes_to_the_lower_log_loss(data):
    """Classes far apart: every strength is right everywhere, the weakest penalty most certain."""
    apart = {
        key: torch.eye(CLASSES)[data[key.replace("features", "labels")]]
        if "features" in key
        else data[key]
        for key in data
    }
    record = probe(apart, {"100": spread_positions(100)})[0]
    assert record["validation_accuracy"] == [100.0] * 3
    assert record["l2"] == min(L2)


def test_tiny_subset_takes_the_middle_strength(data):
    labels = data["train_labels"].numpy()
    pair = np.array([np.flatnonzero(labels == 0)[0], np.flatnonzero(labels == 1)[0]])
    record = probe(data, {"2": pair})[0]
    assert record["l2"] == 1e-2
    assert record["validation_accuracy"] is None
    assert any("middle L2 strength" in note for note in record["notes"])
    assert any("4 of 6 classes have no label" in note for note in record["notes"])
    assert set(record["predictions"].tolist()) <= {0, 1}
    # infinite: test images are of classes that have no label
    assert record["log_loss"] is None


def test_validation_that_leaves_one_class_takes_the_middle_strength(data):
    labels = data["train_labels"].numpy()
    few = np.sort(
        np.concatenate([np.flatnonzero(labels == 0)[:1], np.flatnonzero(labels == 1)[:2]])
    )
    notes = [
        probe(data, {"3": few}, validation_fraction=0.6, seed=seed)[0]["notes"] for seed in range(3)
    ]
    assert all(
        any("of one class: the middle L2 strength 0.01" in note for note in each) for each in notes
    )


def test_top5_of_few_classes_is_over_all_of_them(data):
    low = [part < 3 for part in (data["train_labels"], data["test_labels"])]
    small = {
        key: value[low[0] if key.startswith("train") else low[1]] for key, value in data.items()
    }
    record = probe(small, {"100": np.arange(100)}, table=TABLE[:3])[0]
    assert record["top5"] == 100


@pytest.mark.parametrize(
    ("subsets", "message"),
    [
        ({"700": np.arange(700)}, "subset '700': its 700 labels are above the 600 training labels"),
        ({"x": np.array([0, 600])}, "subset 'x': positions 0 to 600, but there are 600"),
        ({"x": np.array([-1, 5])}, "subset 'x': positions -1 to 5"),
        ({"x": np.array([0, 1, 1])}, "1 of its positions are repeated"),
        ({"x": np.array([0.0, 1.0])}, "must be integers"),
        ({"x": np.array([[0, 1]])}, "must be integers"),
        ({"x": np.array([], int)}, "subset 'x': positions must be integers"),
    ],
)
def test_refuses_bad_subsets(data, subsets, message):
    with pytest.raises(ValueError, match=message):
        probe(data, subsets)


def test_refuses_one_class(data):
    ones = np.flatnonzero(data["train_labels"].numpy() == 1)[:10]
    with pytest.raises(ValueError, match="subset '10': all its 10 labels are of class 1"):
        probe(data, {"10": ones})


def test_refuses_bad_features_and_tables(data):
    subsets = {"100": spread_positions(100)}
    spoiled = data["test_features"].clone()
    spoiled[[1, 5, 9], 2] = float("nan")
    with pytest.raises(
        ValueError,
        match=r"test_features: 3 of 400 rows hold NaN or infinite values \(rows 1, 5, 9\)",
    ):
        probe(data | {"test_features": spoiled}, subsets)
    spoiled = data["train_features"].clone()
    spoiled[spread_positions(100)[[3, 8]], 2] = float("inf")
    spoiled[7] = float("nan")  # of no subset: nobody reads it
    with pytest.raises(ValueError, match=r"train_features: 2 of 100 rows .* \(rows 18, 48\)"):
        probe(data | {"train_features": spoiled}, subsets)
    with pytest.raises(ValueError, match=r"floating-point numbers, not torch\.int64"):
        probe(data | {"train_features": spoiled.nan_to_num(0, 0, 0).long()}, subsets)
    with pytest.raises(
        ValueError, match="the target has 1 class: a linear classifier needs at least 2"
    ):
        probe(data, subsets, table=TABLE[:1])
    with pytest.raises(ValueError, match="MiB besides the features, but its memory is 0 MiB"):
        probe(data, subsets, memory=1000)
    with pytest.raises(ValueError, match="width 16, test_features 15"):
        probe(data | {"test_features": torch.zeros(400, 15)}, subsets)
    with pytest.raises(ValueError, match=r"test_labels must be \(400,\)"):
        probe(data | {"test_labels": data["test_labels"][1:]}, subsets)
    with pytest.raises(ValueError, match=r"train_labels must lie in \[0, 3\)"):
        probe(data, subsets, table=TABLE[:3])
    holed = TABLE.copy()
    holed[5, 1] = -1
    with pytest.raises(ValueError, match="missing from the granularity table of 6 fine classes: 5"):
        probe(data, subsets, table=holed)
    with pytest.raises(ValueError, match="level_names"):
        probe(data, subsets, names=NAMES[:2])
    with pytest.raises(ValueError, match="'l2' must be different"):
        probe(data, subsets, l2=[0.1, 0.1])
    with pytest.raises(ValueError, match="validation_fraction"):
        probe(data, subsets, validation_fraction=1.0)


@pytest.mark.parametrize("kind", ["memmap", "float16", "float64"])
def test_features_in_any_form_give_the_same_numbers(data, kind, tmp_path):
    subsets = {"100": spread_positions(100), "600": spread_positions(600)}
    half = {key: value.half() if "features" in key else value for key, value in data.items()}
    expected = probe(
        {key: value.float() if "features" in key else value for key, value in half.items()}, subsets
    )
    if kind == "memmap":
        for key in ("train_features", "test_features"):
            np.save(tmp_path / f"{key}.npy", half[key].numpy())
            half[key] = np.load(tmp_path / f"{key}.npy", mmap_mode="r")
    elif kind == "float64":
        half = {key: value.double() if "features" in key else value for key, value in half.items()}
    for one, other in zip(expected, probe(half, subsets), strict=True):
        np.testing.assert_equal(without(one, "timing"), without(other, "timing"))


def test_little_memory_gives_the_same_classifier(data):
    """Features read again at each evaluation, the smallest history, curvature from a sample."""
    subsets = {"600": spread_positions(600)}
    roomy, tight = probe(data, subsets)[0], probe(data, subsets, memory=28_000)[0]
    assert roomy["solver"]["resident"]
    assert not tight["solver"]["resident"]
    assert tight["solver"]["sample"] < 600
    assert tight["gradient_norm"] <= 1e-5
    assert tight["l2"] == roomy["l2"]
    assert tight["log_loss"] == pytest.approx(roomy["log_loss"], abs=1e-4)
    assert (tight["predictions"] == roomy["predictions"]).mean() >= 0.997


# Run by itself: fits a memmap under a limit on what it may allocate beyond what it had once its
# libraries were warm.
LIMITED = """
import re, resource, sys
from pathlib import Path
import numpy as np, torch
from fourlenses.evaluation.probes.contract import LabelledFeatures
from fourlenses.evaluation.probes.linear_probe import linear_probe
from fourlenses.metrics.label_levels import LabelLevels
torch.set_num_threads(1)
folder, memory, more = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
x, y = np.load(folder + "/x.npy", mmap_mode="r"), np.load(folder + "/y.npy")
def probe(rows):
    train, test = LabelledFeatures(x[:rows], y[:rows]), LabelledFeatures(x[:500], y[:500])
    settings = {"l2": [0.1, 1.0], "validation_fraction": 0.2, "seed": 0, "memory": memory}
    return linear_probe(
        train, test, {"all": np.arange(rows)}, levels=LabelLevels.of_classes(5), **settings
    )[0]
probe(1000)
held = 1024 * int(re.search(r"VmData:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
resource.setrlimit(resource.RLIMIT_DATA, (held + more,) * 2)
result = probe(len(x))
details = result.details
print(details["gradient_norm"], result.report.top1, details["solver"]["resident"])
"""


def limited(folder, memory, more):
    return subprocess.run(
        [sys.executable, "-c", LIMITED, str(folder), str(memory), str(more)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_memmap_larger_than_the_memory_granted(tmp_path):
    """117 MiB as float32, of which 96 MiB may be allocated.

    That is 8 MiB granted, the blocks and what malloc keeps. A grant of 1 GiB breaks it.
    """
    rng = np.random.default_rng(0)
    centres, y = rng.standard_normal((5, 256)), rng.integers(0, 5, 120_000)
    np.save(
        tmp_path / "x.npy",
        (centres[y] + 4 * rng.standard_normal((len(y), 256), np.float32)).astype(np.float16),
    )
    np.save(tmp_path / "y.npy", y)
    done = limited(tmp_path, 2**23, 96 * 2**20)
    assert done.returncode == 0, done.stderr
    norm, top1, resident = done.stdout.split()
    assert float(norm) <= 1e-5
    assert float(top1) > 95
    assert resident == "False"
    assert "memory" in limited(tmp_path, 2**30, 96 * 2**20).stderr.lower()


def test_a_choice_at_an_end_of_the_grid_is_noted(data):
    """All strengths but the best are taken away on one side of it, or on both."""
    subsets = {"300": spread_positions(300)}
    (free,) = probe(data, subsets)
    best = L2.index(free["l2"])
    assert 0 < best < len(L2) - 1
    for l2, end in ((L2[best:], "weakest"), (L2[: best + 1], "strongest")):
        (record,) = probe(data, subsets, l2=l2)
        assert record["notes"] == [
            f"L2 strength {free['l2']:g} is the {end} of 'l2': a better one may lie beyond"
        ]
    (record,) = probe(data, subsets, l2=[free["l2"]])
    assert (record["notes"], record["validation_accuracy"], record["n_validation"]) == ([], None, 0)
    assert record["top1"] == pytest.approx(free["top1"], abs=0.3)
