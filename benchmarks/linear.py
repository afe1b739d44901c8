"""Linear classification of frozen features: ours and scikit-learn's, on the same cores.

6 label sizes x 8 strengths x 3 draws of the labels. Both follow one protocol: standardise by the
subset, fit every strength on four fifths of it, choose by the accuracy on the rest (ties by its
log-loss), fit the whole subset again, score the test images once. scikit-learn gets float32
features, which it fits faster than float64, and stops at a largest gradient entry of 1e-5, at 1e-6
for the last fit: its default of 1e-4 leaves the log-loss of weak penalties tenths of a nat off.
Ours stops at a Euclidean norm of 1e-4 and 1e-5.
"""

import argparse
import json
import os
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits
from timing import Rates, rows

from fourlenses.core.files import read_json
from fourlenses.core.randomness import named_seed, permutation
from fourlenses.data import synthetic
from fourlenses.data.loading.resident import load_images
from fourlenses.data.manifest.manifest import hierarchy_of, read_manifest, rows_of
from fourlenses.evaluation.features.extract import extract_features
from fourlenses.evaluation.probes.contract import LabelledFeatures
from fourlenses.evaluation.probes.linear_probe import linear_probe
from fourlenses.metrics.label_levels import LabelLevels
from fourlenses.models.backbones import build_backbone
from fourlenses.models.weights import load_weights
from fourlenses.study.layout import ENCODER, RUN

L2 = np.logspace(-5, 0, 8).tolist()  # the range of config.yaml
FRACTION = 0.2
SIZES, DRAWS = 6, 3
TOLERANCES = (1e-5, 1e-6)
BAR = 10.0


@dataclass
class Features:
    """x (N, D) float32, y (N,) int64, of training and test images.

    Name says where they come from.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    @property
    def classes(self) -> int:
        return int(max(self.y.max(), self.y_test.max())) + 1


def real(dataset: Path, beton: str, encoder: Path) -> Features:
    """Features of a run's encoder (its folder) on a dataset's folder under data/."""
    settings = read_json(encoder / RUN)["settings"]
    network, _ = build_backbone(settings["backbone"], 0)
    load_weights(network, encoder / ENCODER)
    views = settings["hyperparameters"].get("views", [])
    recipe = settings["recipes"][views[0]] if views else {}
    manifest, parts = read_manifest(dataset / "manifest.parquet"), []
    assert hierarchy_of(manifest).num_classes > 1
    for split in ("train", "test"):
        images = load_images(
            dataset / beton,
            rows_of(manifest, split),
            settings["image_size"],
            dataset=dataset.name,
            workers=1,
        )
        parts += [
            extract_features(
                network,
                images.images,
                500,
                device="cpu",
                mean=recipe.get("mean"),
                std=recipe.get("std"),
            ).numpy(),
            images.labels,
        ]
    return Features(f"{dataset.name}, {settings['method']} encoder", *parts)


def drawn(train: int = 4000, test: int = 2000) -> Features:
    """Features of a network at its random start on synthetic images.

    What can be had without data.
    """
    network, _ = build_backbone("resnet_small", 0)
    images = np.stack([synthetic.draw("objects", 0, number) for number in range(train + test)])
    x = extract_features(
        network, torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), 500, device="cpu"
    ).numpy()
    y = synthetic.label("objects", 0, np.arange(train + test))
    return Features("synthetic images, random encoder", x[:train], y[:train], x[train:], y[train:])


def subsets(features: Features) -> list[dict[str, np.ndarray]]:
    """Of every draw, six sizes in equal ratios up to all labels, each within the next."""
    total = len(features.y)
    smallest = max(2 * features.classes, total // 32)
    sizes = np.unique(np.geomspace(smallest, total, SIZES).astype(int))
    draws = []
    for draw in range(DRAWS):
        order = permutation(total, named_seed(draw, "bench"))
        draws.append({str(size): np.sort(order[:size]) for size in sizes})
    return draws


def ours(features: Features, positions: np.ndarray, seed: int) -> dict:
    (result,) = linear_probe(
        LabelledFeatures(features.x, features.y),
        LabelledFeatures(features.x_test, features.y_test),
        {"": positions},
        levels=LabelLevels.of_classes(features.classes),
        l2=L2,
        validation_fraction=FRACTION,
        seed=seed,
    )
    scores = result.report
    return {"l2": result.details["l2"], "top1": scores.top1, "log_loss": scores.log_loss}


def scikit_learn(
    features: Features,
    positions: np.ndarray,
    seed: int,
    *,
    tolerances: tuple[float, float] = TOLERANCES,
) -> dict:
    def fit(x: np.ndarray, y: np.ndarray, *, l2: float, tolerance: float) -> LogisticRegression:
        return LogisticRegression(C=1 / (len(y) * l2), tol=tolerance, max_iter=5000).fit(x, y)

    x, y = features.x[positions], features.y[positions]
    mean, deviation = x.mean(0), x.std(0)
    deviation[deviation == 0] = 1
    x = (x - mean) / deviation
    order = permutation(len(y), named_seed(seed, "validation"))
    validation, training = np.split(order, [round(FRACTION * len(y))])
    ranked = []
    for l2 in L2:
        model = fit(x[training], y[training], l2=l2, tolerance=tolerances[0])
        ranked.append(
            (
                model.score(x[validation], y[validation]),
                -log_loss(model, x[validation], y[validation], classes=features.classes),
                l2,
            )
        )
    l2 = max(ranked)[-1]
    model = fit(x, y, l2=l2, tolerance=tolerances[1])
    x_test = (features.x_test - mean) / deviation
    loss = log_loss(model, x_test, features.y_test, classes=features.classes)
    return {
        "l2": l2,
        "top1": 100 * model.score(x_test, features.y_test),
        "log_loss": loss,
    }


def log_loss(model, x: np.ndarray, y: np.ndarray, *, classes: int) -> float:
    """Mean cross-entropy; a class without a label counts as our own fit counts it, 1e4 nats."""
    logs = np.full((len(x), classes), -1e4)
    logs[:, model.classes_] = log_softmax(model.decision_function(x).astype(float), 1)
    return -float(logs[np.arange(len(y)), y].mean())


def compare(features: Features, cores: int) -> tuple[list[dict], list[dict]]:
    """Rows of ``timing.rows``, a draw of labels being a round, and every single result.

    The two take turns subset by subset.
    """
    torch.set_num_threads(cores)
    contestants = {"ours": ours, "scikit-learn, lbfgs, float32": scikit_learn}
    rates, cells = {name: [] for name in contestants}, []
    warnings.simplefilter("ignore")  # scikit-learn's on a class of one label
    with threadpool_limits(
        cores
    ):  # reaches only what is loaded by now: nothing must be imported below
        for work in contestants.values():
            work(features, subsets(features)[0][min(subsets(features)[0], key=int)], 0)
        for seed, draw in enumerate(subsets(features)):
            spent = dict.fromkeys(contestants, 0.0)
            for size, positions in draw.items():
                for name, work in contestants.items():
                    began = time.perf_counter()
                    scores = work(features, positions, seed)
                    seconds = time.perf_counter() - began
                    spent[name] += seconds
                    cells.append(
                        {
                            "who": name,
                            "labels": int(size),
                            "draw": seed,
                            "seconds": seconds,
                            **scores,
                        }
                    )
            for name, seconds in spent.items():
                rates[name].append(len(draw) * (len(L2) + 1) / seconds)
    title = f"linear, {features.name}, {features.classes} classes"
    table = rows(
        title,
        "fits/s",
        [Rates(name, values) for name, values in rates.items()],
        bars={list(rates)[1]: BAR},
    )
    return table, cells


def agreement(cells: list[dict]) -> dict:
    """Test top-1 (points) and log-loss (nats), ours minus the peer's.

    Of the means, and over subsets where both chose one strength.
    """
    mine, peer = (
        [cell for cell in cells if (cell["who"] == "ours") is is_ours] for is_ours in (True, False)
    )
    pairs = list(zip(mine, peer, strict=True))
    same = [(a, b) for a, b in pairs if abs(np.log(a["l2"] / b["l2"])) < 1e-6]
    return {
        "top1": float(np.mean([a["top1"] - b["top1"] for a, b in pairs])),
        "same_strength": f"{len(same)} of {len(pairs)}",
        "most_top1": max((abs(a["top1"] - b["top1"]) for a, b in same), default=None),
        # infinite where test images are of a class that the subset has no label of
        "most_log_loss": max(
            (abs(a["log_loss"] - b["log_loss"]) for a, b in same if a["log_loss"] is not None),
            default=None,
        ),
    }


def measure(rounds: int, seconds: float, cores: int) -> list[dict]:
    """For `make bench`.

    On features of synthetic images, one pass over the grid whatever rounds and seconds, a draw
    being a round.
    """
    table, cells = compare(drawn(), cores)
    agreed = agreement(cells)
    table[1] |= agreed
    table[1]["note"] = (
        f"Test top-1, ours minus scikit-learn's: {agreed['top1']:+.2f} points on average (bar: "
        f"0.3). {agreed['same_strength']} subsets chose the same strength; there the largest "
        f"difference is {agreed['most_top1'] or 0:.2f} points."
    )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--dataset",
        type=Path,
        help="a dataset's folder under data/, e.g. data/tinyimagenet; synthetic images without it",
    )
    parser.add_argument("--beton", default="48px/clean.beton", help="its beton (%(default)s)")
    parser.add_argument(
        "--encoder",
        type=Path,
        help="a pretraining run's folder, e.g. results/x/pretrain/simclr/tinyimagenet-9000/seed0",
    )
    parser.add_argument("--most-labels", type=int, help="use no more training images than these")
    parser.add_argument(
        "--cores",
        type=int,
        default=1,
        help="of %(prog)s: %(default)s; this machine has " + str(os.cpu_count()),
    )
    parser.add_argument("--output", type=Path, help="JSON with every number")
    arguments = parser.parse_args()
    if (arguments.dataset is None) != (arguments.encoder is None):
        parser.error("--dataset and --encoder go together")
    features = (
        real(arguments.dataset, arguments.beton, arguments.encoder)
        if arguments.dataset
        else drawn()
    )
    if arguments.most_labels:
        few = np.sort(permutation(len(features.y), named_seed(0, "kept"))[: arguments.most_labels])
        features.x, features.y = features.x[few], features.y[few]
    print(
        f"{features.name}: {features.x.shape} training, {features.x_test.shape} test features",
        flush=True,
    )
    table, cells = compare(features, arguments.cores)
    from run import sentence

    print(*map(sentence, table), sep="\n")
    print("ours - scikit-learn:", agreement(cells))
    if arguments.output:
        arguments.output.write_text(
            json.dumps({"rows": table, "agreement": agreement(cells), "cells": cells}, indent=1)
            + "\n"
        )


if __name__ == "__main__":
    main()
