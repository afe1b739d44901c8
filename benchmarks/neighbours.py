"""Weighted nearest neighbours among stored features: ours, lightly's, faiss's and scikit-learn's.

20,000 training and 1,000 test features of width 512 around 100 centres, 200 neighbours, votes
weighted by exp(cosine / 0.07). Ours also makes the record of an evaluation (top-5, intervals,
levels). faiss finds the neighbours by its exact index; their votes are counted here. All get
normalised float32 features and have as many threads.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module

import numpy as np
import torch
from bounds import matrix_rate
from threadpoolctl import threadpool_limits
from timing import bounded, race, rows

from fourlenses.evaluation.probes.contract import LabelledFeatures
from fourlenses.evaluation.probes.knn import knn
from fourlenses.metrics.label_levels import LabelLevels

TRAIN, TEST, WIDTH, CLASSES, NEIGHBOURS, TEMPERATURE = 20_000, 1_000, 512, 100, 200, 0.07

BARS = {"lightly, knn_predict": 1.2}


@dataclass(frozen=True)
class Features:
    """Unit features, float32 (N, D) and (M, D), and their labels."""

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def drawn() -> Features:
    generator = np.random.default_rng(0)
    centres = generator.normal(size=(CLASSES, WIDTH))
    y, y_test = (generator.integers(0, CLASSES, count) for count in (TRAIN, TEST))
    x, x_test = (
        _directions(centres[labels] + 3.5 * generator.normal(size=(len(labels), WIDTH)))
        for labels in (y, y_test)
    )
    return Features(x, y, x_test, y_test)


def ours(features: Features) -> np.ndarray:
    (result,) = knn(
        LabelledFeatures(features.x, features.y),
        LabelledFeatures(features.x_test, features.y_test),
        {"all": np.arange(TRAIN)},
        levels=LabelLevels.of_classes(CLASSES),
        knn_k=[NEIGHBOURS],
        temperature=TEMPERATURE,
    )
    return result.report.predictions


def lightly(features: Features) -> np.ndarray:
    from lightly.utils.benchmarking import knn_predict

    bank, labels = torch.from_numpy(features.x.T.copy()), torch.from_numpy(features.y)
    parts = torch.from_numpy(features.x_test).split(256)
    ranked = [knn_predict(part, bank, labels, CLASSES, NEIGHBOURS, TEMPERATURE) for part in parts]
    return torch.cat([part[:, 0] for part in ranked]).numpy()


def faiss(features: Features, cores: int) -> np.ndarray:
    import faiss

    faiss.omp_set_num_threads(cores)
    index = faiss.IndexFlatIP(WIDTH)
    index.add(features.x)
    cosines, found = index.search(features.x_test, NEIGHBOURS)
    votes = np.exp((cosines - cosines[:, :1]).astype(float) / TEMPERATURE)
    places = np.arange(len(found))[:, None] * CLASSES + features.y[found]
    counted = np.bincount(places.ravel(), votes.ravel(), len(found) * CLASSES)
    return counted.reshape(-1, CLASSES).argmax(1)


def scikit_learn(features: Features, cores: int) -> np.ndarray:
    from sklearn.neighbors import KNeighborsClassifier

    def votes(distances: np.ndarray) -> np.ndarray:
        return np.exp((1 - distances) / TEMPERATURE)

    model = KNeighborsClassifier(
        NEIGHBOURS, weights=votes, algorithm="brute", metric="cosine", n_jobs=cores
    )
    return model.fit(features.x, features.y).predict(features.x_test)


def measure(rounds: int, seconds: float, cores: int) -> Iterator[dict]:
    """Rows of `timing.rows`; predictions of the peers are compared with ours."""
    torch.set_num_threads(cores)
    features, predicted = drawn(), {}

    def timed(name: str, work: Callable[[], np.ndarray]) -> Callable[[], int]:
        def run() -> int:
            predicted[name] = work()
            return TEST

        return run

    contestants = {
        "ours": lambda: ours(features),
        "lightly, knn_predict": lambda: lightly(features),
        "faiss, IndexFlatIP": lambda: faiss(features, cores),
        "scikit-learn, KNeighborsClassifier": lambda: scikit_learn(features, cores),
    }
    # before their threads are counted
    import_module("faiss")
    import_module("sklearn.neighbors")

    with threadpool_limits(cores):
        turns = {name: timed(name, work) for name, work in contestants.items()}
        results = race(turns, rounds, seconds)
    title = f"kNN, {TRAIN:,} features of width {WIDTH}, {NEIGHBOURS} neighbours"
    first, *rest = rows(title, "test images/s", results, bars=BARS)
    bound = matrix_rate(cores) / (2 * TRAIN * WIDTH)
    what = f"the similarities' multiplications at the rate of a matrix product on {cores} threads"
    yield bounded(first, bound, what)
    for row in rest:
        same = float((predicted[row["who"]] == predicted["ours"]).mean())
        yield row | {
            "same_predictions": same,
            "note": f"{row['who']}: {same:.1%} of the predictions are ours.",
        }


def _directions(x: np.ndarray) -> np.ndarray:
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
