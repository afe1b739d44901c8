"""Nearest neighbours against other implementations and a slow loop, whatever the blocks."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lightly.utils.benchmarking.knn import knn_predict
from sklearn.neighbors import KNeighborsClassifier

from fourlenses.core.errors import UserError
from fourlenses.evaluation.probes import knn as module
from fourlenses.evaluation.probes.contract import LabelledFeatures
from fourlenses.evaluation.probes.knn import knn
from fourlenses.metrics.label_levels import LabelLevels
from fourlenses.metrics.neighbours import GROUPED_FROM, nearest, scaled_k
from fourlenses.metrics.statistics import wilson_interval
from tests.helpers.results import flat

CLASSES = 7
TABLE = np.stack([np.arange(CLASSES) // 3, np.arange(CLASSES)], 1)
SUBSETS = {"50": np.arange(0, 300, 6), "all": np.arange(300), "other": np.arange(299, 0, -2)}


@pytest.fixture(scope="module")
def data():
    """Training images sorted by class, as they lie in folders."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((CLASSES, 24))
    train_labels, test_labels = (
        np.sort(rng.integers(0, CLASSES, 300)),
        rng.integers(0, CLASSES, 130),
    )
    train, test = (
        centres[y] + 2 * rng.standard_normal((len(y), 24)) for y in (train_labels, test_labels)
    )
    return {
        "train_features": train.astype(np.float16),
        "train_labels": train_labels,
        "test_features": test.astype(np.float32),
        "test_labels": test_labels,
    }


LEVELS = LabelLevels(["kind", "class"], TABLE)


def run(data, subsets=SUBSETS, knn_k=(20,), *, levels=LEVELS, **changes):
    """The results, flat."""
    train, test = (
        LabelledFeatures(data[f"{part}_features"], data[f"{part}_labels"])
        for part in ("train", "test")
    )
    results = knn(train, test, subsets, levels=levels, knn_k=knn_k, **changes)
    return [flat(result) for result in results]


@pytest.fixture(params=[(2048, 8192, 256), (37, 23, 5), (130, 1, 130)], ids=str)
def blocks(request, monkeypatch):
    monkeypatch.setattr(module, "BLOCK_ROWS", {"cpu": request.param[:2]})
    monkeypatch.setattr(module, "PART_ROWS", {"cpu": request.param[2]})


@pytest.mark.parametrize("k", [1, 20, 40])
@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_predictions_are_scikit_learns(data, blocks, k, temperature):
    for record in run(data, knn_k=[k], temperature=temperature):
        chosen = np.sort(SUBSETS[record["subset"]])
        x, y = data["train_features"][chosen].astype(float), data["train_labels"][chosen]
        votes = KNeighborsClassifier(
            k, metric="cosine", weights=lambda distances: np.exp((1 - distances) / temperature)
        ).fit(x, y)
        shares = np.zeros((130, CLASSES))
        shares[:, votes.classes_] = votes.predict_proba(data["test_features"].astype(float))
        assert np.array_equal(record["predictions"], shares.argmax(1))
        assert record["top1"] == pytest.approx(
            100 * np.mean(shares.argmax(1) == data["test_labels"])
        )
        true = shares[np.arange(130), data["test_labels"]]
        in_top5 = ((shares > true[:, None]).sum(1) < 5) & (true > 0)
        assert record["top5"] == pytest.approx(100 * in_top5.mean())


def test_predictions_are_lightlys(data):
    """The code that MoCo's notebook and lightly share."""
    (record,) = run(data, {"all": np.arange(300)}, [30], temperature=0.1)
    unit = [
        torch.nn.functional.normalize(torch.tensor(data[name]).float(), dim=1)
        for name in ("test_features", "train_features")
    ]
    ranked = knn_predict(
        unit[0], unit[1].T, torch.tensor(data["train_labels"]), CLASSES, knn_k=30, knn_t=0.1
    )
    assert np.array_equal(record["predictions"], ranked[:, 0].numpy())


def test_records_hold_consistent_numbers(data):
    records = run(data, knn_k=[20, 5])
    assert [(r["subset"], r["label_size"], r["k"]) for r in records] == [
        (name, len(positions), k) for name, positions in SUBSETS.items() for k in (20, 5)
    ]
    for record in records:
        right = record["predictions"] == data["test_labels"]
        assert record["n_test"] == 130
        assert (record["top1_low"], record["top1_high"]) == wilson_interval(int(right.sum()), 130)
        assert record["levels"]["class"].top1 == record["top1"] < record["levels"]["kind"].top1
        assert record["top5"] > record["top1"]
        assert record["predictions"].dtype == np.uint16
        assert record["temperature"] == 0.07
        assert record["log_loss"] is None
        assert 0 < record["ece"] < 100
        assert record["notes"] == []
        assert set(record["timing"]) == {"neighbours", "vote"}
    alone = run(data, {"all": SUBSETS["all"]}, [5])[0]
    company = next(r for r in records if (r["subset"], r["k"]) == ("all", 5))
    np.testing.assert_equal({**alone, "timing": None}, {**company, "timing": None})
    tensors = {
        name: torch.tensor(value) if "features" in name else value for name, value in data.items()
    }
    np.testing.assert_equal(
        {**run(tensors, {"all": SUBSETS["all"]}, [5])[0], "timing": None}, {**alone, "timing": None}
    )


def test_more_neighbours_than_images_are_clamped_and_what_is_special_is_noted(data):
    few = np.flatnonzero(data["train_labels"] < 2)[::20]
    record = run(data, {"few": few}, [200])[0]
    assert (
        record["notes"][0]
        == f"200 neighbours were asked for, but there are {len(few)} labelled images: all of them "
        "vote"
    )
    assert record["notes"][1].startswith("5 of 7 classes have no label")
    assert np.array_equal(
        record["predictions"], run(data, {"few": few}, [len(few)])[0]["predictions"]
    )
    single = run(data, {"all": SUBSETS["all"]}, [1])[0]
    assert "top5 is over the at most 1 classes" in single["notes"][0]
    assert single["top5"] == single["top1"]  # a class that nobody votes for is not named
    assert run(data, {}) == []


# Vectors of four ones in eight places have length 2, so similarities are multiples of 1/4 and ties
# are exact
ones = st.sets(st.integers(0, 7), min_size=4, max_size=4).map(
    lambda places: [float(i in places) for i in range(8)]
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(ones, st.integers(0, 3)), min_size=3, max_size=30),
    st.lists(ones, min_size=1, max_size=8),
    st.integers(1, 12),
    st.tuples(st.integers(1, 9), st.integers(1, 31)),
    st.data(),
)
def test_ties_go_to_the_lower_position_and_the_lower_class(train, test, k, blocks, draw):
    features, labels = (np.array(part) for part in zip(*train, strict=True))
    labels[:2] = 0, 1  # two classes at least
    positions = np.array(
        draw.draw(st.sets(st.integers(2, len(labels) - 1)).map(lambda more: sorted({0, 1, *more})))
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK_ROWS", {"cpu": blocks})
        subsets = {"some": positions, "all": np.arange(len(labels))}
        data = {
            "train_features": features,
            "train_labels": labels,
            "test_features": np.array(test),
            "test_labels": np.zeros(len(test), int),
        }
        records = run(data, subsets, [k], levels=LabelLevels.of_classes(4), temperature=1.0)
    for record in records:
        members = subsets[record["subset"]]
        for row, predicted in zip(test, record["predictions"], strict=True):
            similarity = features[members] @ np.array(row) / 4
            chosen = sorted(range(len(members)), key=lambda i: (-similarity[i], i))[:k]
            votes = np.zeros(4)
            for i in chosen:
                votes[labels[members[i]]] += np.exp(similarity[i] - similarity[chosen[0]])
            # equal up to the order of summation counts as equal here
            assert votes[predicted] == pytest.approx(votes.max(), rel=1e-12)
            if (votes > votes.max() * (1 - 1e-12)).sum() == 1:
                assert predicted == votes.argmax()


@given(
    st.lists(st.lists(st.integers(0, 3), min_size=6, max_size=6), min_size=1, max_size=8),
    st.integers(1, 7),
)
def test_nearest_is_a_stable_sort(rows, count):
    values = torch.tensor(rows, dtype=torch.float32)
    largest, columns = nearest(values, count)
    order = np.argsort(-values.numpy(), 1, kind="stable")[:, :count]
    assert np.array_equal(columns.numpy(), order)
    assert np.array_equal(largest.numpy(), np.take_along_axis(values.numpy(), order, 1))


@given(st.integers(0, 999), st.integers(1, 3), st.integers(0, 40), st.sampled_from([4, 40, 4000]))
def test_nearest_by_groups_is_a_stable_sort(seed, count, more, different):
    """With few different values, the largest stand in groups taken and in groups left out."""
    width = GROUPED_FROM * count + more
    values = np.random.default_rng(seed).integers(0, different, (6, width)).astype(np.float32)
    largest, columns = nearest(torch.from_numpy(values), count)
    order = np.argsort(-values, 1, kind="stable")[:, :count]
    assert np.array_equal(columns.numpy(), order)
    assert np.array_equal(largest.numpy(), np.take_along_axis(values, order, 1))


def test_long_vectors_are_no_infinite_ones(data):
    """Their length overflows; the values are finite, so nothing is refused."""
    long = data["train_features"].astype(np.float32)
    long[3] *= 1e25
    (record,) = run({**data, "train_features": long}, {"all": SUBSETS["all"]})
    assert record["n_test"] == 130


class OnDisk:
    """Features that note which rows are asked for, and how many at a time."""

    def __init__(self, features):
        self.features, self.asked, self.most = features, set(), 0
        self.ndim, self.shape, self.dtype = 2, features.shape, features.dtype

    def __len__(self):
        return len(self.features)

    def __getitem__(self, rows):
        rows = np.arange(len(self))[rows]
        self.asked |= set(rows.tolist())
        self.most = max(self.most, len(rows))
        return self.features[rows]


def test_features_are_read_by_blocks_and_only_where_needed(data, monkeypatch):
    monkeypatch.setattr(module, "BLOCK_ROWS", {"cpu": (40, 16)})
    watched = {name: OnDisk(value) if "features" in name else value for name, value in data.items()}
    records = run(watched, {"50": SUBSETS["50"]})
    assert watched["train_features"].asked == set(SUBSETS["50"].tolist())
    assert watched["train_features"].most == 16
    assert watched["test_features"].most == 40
    assert np.array_equal(
        records[0]["predictions"], run(data, {"50": SUBSETS["50"]})[0]["predictions"]
    )


def test_a_file_of_half_precision_features(tmp_path, data):
    np.save(tmp_path / "train.npy", data["train_features"])
    mapped = np.load(tmp_path / "train.npy", mmap_mode="r")
    expected, from_file = run(data)[1], run({**data, "train_features": mapped})[1]
    np.testing.assert_equal({**from_file, "timing": None}, {**expected, "timing": None})


def test_refusals(data):
    spoiled = data["train_features"].copy()
    spoiled[[41, 43], 3] = np.inf
    for changes, message in (
        (
            {"train_features": spoiled},
            "train_features: 2 of rows 0 to 299 hold NaN or infinite values",
        ),
        (
            {"test_features": data["test_features"][:, :5]},
            "train_features have width 24, test_features 5",
        ),
        ({"test_features": data["test_features"][0]}, r"test_features must be \(N, D\)"),
        (
            {"test_labels": data["test_labels"][1:]},
            r"test_labels must be \(130,\) as test_features are, not \(129,\)",
        ),
        (
            {"train_labels": data["train_labels"] + 1},
            r"train_labels must lie in \[0, 7\), found 1 to 7",
        ),
    ):
        with pytest.raises(UserError, match=message):
            run({**data, **changes})
    for knn_k in ([], [0], [5, 5]):
        with pytest.raises(UserError, match="'knn_k' must be different whole numbers above 0"):
            run(data, knn_k=knn_k)
    with pytest.raises(UserError, match="temperature must be positive"):
        run(data, temperature=0)
    with pytest.raises(UserError, match="1 of its positions are repeated"):
        run(data, {"twice": np.array([1, 1, 200])})


@pytest.mark.parametrize(
    ("most", "labels", "count"),
    [
        (200, 50_000, 200),
        (200, 40_000, 200),
        (200, 3_000, 55),
        (200, 500, 22),
        (200, 400, 20),
        (200, 12, 5),
        (3, 400, 3),
        (20, 50_000, 20),
    ],
)
def test_neighbours_scale_with_the_square_root_of_the_labels(most, labels, count):
    assert scaled_k(most, labels) == count


def test_each_subset_has_neighbours_of_its_own_number(data):
    subsets = {
        "few": np.arange(0, len(data["train_labels"]), 9),
        "all": np.arange(len(data["train_labels"])),
    }
    records = run(data, subsets, [200], scaled=True)
    assert [record["k"] for record in records] == [
        scaled_k(200, len(rows)) for rows in subsets.values()
    ]
    for record in records:
        (alone,) = run(data, {record["subset"]: subsets[record["subset"]]}, [record["k"]])
        assert np.array_equal(record["predictions"], alone["predictions"])
        assert record["top5"] == alone["top5"]
