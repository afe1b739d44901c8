"""Linear classifiers and nearest neighbours on a million cached features on a GPU.

Seconds for the whole grid.
"""

import time

import numpy as np
import torch

from fourlenses.evaluation.probes.contract import LabelledFeatures
from fourlenses.evaluation.probes.knn import knn
from fourlenses.evaluation.probes.linear_probe import linear_probe
from fourlenses.metrics.label_levels import LabelLevels

L2 = [1.0, 0.1, 0.01, 0.001, 0.0001, 0.00001]  # config.yaml's


def features(
    *, count: int, width: int, classes: int, device: torch.device
) -> tuple[torch.Tensor, np.ndarray]:
    """float32 (count, width), as a ReLU leaves them, of decaying variance around class means.

    Labels int64 (count,).
    """
    generator = torch.Generator(device).manual_seed(0)
    labels = torch.randint(0, classes, (count,), generator=generator, device=device)
    means = torch.randn(classes, width, generator=generator, device=device)
    decay = torch.arange(1, width + 1, device=device).float() ** -0.5
    x = torch.empty(count, width, device=device)
    for rows in torch.arange(count, device=device).split(100_000):
        noise = torch.randn(len(rows), width, generator=generator, device=device)
        x[rows] = torch.relu((means[labels[rows]] + 3 * noise) * decay)
    return x, labels.cpu().numpy()


def linear(*, count: int, width: int, classes: int, l2: list[float], device: torch.device) -> dict:
    x, y = features(count=count + 10_000, width=width, classes=classes, device=device)
    began = time.perf_counter()
    (result,) = linear_probe(
        LabelledFeatures(x[:count], y[:count]),
        LabelledFeatures(x[count:], y[count:]),
        {"all": np.arange(count)},
        levels=LabelLevels.of_classes(classes),
        l2=l2,
        validation_fraction=0.2,
        seed=0,
        device=device,
    )
    seconds, details = time.perf_counter() - began, result.details
    row = {
        "what": f"linear, {count} features of {width}, {classes} classes, {len(l2)} strengths and "
        "the refit",
        "who": "ours",
        "unit": "fits/s",
        "rate": (len(l2) + 1) / seconds,
        "rates": [(len(l2) + 1) / seconds],
        "seconds": seconds,
        "top1": result.report.top1,
        "iterations": [details["iterations"], *(details["selection_iterations"] or [])],
        "solver": details["solver"],
        "timing": result.timing,
    }
    print(
        {key: row[key] for key in ("what", "seconds", "top1", "iterations", "solver", "timing")},
        flush=True,
    )
    return row


def neighbours(
    *, count: int, width: int, classes: int, device: torch.device, tests: int = 10_000
) -> dict:
    x, y = features(count=count + tests, width=width, classes=classes, device=device)
    began = time.perf_counter()
    (result,) = knn(
        LabelledFeatures(x[:count], y[:count]),
        LabelledFeatures(x[count:], y[count:]),
        {"all": np.arange(count)},
        levels=LabelLevels.of_classes(classes),
        knn_k=[200],
        device=device,
    )
    seconds = time.perf_counter() - began
    row = {
        "what": f"kNN, {count} features of {width}, {tests} test images",
        "who": "ours",
        "unit": "test images/s",
        "rate": tests / seconds,
        "rates": [tests / seconds],
        "seconds": seconds,
        "top1": result.report.top1,
    }
    print({key: row[key] for key in ("what", "seconds", "top1")}, flush=True)
    return row
