"""Weighted nearest neighbours among stored features: ours, lightly's and scikit-learn's.

20,000 training and 1,000 test features of width 512 around 100 centres, 200 neighbours, votes
weighted by exp(cosine / 0.07). Ours also makes the record of an evaluation (top-5, intervals,
levels). All get normalised float32 features and have as many threads.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from bounds import matrix_rate
from threadpoolctl import threadpool_limits
from timing import bounded, race, rows

from fourlenses.evaluation.probes.contract import LabelledFeatures
from fourlenses.evaluation.probes.knn import knn
from fourlenses.metrics.label_levels import LabelLevels

TRAIN, TEST, WIDTH, CLASSES, NEIGHBOURS, TEMPERATURE = 20_000, 1_000, 512, 100, 200, 0.07


def measure(rounds: int, seconds: float, cores: int) -> Iterator[dict]:
    torch.set_num_threads(cores)
    generator = np.random.default_rng(0)
    centres = generator.normal(size=(CLASSES, WIDTH))
    y, y_test = (generator.integers(0, CLASSES, count) for count in (TRAIN, TEST))
    x, x_test = (
        _directions(centres[labels] + 3.5 * generator.normal(size=(len(labels), WIDTH)))
        for labels in (y, y_test)
    )
    found: dict[str, np.ndarray] = {}

    def ours() -> np.ndarray:
        (result,) = knn(
            LabelledFeatures(x, y),
            LabelledFeatures(x_test, y_test),
            {"all": np.arange(TRAIN)},
            levels=LabelLevels.of_classes(CLASSES),
            knn_k=[NEIGHBOURS],
            temperature=TEMPERATURE,
        )
        return result.report.predictions

    def lightly() -> np.ndarray:
        from lightly.utils.benchmarking import knn_predict

        bank, labels = torch.from_numpy(x.T.copy()), torch.from_numpy(y)
        parts = torch.from_numpy(x_test).split(256)
        return torch.cat(
            [
                knn_predict(part, bank, labels, CLASSES, NEIGHBOURS, TEMPERATURE)[:, 0]
                for part in parts
            ]
        ).numpy()

    def scikit_learn() -> np.ndarray:
        from sklearn.neighbors import KNeighborsClassifier

        def votes(distances: np.ndarray) -> np.ndarray:
            return np.exp((1 - distances) / TEMPERATURE)

        model = KNeighborsClassifier(
            NEIGHBOURS, weights=votes, algorithm="brute", metric="cosine", n_jobs=cores
        )
        return model.fit(x, y).predict(x_test)

    def timed(name: str, work: Callable[[], np.ndarray]) -> Callable[[], int]:
        def run() -> int:
            found[name] = work()
            return TEST

        return run

    contestants = {
        "ours": ours,
        "lightly, knn_predict": lightly,
        "scikit-learn, KNeighborsClassifier": scikit_learn,
    }
    import sklearn.neighbors  # noqa: F401 - before its threads are counted

    with threadpool_limits(cores):
        results = race(
            {name: timed(name, work) for name, work in contestants.items()}, rounds, seconds
        )
    title = f"kNN, {TRAIN:,} features of width {WIDTH}, {NEIGHBOURS} neighbours"
    first, *rest = rows(title, "test images/s", results, {})
    bound = matrix_rate(cores) / (2 * TRAIN * WIDTH)
    yield bounded(
        first,
        bound,
        f"the similarities' multiplications at the rate of a matrix product on {cores} threads",
    )
    for row in rest:
        same = float((found[row["who"]] == found["ours"]).mean())
        yield row | {
            "same_predictions": same,
            "note": f"{row['who']}: {same:.1%} of the predictions are ours.",
        }


def _directions(x: np.ndarray) -> np.ndarray:
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
